"""Scrambled pictures come back with the key, not without it, and still compress."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests import tiny

from calotype import scrambling
from calotype.errors import UsageError


def jpeg(pixels, quality=85):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "jpeg", quality=quality, subsampling=0)
    return held.tell(), np.asarray(Image.open(io.BytesIO(held.getvalue())))


def test_the_key_brings_the_picture_back_and_no_other_one_does():
    pixels = tiny.picture(96, 128)
    hidden = scrambling.scrambled(pixels, 7)
    assert np.array_equal(scrambling.unscrambled(hidden, 7), pixels)
    assert not np.array_equal(scrambling.unscrambled(hidden, 8), pixels)
    assert np.corrcoef(hidden.ravel(), pixels.ravel())[0, 1] < 0.3
    assert np.array_equal(
        np.sort(np.abs(hidden.astype(int) - 127.5), None), np.sort(np.abs(pixels.astype(int) - 127.5), None)
    )


def test_what_is_scrambled_still_compresses():
    """JPEG of the scrambled picture decodes to nearly what JPEG of the picture does; the twin, shuffled pixels, costs much."""
    pixels = tiny.picture(256, 256)
    plain, seen = jpeg(pixels)
    size, found = jpeg(scrambling.scrambled(pixels, 1))
    error = [np.square(part.astype(float) - pixels).mean() for part in (seen, scrambling.unscrambled(found, 1))]
    assert size < 1.4 * plain and error[1] < 1.5 * error[0]
    noise = np.random.default_rng(0).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    assert jpeg(noise)[0] > 1.15 * size


def test_parts_of_blocks_are_refused():
    with pytest.raises(UsageError, match="16"):
        scrambling.scrambled(np.zeros((17, 32, 3), np.uint8), 0)
