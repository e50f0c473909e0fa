"""Files of every past release decode to exactly the latents recorded then; exported graphs are those of the last commit."""

from __future__ import annotations

import numpy as np
import pytest
from tests.golden import cases, graphs

from calotype import codec, container
from calotype.coding import escape
from calotype.errors import CalotypeError, FileError, TargetExists


@pytest.mark.parametrize("name", cases.CASES)
def test_old_files_still_decode(name):
    """To the latents recorded when the file was made, and to a picture of the right size."""
    data, record = cases.golden(name)
    model = cases.model(record["model"])
    assert model.identity.hex() == record["identity"]
    assert cases.latents_sha256(data, model) == record["latents_sha256"]
    assert codec.decode(data, model=model, threads=1).pixels.shape == (record["height_px"], record["width_px"], 3)


def test_every_file_is_a_case_and_every_walk_has_some():
    found = {path.stem for path in cases.FOLDER.glob("*.calo")}
    assert found == {path.stem for path in cases.FOLDER.glob("*.json")} == set(cases.CASES)
    walks = {cases.model(case.model).manifest.walk for case in cases.CASES.values()}
    assert walks >= {"factorized", "hyperprior", "checkerboard", "pyramid"}
    sizes = [path.stat().st_size for path in cases.MODELS.iterdir()]
    assert sum(sizes) < 38_000 * len(sizes)  # a walk's golden must be tiny; how many walks there are is no matter


def test_metadata_comes_back():
    data, _ = cases.golden("pyramid-tiles")
    said = codec.decode(data, model=cases.model("swift-1"), threads=1)
    for key, value in cases.CASES["pyramid-tiles"].metadata.items():
        assert np.allclose(said.dpi, value, rtol=1e-4) if key == "dpi" else getattr(said, key) == value


@pytest.mark.parametrize("name", [name for name in cases.CASES if "escapes" in name])
def test_goldens_of_escapes_have_escapes(name, monkeypatch):
    counts, read = [], escape.read

    def counted(decoder, bank, tables, ends):
        counts.append(len(tables))
        return read(decoder, bank, tables, ends)

    monkeypatch.setattr(escape, "read", counted)
    data, record = cases.golden(name)
    codec.latents(data, model=cases.model(record["model"]))
    assert sum(counts) > 10


def test_a_missing_golden_is_an_error_and_an_old_one_is_not_replaced(monkeypatch, tmp_path):
    """The twin: nothing is born quietly, nothing dies quietly."""
    with pytest.raises(TargetExists):
        cases.make("pyramid-1x1")
    with pytest.raises(TargetExists):
        cases.make_model("swift-1")
    monkeypatch.setattr(cases, "FOLDER", tmp_path)
    with pytest.raises(FileError, match=r"tools/golden --new pyramid-1x1"):
        cases.golden("pyramid-1x1")
    assert not list(tmp_path.iterdir())


def test_a_golden_of_another_model_is_refused():
    data, _ = cases.golden("factorized-tiles")
    with pytest.raises(CalotypeError):
        codec.latents(data, model=cases.model("hyperprior-1"))
    assert container.build(container.parse(data)) == data


def test_exported_graphs_are_the_recorded_ones():
    """graphs.txt line by line. Where a change is meant, `tools/golden --graphs` records it, and the commit says why."""
    pytest.importorskip("torch", reason="graphs are exported with the extra [train]")
    recorded, found = graphs.FILE.read_text().splitlines(), graphs.present().splitlines()
    changed = sorted(set(recorded[1:]) ^ set(found[1:]))
    assert not changed, f"{recorded[0]}; now {found[0]}; changed: {changed}"
