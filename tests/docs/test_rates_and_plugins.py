"""docs/rates.md and docs/plugins.md say what is so: their blocks run, in order, beside a photograph."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from PIL import Image

from calotype import rates

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), flags=re.M | re.S)


def run(folder: Path, *code: str) -> None:
    """In a process of its own: the plug-ins change Pillow."""
    with resources.as_file(resources.files("calotype") / "demo" / "sumac.png") as path:
        Image.open(path).convert("RGB").crop((0, 0, 384, 320)).save(folder / "photograph.png")
    script = "from PIL import Image\n" + "\n".join(code)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_the_blocks_of_rates_run(tmp_path):
    found = blocks("rates.md")
    assert len(found) == 2
    run(tmp_path, *found)


def test_the_blocks_of_plugins_run(tmp_path):
    """Those whose library is there; the entry points of Zarr and numcodecs, where the package was installed with them."""
    found = blocks("plugins.md")
    assert len(found) == 6
    numpy, pillow, atomic, zarr, numcodecs, webdataset = found
    code = [numpy, pillow, atomic]
    declared = {point.group for point in entry_points(name="calotype")}
    for block, library, group in ((zarr, "zarr", "zarr.codecs"), (numcodecs, "numcodecs", "numcodecs.codecs")):
        if importlib.util.find_spec(library) and group in declared:
            code.append(block)
    if importlib.util.find_spec("webdataset"):
        code.append(webdataset)
    run(tmp_path, *code)


def test_the_page_knows_the_tolerances():
    """The table of docs/rates.md has the tolerances of the code."""
    table = (DOCS / "rates.md").read_text()
    for measure, said in rates.MEASURES.items():
        (row,) = re.findall(rf"^\| `--{measure} .*$", table, flags=re.M)
        wanted = f"{100 * said.tolerance:g} %" if said.ratio else f"{said.tolerance:g} {said.unit}"
        assert wanted in row.rsplit("|", 2)[1], row
    assert f"**{['', 'one', 'two', 'three', 'four', 'five', 'six'][rates.ENCODES]} encodes**" in table


@pytest.mark.parametrize("extra", ["zarr", "webdataset", "bench"])
def test_extras_that_the_pages_name_exist(extra):
    assert f"\n{extra} = [" in (DOCS.parent / "pyproject.toml").read_text()
