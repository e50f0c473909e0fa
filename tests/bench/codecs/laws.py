"""What every codec of the benchmark must keep, as functions that fail with an assertion; no test lives here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from calotype import metrics
from calotype.bench.codecs import Codec
from calotype.errors import CalotypeError, UnsupportedError

# PSNR may fall a little from one level to the next on one small crop: encoders decide by other measures too.
SLACK_DB = 0.25


def gives_pictures_back(codec: Codec, pixels: np.ndarray) -> None:
    """Shape and type come back, exactly the samples if the codec is lossless; and neither side changes its input."""
    before = pixels.copy()
    for level in codec.levels[-1:]:
        data = codec.encode(pixels, level)
        decoded = codec.decode(data)
        assert isinstance(data, bytes)
        assert decoded.dtype == np.uint8 and decoded.shape == pixels.shape
        assert np.array_equal(before, pixels)
        if codec.lossless:
            assert np.array_equal(decoded, pixels)
        else:
            assert metrics.psnr(pixels, decoded) > 25


def repeats_itself(codec: Codec, pixels: np.ndarray) -> None:
    """With one thread the same pixels are the same bytes, and the same bytes the same pixels."""
    level = codec.levels[len(codec.levels) // 2]
    first, second = codec.encode(pixels, level), codec.encode(pixels, level)
    assert first == second
    assert np.array_equal(codec.decode(first), codec.decode(first))


def rises(codec: Codec, pixels: np.ndarray, step: int = 1) -> None:
    """From level to level, files grow and pictures get no worse; of the levels, every `step`-th is tried."""
    sizes, psnrs = [], []
    for level in codec.levels[::step]:
        data = codec.encode(pixels, level)
        sizes.append(len(data))
        psnrs.append(metrics.psnr(pixels, codec.decode(data)))
    assert _rising(sizes, slack=0), (codec.levels, sizes)
    assert _rising(psnrs, slack=SLACK_DB), (codec.levels, psnrs)
    assert len(set(codec.levels)) == len(codec.levels) and sizes[-1] > sizes[0] and psnrs[-1] > psnrs[0] + 6


def refuses_by_name(codec: Codec, pixels: np.ndarray) -> bool:
    """True if the codec takes this size and gives the picture back, False if it says that it can't; nothing else."""
    try:
        data = codec.encode(pixels, codec.levels[-1])
    except UnsupportedError as error:
        assert f"{pixels.shape[1]}x{pixels.shape[0]}" in str(error) and error.exit_code == 5
        assert not codec.lossless
        return False
    decoded = codec.decode(data)
    assert decoded.shape == pixels.shape
    assert not codec.lossless or np.array_equal(decoded, pixels)
    return True


def refuses_foreign(codec: Codec, data: bytes) -> None:
    """Bytes that are no file of this codec raise an error of ours. Damage is another matter: many formats don't notice."""
    try:
        codec.decode(data)
    except CalotypeError as error:
        assert 4 <= error.exit_code <= 7
    else:
        raise AssertionError(f"{len(data)} foreign bytes were decoded")


def _rising(values: Sequence[float], *, slack: float) -> bool:
    return all(after >= before - slack for before, after in pairwise(values))
