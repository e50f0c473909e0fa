"""Pictures and crops: what is found, what is held out, what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from calotype.errors import FileError, UsageError
from calotype.train import data


def test_a_folder_is_searched_to_the_bottom(pictures: Path):
    """All pictures of all formats, by name; other files are none of them; damaged ones are counted."""
    sources = data.find(pictures)
    assert len(sources) == 25
    assert {source.path.suffix for source in sources} == {".png", ".webp"}
    gallery = data.load(sources)
    assert len(gallery) == 24
    assert gallery.unreadable == ("damaged.png",)
    at = 0
    for source, (height, width) in zip(gallery.sources, gallery.sizes, strict=True):
        with Image.open(source.path) as picture:
            expected = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        found = gallery.buffer[at : at + expected.size].numpy().reshape(3, height, width)
        assert np.array_equal(found, expected)
        at += expected.size


def test_empty_missing_and_unreadable_folders_are_named(tmp_path: Path):
    """Errors say which folder and what was looked for."""
    with pytest.raises(FileError, match=r"no pictures below it; looked for \.avif"):
        data.find(tmp_path)
    with pytest.raises(FileError, match="not a folder"):
        data.find(tmp_path / "none")
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(UsageError, match="none of them readable"):
        data.load(data.find(tmp_path))
    with pytest.raises(UsageError, match="two at least"):
        data.split(data.find(tmp_path), 0.1)


def test_views_of_one_photograph_stay_together(tmp_path: Path):
    """The split goes by origin_path of an index.csv, and adding pictures moves none across."""
    rows = ["file,origin_path"]
    for i in range(300):
        (tmp_path / f"t{i:03}.png").touch()
        rows.append(f"t{i:03}.png,photo{i // 3}.jpg")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    sources = data.find(tmp_path)
    learning, held_out = data.split(sources, 0.2)
    assert 10 <= len({s.origin for s in held_out}) <= 32
    assert len(learning) + len(held_out) == 300
    assert not {s.origin for s in learning} & {s.origin for s in held_out}
    fewer = data.split(sources[:240], 0.2)[1]
    assert fewer == [s for s in held_out if s in sources[:240]]


def test_crops_are_pieces_of_the_pictures(pictures: Path):
    """Every crop is a part of one picture, perhaps mirrored; the generator alone decides which."""
    gallery = data.load(data.find(pictures))
    crops = gallery.draw(np.random.default_rng(3), 40, 16)
    again = gallery.draw(np.random.default_rng(3), 40, 16)
    assert crops.shape == (40, 3, 16, 16)
    assert crops.dtype == torch.float32
    assert torch.equal(crops, again)
    padded = []
    for offset, (h, w) in zip(gallery.offsets, gallery.sizes, strict=True):
        whole = gallery.buffer[offset : offset + 3 * h * w].numpy().reshape(3, h, w)
        room = [(0, 0), (0, max(0, 16 - h)), (0, max(0, 16 - w))]
        padded.append(np.pad(whole, room, mode="reflect" if min(h, w) > 1 else "edge"))
    for crop in crops.numpy().astype(np.uint8):
        views = [crop, crop[:, :, ::-1]]
        assert any(
            (np.lib.stride_tricks.sliding_window_view(p, (3, 16, 16))[0] == view).all(axis=(2, 3, 4)).any()
            for p in padded
            for view in views
        )


def test_rotated_crops_are_quarter_turns(pictures: Path):
    """With rotations, the same draws give the same crops, turned."""
    gallery = data.load(data.find(pictures))
    plain = gallery.draw(np.random.default_rng(4), 30, 8)
    turned = gallery.draw(np.random.default_rng(4), 30, 8, rotations=True)
    same = [
        any(torch.equal(torch.rot90(p, k, (1, 2)), t) for k in range(4)) for p, t in zip(plain, turned, strict=True)
    ]
    assert all(same)
    assert not torch.equal(plain, turned)


def test_large_pictures_are_drawn_by_the_root_of_their_size(tmp_path: Path):
    """A picture with 16 times the pixels is drawn 4 times as often."""
    Image.new("RGB", (8, 8), (0, 0, 0)).save(tmp_path / "small.png")
    Image.new("RGB", (32, 32), (255, 255, 255)).save(tmp_path / "large.png")
    crops = data.load(data.find(tmp_path)).draw(np.random.default_rng(0), 5000, 4)
    assert abs((crops[:, 0, 0, 0] == 255).float().mean().item() - 0.8) < 0.03


def test_reflection_continues_small_pictures():
    """As NumPy's reflect padding, as often as it takes; single rows repeat."""
    index = np.arange(-7, 12)[None]
    expected = np.pad(np.arange(4), (7, 8), mode="reflect")[None]
    assert np.array_equal(data._reflected(index, np.array([[4]])), expected)
    assert not data._reflected(index, np.array([[1]])).any()


def test_validation_crops_never_change(pictures: Path):
    """The same crops from the same photographs, whatever else is drawn; one per photograph."""
    sources = data.find(pictures)
    gallery = data.load(sources)
    one = gallery.fixed(5, 16)
    gallery.draw(np.random.default_rng(0), 3, 16)
    assert torch.equal(one, gallery.fixed(5, 16))
    assert torch.equal(one[:3], gallery.fixed(3, 16))
    assert len(gallery.fixed(1000, 16)) == 24


def test_memory_is_bounded(pictures: Path):
    """What does not fit is left out and counted; what is kept does not depend on the number of threads."""
    sources = data.find(pictures)
    whole = data.load(sources)
    less = data.load(sources, max_bytes=whole.buffer.numel() // 2)
    assert less.buffer.numel() <= whole.buffer.numel() // 2
    assert less.left_out == len(whole) - len(less) > 0
    threaded = data.load(sources, max_bytes=whole.buffer.numel() // 2, threads=3)
    assert torch.equal(less.buffer, threaded.buffer)
    assert less.fingerprint() == threaded.fingerprint() != whole.fingerprint()


def test_rates_cover_the_dial():
    """Half of the draws lie on anchors, all anchors alike; the others fill [0, 1] evenly."""
    generator = np.random.default_rng(1)
    drawn = np.concatenate([data.rates(generator, 8, 5) for _ in range(2000)])
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    on_anchor = np.isin(drawn, np.arange(5, dtype=np.float32) / 4)
    assert abs(on_anchor.mean() - 0.5) < 0.02
    counts = np.unique(drawn[on_anchor], return_counts=True)[1]
    assert len(counts) == 5
    assert counts.min() > 0.9 * counts.max()
    assert abs(drawn[~on_anchor].mean() - 0.5) < 0.02
