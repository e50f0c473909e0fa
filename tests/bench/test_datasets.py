"""A named data set is recognised by its pixels alone, and what is wrong with a folder is said; no set is downloaded."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from calotype.bench import datasets
from calotype.errors import FileError, UsageError


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A data set of three small pictures in a folder, registered as "tiny"."""
    rng, hashes = np.random.default_rng(17), {}
    for number in range(3):
        pixels = rng.integers(0, 256, (4 + number % 2, 5 - number % 2, 3), dtype=np.uint8)
        if number == 2:
            pixels = pixels.transpose(1, 0, 2).copy()
        Image.fromarray(pixels).save(tmp_path / f"p{number}.png")
        hashes[f"p{number}"] = datasets.pixels_sha256(pixels)
    found = datasets.Dataset("tiny", "Tiny", 3, "made here", sides=((5, 4), (4, 5)), hashes=hashes)
    monkeypatch.setitem(datasets.DATASETS, "tiny", found)
    return tmp_path


def files(folder):
    return sorted(folder.iterdir())


def test_a_whole_set_is_recognised_in_any_order_and_lossless_format(tiny):
    Image.open(tiny / "p1.png").save(tiny / "other name.bmp")
    (tiny / "p1.png").unlink()
    assert datasets.check("tiny", tiny) == []
    assert datasets.recognise(reversed(files(tiny))) == "tiny"


def test_a_changed_sample_is_noticed(tiny):
    pixels = np.array(Image.open(tiny / "p0.png"))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(tiny / "p0.png")
    problems = datasets.check("tiny", tiny)
    assert any("p0.png: its pixels" in said for said in problems) and any("missing: p0" in said for said in problems)
    assert datasets.recognise(files(tiny)) is None


def test_a_missing_a_twofold_and_a_foreign_picture_are_said(tiny):
    (tiny / "p2.png").rename(tiny / "p2.away")
    assert datasets.check("tiny", tiny) == ["2 pictures, Tiny has 3"]
    assert datasets.recognise([tiny / "p0.png", tiny / "p1.png"]) is None
    assert datasets.recognise([tiny / "p0.png", tiny / "p1.png", tiny / "p1.png"]) is None
    (tiny / "p2.png").write_bytes(b"no picture")
    assert any("p2.png: can't be read" in said for said in datasets.check("tiny", tiny))
    Image.new("L", (5, 4)).save(tiny / "p2.png")
    assert any("no 8-bit RGB" in said for said in datasets.check("tiny", tiny))
    Image.new("RGB", (50, 4)).save(tiny / "p2.png")
    assert any("50x4" in said for said in datasets.check("tiny", tiny))


def test_errors_are_typed(tmp_path):
    with pytest.raises(UsageError, match="kodak"):
        datasets.get("kodac")
    with pytest.raises(FileError):
        datasets.check("kodak", tmp_path / "nowhere")


def test_kodak_and_clic_are_as_published():
    """What the published curves are means of: 24 pictures, 41 pictures, 100 pictures."""
    known = datasets.DATASETS
    assert (known["kodak"].count, known["clic2020-professional-valid"].count, known["tecnick"].count) == (24, 41, 100)
    for name, dataset in known.items():
        assert dataset.name == name and dataset.source and dataset.title
        assert len(set(dataset.hashes.values())) == len(dataset.hashes) in (0, dataset.count)
