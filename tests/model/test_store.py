"""The store: packaged models first, names and identity prefixes, atomic additions, and the verbs on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from calotype.cli.models import models
from calotype.errors import FileError, ModelError, TargetExists, UsageError
from calotype.model import Net, bundle, store


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """An own store, and an own folder in the rôle of the package's."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setenv("CALOTYPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "packaged", lambda: shipped)
    return shipped


@pytest.fixture
def other(tiny):
    """A model with another identity."""
    return tiny.model(rows={"bias": np.array([[1, 2]])}, name="other")


def test_a_model_is_added_found_and_removed(tiny):
    model = tiny.model()
    entry = store.add(bundle.write(model))
    assert entry.name == "tiny" and entry.identity == model.identity.hex() and entry.source == "added"
    assert store.names() == ("tiny",)
    for wanted in ("tiny", model.identity.hex()[:6], model.identity[:8], model.identity.hex().upper()):
        assert store.find(wanted) is store.find("tiny")
    assert store.by_identity(model.identity[:8]) is store.find("tiny")
    assert store.name_of(model.identity[:8]) == "tiny" and store.name_of(bytes(8)) is None
    assert store.remove("tiny") == entry and store.installed() == ()


def test_packaged_models_come_first_and_stay(tiny, other, folders):
    (folders / "tiny.calomodel").write_bytes(bundle.write(tiny.model()))
    assert store.find("tiny").identity == tiny.model().identity
    with pytest.raises(UsageError, match="no packaged model"):
        store.add(bundle.write(other), "tiny")
    store.add(bundle.write(other))
    assert [entry.source for entry in store.installed()] == ["packaged", "added"]
    with pytest.raises(UsageError, match="belongs to the package"):
        store.remove("tiny")


def test_digits_that_fit_several_models_are_refused(tiny, monkeypatch):
    for k in range(2):
        rows = {"bias": np.array([[k, 2]])}
        store.add(bundle.write(tiny.model(name=f"m{k}", rows=rows)))
    # Two identities of equal beginning can't be made; entries that say so can.
    monkeypatch.setattr(store, "_entry", lambda path, *_: SimpleNamespace(identity=f"abcdef{path.stem}"))
    with pytest.raises(ModelError, match="several models fit; wanted abcdef; found m0, m1"):
        store.find("abcdef")


def test_a_missing_model_says_where_it_was_sought():
    with pytest.raises(
        ModelError, match=r"wanted 0102030405060708; looked in the models of the package and .*add FILE"
    ):
        store.find(bytes(range(1, 9)))
    with pytest.raises(ModelError, match="no such model"):
        store.find("nothing")
    with pytest.raises(ModelError, match="no such model"):
        store.remove("nothing")


def test_another_model_of_the_name_needs_force(tiny, other):
    store.add(bundle.write(tiny.model()))
    with pytest.raises(TargetExists):
        store.add(bundle.write(other), "tiny")
    store.add(bundle.write(other), "tiny", force=True)
    assert store.find("tiny").identity == other.identity  # not the one kept in memory
    with pytest.raises(UsageError):
        store.add(bundle.write(other), "../tiny")
    assert [path.name for path in store.home().iterdir()] == ["tiny.calomodel"]


def test_a_renamed_model_goes_by_its_new_name(other):
    assert store.add(bundle.write(other), "mine").name == "mine"
    assert store.find("mine").name == "mine"


def test_damage_is_listed_and_refused(tiny):
    store.add(bundle.write(tiny.model()))
    path = store.home() / "tiny.calomodel"
    data = bytearray(path.read_bytes())
    position = data.find(b"tiny", data.find(b"nets/"))  # inside a graph
    data[position] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="is damaged"):
        store.find("tiny")
    path.write_bytes(b"no zip")
    assert "zip" in store.installed()[0].problem
    with pytest.raises(ModelError, match="zip"):
        store.find("tiny")


def test_an_unproved_model_is_not_added(tiny):
    nets = {"n": Net("nets/n.onnx", ("x",), ("y",), exact=True, ranges={"x": (0, 255, 0)})}
    model = tiny.model(nets=nets, graphs={"n": tiny.chain(exact=False)})
    with pytest.raises(ModelError, match=r"network n is not exact: node Conv_s0 \(Conv\)"):
        store.add(bundle.write(model))
    assert store.installed() == ()


def test_a_store_that_can_not_be_written_is_named(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CALOTYPE_HOME", str(tmp_path / "file"))
    with pytest.raises(FileError, match="can't be written"):
        store.add(bundle.write(tiny.model()))


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [("linux", "XDG_DATA_HOME", "/d/calotype/models"), ("win32", "LOCALAPPDATA", "/d/calotype/models")],
)
def test_without_a_variable_of_its_own_the_platform_decides(monkeypatch, platform, variable, expected):
    monkeypatch.delenv("CALOTYPE_HOME")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, "/d")
    assert store.home() == Path(expected)
    monkeypatch.setattr("sys.platform", "darwin")
    assert store.home().parts[-4:] == ("Library", "Application Support", "calotype", "models")


def test_the_verbs(tiny, tmp_path):
    file = tmp_path / "t.calomodel"
    file.write_bytes(bundle.write(tiny.model()))
    identity = tiny.model().identity.hex()
    runner = CliRunner()

    def said(*words):
        result = runner.invoke(models, words, catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout, result.stderr

    out, talk = said("list")
    assert out == "" and "no models are installed" in talk
    out, talk = said("add", str(file))
    assert out == f"tiny  {identity}\n" and "verified and added" in talk
    out, talk = said("list")
    assert out.startswith(f"tiny  {identity[:16]}") and "tiny-recipe  Apache-2.0" in out and talk == ""
    (listed,) = json.loads(said("list", "--json")[0])
    assert listed["identity"] == identity and listed["source"] == "added"
    assert "networks proved exact: 1" in said("verify")[0]
    assert "below 2^24" in said("verify", "tiny", "--proof")[0]
    out, talk = said("remove", "tiny")
    assert out == "" and "is removed" in talk
