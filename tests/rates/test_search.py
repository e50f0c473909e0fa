"""The search for a target: on curves that are known exactly, so that every promise can be checked at every rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calotype import errors, rates
from calotype.model import store
from calotype.rates import MEASURES, Found, Target


def photograph(level: float, bend: float, noise: float, seed: int) -> np.ndarray:
    """Bits per pixel at 1024 rates: the typical curve, moved, bent, and noisy as small files are."""
    typical = np.log(np.interp(np.arange(1024), np.linspace(0, 1023, 9), MEASURES["bpp"].typical))
    there = np.linspace(-1, 1, 1024)
    random = np.random.default_rng(seed).normal(0, noise, 1024)
    return np.exp(typical + level + bend * (there + there**2 / 2) + random)


CURVES = {"level": st.floats(-2, 2), "bend": st.floats(-0.5, 0.5), "seed": st.integers(0, 99)}


@settings(max_examples=200, deadline=None)
@given(**CURVES, wanted=st.floats(0, 1), noise=st.sampled_from([0.0, 0.002]))
def test_rates_are_hit_in_six_looks(level, bend, seed, wanted, noise):
    """Wherever the target lies on the curve, and whatever the picture: within 2 %, 0.3 % where the curve is smooth."""
    curve = photograph(level, bend, noise, seed)
    target = Target("bpp", float(np.exp(np.interp(wanted, [0, 1], np.log(curve[[3, 1020]])))))
    found = rates.search(target, lambda at: float(curve[at]))
    error = min(abs(value / target.value - 1) for value in found.values.values())
    assert len(found.values) <= rates.ENCODES and error <= (0.02 if noise else 0.004)


@settings(max_examples=200, deadline=None)
@given(**CURVES, wanted=st.floats(0, 1))
@example(level=0.0, bend=-0.427734375, seed=81, wanted=0.9660807920015047)  # three looks in a row a hair above
def test_sizes_are_approached_from_below(level, bend, seed, wanted):
    """The best look that is allowed is within 2 % below, and never above."""
    curve = np.floor(photograph(level, bend, 0.001, seed) * 50_000)
    target = Target("size", math.floor(np.exp(np.interp(wanted, [0, 1], np.log(curve[[3, 1020]])))))
    found = rates.search(target, lambda at: float(curve[at]), unit=50_000)
    allowed = max(value for value in found.values.values() if value <= target.value)
    assert len(found.values) <= rates.ENCODES and allowed >= 0.98 * target.value


@settings(max_examples=100, deadline=None)
@given(st.floats(-8, 8), st.floats(0.6, 1.6), st.floats(0, 1))
def test_decibels_are_hit(level, slope, wanted):
    """The same on a scale that is not logarithmic."""
    curve = np.interp(np.arange(1024), np.linspace(0, 1023, 9), MEASURES["psnr"].typical) * slope + level
    target = Target("psnr", float(np.interp(wanted, [0, 1], curve[[3, 1020]])))
    found = rates.search(target, lambda at: float(curve[at]))
    assert min(abs(value - target.value) for value in found.values.values()) <= 0.05
    assert len(found.values) <= rates.ENCODES


def test_metadata_does_not_mislead():
    """60 kB of EXIF around 8 kB of picture: the logarithm is of what the rate changes."""
    curve = photograph(0, 0, 0, 0) * 50_000
    target = Target("size", 70_000)
    found = rates.search(target, lambda at: float(curve[at]) + 60_000, unit=50_000, fixed=60_000)
    assert max(value for value in found.values.values() if value <= 70_000) > 69_600 and len(found.values) <= 4


def test_what_lies_beyond_the_dial_is_noticed_at_once():
    """Twin of the laws above: no look helps, and the bracket says so."""
    curve = photograph(0, 0, 0, 0)
    above = rates.search(Target("bpp", 50.0), lambda at: float(curve[at]))
    below = rates.search(Target("bpp", 0.001), lambda at: float(curve[at]))
    assert (above.low, above.high, len(above.values)) == (1023, 1024, 1)
    assert (below.low, below.high, len(below.values)) == (-1, 0, 1)


def test_a_curve_without_a_slope_ends_too():
    """A flat picture has one size at every rate; the search must not run for ever, nor divide by nothing."""
    found = rates.search(Target("size", 1000), lambda at: 400.0, unit=10)
    assert isinstance(found, Found) and len(found.values) <= rates.ENCODES
    assert len(rates.search(Target("psnr", 40), lambda at: 120.0).values) <= rates.ENCODES


@pytest.mark.parametrize("model", ["swift"])
def test_every_rate_has_a_quality_that_means_it(model):
    """The quality in a file made for a target gives the same file again."""
    manifest = store.find(model).manifest
    qualities = [rates.quality_of(rate, manifest) for rate in range(1024)]
    assert [rates.index(quality, manifest) for quality in qualities] == list(range(1024))
    assert all(round(quality * 100) / 100 == quality for quality in qualities) and qualities == sorted(qualities)


def test_targets_are_checked():
    assert Target.of() is None and Target.of(bpp=0.5) == Target("bpp", 0.5)
    assert [round(Target.of(ms_ssim=value).value, 9) for value in (0.99, 12.0)] == [20, 12]
    wrong = [{"bpp": 0}, {"size": -1}, {"psnr": math.nan}, {"psnr": 101}, {"ms_ssim": 1}, {"bpp": "0.5"}, {"bpp": True},
             {"ssimulacra2": 101}, {"bpp": 1, "size": 9}, {"size": math.inf}]  # fmt: skip
    for values in wrong:
        with pytest.raises(errors.UsageError):
            Target.of(**values)
    with pytest.raises(errors.UsageError, match="bpp, size"):
        Target("vmaf", 90)
    assert str(Target("size", 12000)) == "size of 12,000 bytes" and str(Target("psnr", 40)) == "PSNR of 40.00 dB"
