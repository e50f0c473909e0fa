"""The pyramid is the published one, and its windows agree with the whole (law L5)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype import lifting, pyramid
from calotype.errors import UsageError
from calotype.tiles import Region

from . import sketch


def random_planes(height, width, planes=3, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (planes, height, width)).astype(np.float32)


def stride_of(name, levels):
    return 1 << (levels if name == "ll" else int(name[1:]))


def loading(bands):
    def load(name, region, scale, out):
        np.multiply(bands[name][:, region.rows, region.cols], scale, out=out)

    return load


@st.composite
def pictures_with_windows(draw, aligned):
    levels = draw(st.integers(1, 6))
    unit = 1 << levels
    shape = [unit * draw(st.integers(1, max(2, 320 >> levels))) for _ in range(2)]
    step = unit if aligned else 1
    edges = [
        sorted(draw(st.lists(st.integers(0, side // step), min_size=2, max_size=2, unique=True))) for side in shape
    ]
    (top, bottom), (left, right) = ([edge * step for edge in pair] for pair in edges)
    return levels, tuple(shape), Region(top, bottom, left, right)


@pytest.mark.parametrize("levels", range(7))
@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 320), (192, 64)])
def test_bands_are_those_of_the_formula(levels, height, width):
    """Analysis and synthesis equal the lifting formula in float64 up to float32 rounding; planes may be any number."""
    planes = random_planes(height, width, planes=2)
    expected = sketch.analyse(planes.astype(np.float64), levels)
    bands = pyramid.analyse(planes, levels)
    assert list(bands) == list(expected)
    for name, band in bands.items():
        assert band.dtype == np.float32
        np.testing.assert_allclose(band, expected[name], atol=1e-5)
    given_bands = {name: band.astype(np.float32) for name, band in expected.items()}
    np.testing.assert_allclose(pyramid.synthesise(given_bands, levels), planes, atol=1e-5)


def test_synthesis_of_anything_is_the_formula():
    """Not only of bands that come from a picture: quantized ones don't."""
    bands = {f"l{k}": random_planes(128 >> k, 192 >> k, 9, seed=k) for k in range(1, 7)} | {"ll": random_planes(2, 3)}
    expected = sketch.synthesise({name: band.astype(np.float64) for name, band in bands.items()}, 6)
    np.testing.assert_allclose(pyramid.synthesise(bands, 6), expected, atol=2e-5)


@settings(max_examples=60, deadline=None)
@given(pictures_with_windows(aligned=False), st.sampled_from([64, 700, 49_152]))
def test_synthesis_by_windows_is_the_whole(case, block):
    """L5: any window, on any block size, is bit-equal with the whole."""
    levels, shape, window = case
    bands = pyramid.analyse(random_planes(*shape), levels)
    whole = pyramid.synthesise(bands, levels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_BLOCK", block)
        part = pyramid.synthesise_window(loading(bands), window, shape, levels)
    assert np.array_equal(part, whole[:, window.rows, window.cols])


@settings(max_examples=60, deadline=None)
@given(pictures_with_windows(aligned=True), st.sampled_from([64, 700, 49_152]))
def test_analysis_by_windows_is_the_whole(case, block):
    """L5: the bands of any aligned window, on any block size, are bit-equal with those of the whole."""
    levels, shape, window = case
    planes = random_planes(*shape)
    whole = pyramid.analyse(planes, levels)

    def load(region, out):
        np.copyto(out, planes[:, region.rows, region.cols])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_BLOCK", block)
        part = pyramid.analyse_window(load, window, shape, levels)
    for name, band in part.items():
        region = window.over(stride_of(name, levels))
        assert np.array_equal(band, whole[name][:, region.rows, region.cols]), name


@settings(max_examples=30, deadline=None)
@given(pictures_with_windows(aligned=False))
def test_synthesis_asks_only_for_its_regions(case):
    """`regions` is what is loaded, all of it and no more; `reach_px` bounds it."""
    levels, shape, window = case
    bands = pyramid.analyse(random_planes(*shape), levels)
    asked = {}

    def load(name, region, scale, out):
        assert out.shape == (len(bands[name]), region.height, region.width)
        seen = asked.setdefault(name, np.zeros(bands[name].shape[1:], bool))
        seen[region.rows, region.cols] = True
        np.multiply(bands[name][:, region.rows, region.cols], scale, out=out)

    pyramid.synthesise_window(load, window, shape, levels)
    needed = pyramid.regions(window, levels, *shape)
    for name, seen in asked.items():
        region = needed[-1] if name == "ll" else needed[int(name[1:]) - 1]
        assert seen[region.rows, region.cols].all()
        assert seen.sum() == region.height * region.width
        reach = window.grown(pyramid.reach_px(levels), *shape).over(stride_of(name, levels))
        assert reach.top <= region.top and region.bottom <= reach.bottom
        assert reach.left <= region.left and region.right <= reach.right


def test_a_smaller_margin_is_seen(monkeypatch):
    """The twin of L5 that shows that the law can fail: one phase less, and windows differ from the whole."""
    bands = pyramid.analyse(random_planes(256, 256), 3)
    whole = pyramid.synthesise(bands, 3)
    monkeypatch.setattr(pyramid, "MARGIN", lifting.MARGIN - 1)
    part = pyramid.synthesise_window(loading(bands), Region(64, 192, 64, 192), (256, 256), 3)
    assert not np.array_equal(part, whole[:, 64:192, 64:192])


def test_replicated_edges_keep_a_constant_picture_constant():
    """A grey picture has no high-pass samples, at the edges neither."""
    bands = pyramid.analyse(np.full((1, 128, 64), 1.5, np.float32), 6)
    assert all(np.abs(band).max() < 2e-5 for name, band in bands.items() if name != "ll")


@pytest.mark.parametrize(
    ("window", "shape"),
    [
        (Region(0, 65, 0, 64), (64, 64)),
        (Region(0, 0, 0, 64), (64, 64)),
        (Region(-64, 64, 0, 64), (64, 64)),
        (Region(0, 64, 0, 64), (64, 100)),
        (Region(0, 64, 0, 64), (0, 64)),
    ],
)
def test_impossible_windows_are_refused(window, shape):
    """Windows outside the picture and sides that can't be halved raise UsageError, before anything is loaded."""
    with pytest.raises(UsageError):
        pyramid.regions(window, 6, *shape)
    with pytest.raises(UsageError):
        pyramid.analyse_window(None, window, shape, 6)


def test_analysis_refuses_windows_between_samples():
    with pytest.raises(UsageError, match="multiples of 64"):
        pyramid.analyse_window(None, Region(0, 96, 0, 64), (128, 64), 6)
