"""README's figures follow from results/, and what is stale is noticed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from calotype.bench.report.study import study
from calotype.bench.report.summary import text

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tool(monkeypatch):
    """tools/write_results.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.delitem(sys.modules, "measuring", raising=False)
    spec = importlib.util.spec_from_file_location("write_results", ROOT / "tools" / "write_results.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tool, kodak_rows, tmp_path, monkeypatch):
    """A small one, with results and a README whose figures are written."""
    timing = {
        "kind": "timing",
        "level": 50.0,
        "picture": "mosaic.png",
        "encode_peak_bytes": 3e6,
        "decode_peak_bytes": 2e6,
    }
    timed = [
        timing
        | {"codec": "swift", "title": "Calotype swift", "threads": n, "encode_mp_s": 1.0 * n, "decode_mp_s": 2.0 * n}
        for n in (1, 2)
    ]
    (tmp_path / "results" / "kodak").mkdir(parents=True)
    said = text(study([*kodak_rows, *timed]))
    (tmp_path / "results" / "kodak" / "summary.json").write_text(said, encoding="utf-8")
    (tmp_path / "README.md").write_text(f"# Before\n{tool.BEGIN}old\n{tool.END}after\n", encoding="utf-8")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["write_results.py"])
    tool.main()
    return tmp_path


def test_what_is_written_is_fresh(tool, checkout, monkeypatch):
    said = (checkout / "README.md").read_text(encoding="utf-8")
    assert said.startswith("# Before\n") and said.endswith("after\n") and "\nold\n" not in said
    assert "| JPEG 4:2:0 | -52 % |" in said and "| Calotype swift | 1 | 2 | 2 | 4 | 3 MB |" in said
    monkeypatch.setattr(sys, "argv", ["write_results.py", "--check"])
    tool.main()


def test_photographs_stand_in_readme_once_they_are_measured(tool, checkout):
    """Without results/photos there is no word of them; with it, a table in README and a page of their own."""
    kodak = checkout / "results" / "kodak" / "summary.json"
    assert "photographs" not in (checkout / "README.md").read_text(encoding="utf-8")
    photos = checkout / "results" / "photos" / "summary.json"
    photos.parent.mkdir()
    photos.write_text(kodak.read_text(encoding="utf-8"), encoding="utf-8")
    tool.main()
    readme, page = ((path / "README.md").read_text(encoding="utf-8") for path in (checkout, photos.parent))
    assert "photographs of 8 to 9 megapixels" in readme and readme.count("| JPEG 4:2:0 | -52 % |") == 2
    assert page.startswith("# Photographs") and "| JPEG 4:2:0 | -52 % |" in page


def _change_readme(root: Path) -> None:
    path = root / "README.md"
    path.write_text(path.read_text(encoding="utf-8").replace("-52 %", "-53 %"), encoding="utf-8")


def _change_results(root: Path) -> None:
    path = root / "results" / "kodak" / "summary.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["bd_rates"]["psnr"]["swift"]["jpeg-420"]["percent"] = -53.4
    path.write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize("change", [_change_readme, _change_results])
def test_a_changed_figure_is_stale(tool, checkout, monkeypatch, change):
    """The twin of the check: one figure changed, in README or in the results, and it fails."""
    change(checkout)
    monkeypatch.setattr(sys, "argv", ["write_results.py", "--check"])
    with pytest.raises(SystemExit):
        tool.main()


def test_the_figures_of_this_checkout_are_fresh(tool):
    """README and the page of results/kodak say what its summary says."""
    for path, said in tool.pages(ROOT).items():
        assert path.read_text(encoding="utf-8") == said, f"{path.name} is stale: run tools/write_results.py"


@pytest.mark.long
def test_the_summary_of_this_checkout_follows_from_its_rows():
    """Curves and BD-rates are worked out anew from the rows that are kept."""
    folder = ROOT / "results" / "kodak"
    kept = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    anew = json.loads(text(study(folder)))
    assert anew["codecs"].keys() == kept["codecs"].keys() and anew["failed"] == kept["failed"]
    for name, codec in kept["codecs"].items():
        for metric, points in codec["curves"].items():
            for old, new in zip(points, anew["codecs"][name]["curves"][metric], strict=True):
                assert new == pytest.approx(old, abs=2e-4)
    for metric, tested in kept["bd_rates"].items():
        for name, others in tested.items():
            for against, said in others.items():
                assert anew["bd_rates"][metric][name][against]["percent"] == pytest.approx(said["percent"], abs=0.02)
