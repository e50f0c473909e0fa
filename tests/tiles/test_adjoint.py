"""Laws of the transposed synthesis: inner products agree with the synthesis itself, edges included; norms are measured."""

from __future__ import annotations

import numpy as np
import pytest

from calotype import adjoint, pyramid


def _bands(height: int, width: int, levels: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {f"l{k}": (9, height >> k, width >> k) for k in range(1, levels + 1)}
    shapes["ll"] = (3, height >> levels, width >> levels)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize(("height", "width", "levels"), [(2, 2, 1), (64, 128, 3), (64, 64, 6), (192, 64, 6)])
def test_transposed_is_the_transpose(height: int, width: int, levels: int) -> None:
    """<S b, x> = <b, S^T x> for every b and x."""
    bands, planes = _bands(height, width, levels, 1), np.random.default_rng(2).normal(size=(3, height, width))
    planes = planes.astype(np.float32)
    ours = sum(float((bands[name].astype(np.float64) * part).sum()) for name, part in _transposed(planes, levels))
    theirs = float((pyramid.synthesise(bands, levels).astype(np.float64) * planes).sum())
    assert ours == pytest.approx(theirs, abs=1e-4 * np.sqrt(bands["ll"].size + planes.size))


def _transposed(planes: np.ndarray, levels: int) -> list[tuple[str, np.ndarray]]:
    return list(adjoint.transposed(planes, levels).items())


def test_analysis_is_not_the_transpose() -> None:
    """The law above can fail: analysis is the inverse, and nearly but not quite the same."""
    bands, planes = _bands(64, 64, 3, 1), np.random.default_rng(2).normal(size=(3, 64, 64)).astype(np.float32)
    wrong = sum(float((bands[name] * part).sum()) for name, part in pyramid.analyse(planes, 3).items())
    assert abs(wrong - float((pyramid.synthesise(bands, 3) * planes).sum())) > 1


@pytest.mark.parametrize(("level", "count"), [(level, 3) for level in range(1, 7)] + [(1, 24), (3, 24)])
def test_norms_are_those_of_synthesis_vectors(level: int, count: int) -> None:
    """A unit anywhere in a band makes a picture of that squared norm: in corners, on edges, in the middle."""
    side, known = count << level, adjoint.squared_norms(level, count << level, count << level)
    for name in (f"l{level}", "ll"):
        for channel in range(0, len(known[name]), 3):
            for place in ((0, 0), (count // 2, count // 2), (count - 1, 1), (count - 1, count - 1)):
                bands = {key: np.zeros_like(band) for key, band in _bands(side, side, level, 0).items()}
                bands[name][(channel, *place)] = 1
                found = np.square(pyramid.synthesise(bands, level), dtype=np.float64).sum()
                assert known[name][(channel, *place)] == pytest.approx(found, rel=1e-4)
