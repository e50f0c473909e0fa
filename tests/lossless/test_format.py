"""docs/format-lossless.md is what the code does: constants, and a decoder written from the page alone."""

from __future__ import annotations

import re
from enum import EnumMeta
from pathlib import Path

import numpy as np
import pytest
from tests.lossless.second_decoder import decode as second_decode

from calotype.lossless import decode_tile, encode_tile, fitting, layout, predicted, tile

PAGE = (Path(__file__).parents[2] / "docs" / "format-lossless.md").read_text(encoding="utf-8")
KEY = b"another decoder's"


def test_layout_is_the_specification():
    """Every constant of the page equals that of the same name, and none is left over."""
    rows = dict(re.findall(r"^\| ([A-Z][A-Z_]+) \| ([\d, ]+) \|", PAGE, re.MULTILINE))
    said = {name: tuple(int(v) for v in value.split(",")) for name, value in rows.items()}
    have = {}
    for name in layout.__all__:
        value = getattr(layout, name)
        if isinstance(value, EnumMeta):
            have.update({member.name: (member.value,) for member in value})
        else:
            have[name] = value if isinstance(value, tuple) else (value,)
    assert said == have


def photograph(c: int, h: int, w: int, depth: int, seed: int = 0) -> np.ndarray:
    """Something smooth with edges and noise, alike in all planes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    plane = np.sin(x / 9) + np.cos(y / 7 + x / 30) + 0.7 * ((x // 13 + y // 17) % 2) + rng.normal(0, 0.05, (h, w))
    planes = [plane * (1 - 0.1 * k) + rng.normal(0, 0.02, (h, w)) for k in range(c)]
    return np.clip((np.stack(planes) + 3) / 6 * (1 << depth), 0, (1 << depth) - 1).astype(np.int32)


CASES = [(3, 33, 47, 8), (1, 1, 9, 8), (2, 40, 1, 12), (4, 17, 16, 16), (1, 9, 9, 1), (3, 66, 61, 8), (1, 64, 65, 16)]


@pytest.mark.parametrize(("c", "h", "w", "depth"), CASES)
def test_the_second_decoder_agrees(c, h, w, depth, monkeypatch):
    """Also with parameters for small passes, which the writer would not spend."""
    monkeypatch.setattr(fitting, "LEAST", 100)
    monkeypatch.setattr(fitting, "A_CLASS", 300)
    monkeypatch.setattr(fitting, "LARGE", 32)
    monkeypatch.setattr(fitting, "WORTH", 1e6)
    found = []
    spied = fitting.regions
    monkeypatch.setattr(fitting, "regions", lambda *given: found.append(spied(*given)) or found[-1])
    samples = photograph(c, h, w, depth)
    payload = predicted.encode(samples, depth)
    stream, check = b"\1" + payload, tile.check_of(samples, depth, KEY)
    assert np.array_equal(second_decode(stream, check, samples.shape, depth, KEY), samples)
    assert np.array_equal(decode_tile(stream, check, samples.shape, depth, KEY), samples)
    assert any(kinds is not None for kinds in found) == (min(h, w) > 30)


@pytest.mark.parametrize("kind", range(5))
def test_the_second_decoder_agrees_on_graphics(kind):
    """Rows, colour tables, constants."""
    rng = np.random.default_rng(kind)
    y, x = np.mgrid[0:37, 0:52]
    samples, depth = [
        (np.full((3, 20, 30), 77), 8),
        (np.stack([(x * y) % 7 // 6 * 255, (x + y) % 2 * 255]), 8),
        (rng.integers(0, 1000, (3, 9))[:, rng.integers(0, 9, (30, 20)) * (rng.random((30, 20)) < 0.1)], 10),
        (np.stack([x * 5, y * 7, (x * 3 + y * 2)]) * 91, 16),
        (np.where(rng.random((1, 40, 40)) < 0.02, rng.integers(0, 256, (1, 40, 40)), 200), 8),
    ][kind]
    stream, check = encode_tile(samples, depth, KEY)
    assert np.array_equal(second_decode(stream, check, samples.shape, depth, KEY), samples)
