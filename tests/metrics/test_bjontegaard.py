"""BD-rate: laws, SciPy's PCHIP and the bjontegaard package as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype import metrics
from calotype.errors import UsageError
from calotype.metrics.bjontegaard import _integral

RATES, QUALITIES = [0.1, 0.25, 0.5, 1.0, 1.5], [28.12, 31.27, 34.36, 38.21, 40.72]

rising = st.lists(st.floats(0.01, 5), min_size=4, max_size=12).map(lambda steps: list(np.cumsum(steps)))


@given(x=rising, seed=st.integers(0, 2**32 - 1), ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_the_integral_is_scipys(x, seed, ends):
    """Rising, falling and flat values, over any part of the interval."""
    interpolate = pytest.importorskip("scipy.interpolate")
    y = np.random.default_rng(seed).integers(-9, 9, len(x)) / 4
    low, high = (x[0] + (x[-1] - x[0]) * end for end in sorted(ends))
    expected = interpolate.PchipInterpolator(x, y).integrate(low, high)
    assert _integral(np.array(x), y, low, high) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


def test_bd_rate_is_that_of_the_bjontegaard_package():
    oracle = pytest.importorskip("bjontegaard")
    test = [0.12, 0.22, 0.6, 1.1, 1.7], [27.5, 30.9, 35.3, 39.0, 41.2]
    expected = oracle.bd_rate(RATES, QUALITIES, *test, method="pchip", require_matching_points=False, min_overlap=0)
    assert metrics.bd_rate((RATES, QUALITIES), test).percent == pytest.approx(expected, abs=1e-6)


def test_bd_quality_is_bd_psnr_of_the_bjontegaard_package():
    oracle = pytest.importorskip("bjontegaard")
    test = [0.12, 0.22, 0.6, 1.1, 1.7], [27.5, 30.9, 35.3, 39.0, 41.2]
    expected = oracle.bd_psnr(RATES, QUALITIES, *test, method="pchip", require_matching_points=False, min_overlap=0)
    found = metrics.bd_quality((RATES, QUALITIES), test)
    assert found.difference == pytest.approx(expected, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.12, 1.5)) and found.points == (5, 5)


@given(gain=st.floats(-5, 5))
def test_a_curve_that_is_better_by_a_difference_has_that_bd_quality(gain):
    result = metrics.bd_quality((RATES, QUALITIES), (RATES, [quality + gain for quality in QUALITIES]))
    assert result.difference == pytest.approx(gain, abs=1e-9) and result.overlap == pytest.approx(1)


@given(share=st.floats(0.2, 5))
def test_three_points_are_taken_where_told_and_two_are_not(share):
    """Points of the anchor's own curve at a share of its rates: those of both ends and of the middle."""
    three = [share * RATES[k] for k in (0, 2, 4)], [QUALITIES[k] for k in (0, 2, 4)]
    with pytest.raises(UsageError, match="4 or more"):
        metrics.bd_rate(three, three)
    anchor = [RATES[k] for k in (0, 2, 4)], three[1]
    found = metrics.bd_rate(anchor, three, fewest=3)
    assert found.percent == pytest.approx(100 * (share - 1), abs=1e-9) and found.points == (3, 3)
    with pytest.raises(UsageError, match="3 or more"):
        metrics.bd_rate(anchor, (three[0][:2], three[1][:2]), fewest=3)


def test_little_overlap_is_told_and_can_be_refused():
    lifted = RATES, [quality + 10 for quality in QUALITIES]
    assert metrics.bd_rate((RATES, QUALITIES), lifted).overlap == pytest.approx(2.6 / 22.6)
    assert metrics.bd_rate((RATES, QUALITIES), lifted, least_overlap=0.1).points == (5, 5)
    with pytest.raises(UsageError, match="overlap by 50% or more"):
        metrics.bd_rate((RATES, QUALITIES), lifted, least_overlap=0.5)
    with pytest.raises(UsageError, match="overlap by 50% or more"):
        metrics.bd_quality((RATES, QUALITIES), ([9 * rate for rate in RATES], QUALITIES), least_overlap=0.5)


@given(factor=st.floats(0.2, 5))
def test_a_curve_that_needs_a_factor_more_has_that_bd_rate(factor):
    """The definition: p percent more bits at every quality are p percent. The overlap is told."""
    result = metrics.bd_rate((RATES, QUALITIES), ([factor * rate for rate in RATES], QUALITIES))
    assert result.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (result.low, result.high) == (QUALITIES[0], QUALITIES[-1])


def test_the_overlap_is_what_both_reach():
    result = metrics.bd_rate((RATES, QUALITIES), (RATES, [quality + 2 for quality in QUALITIES]))
    assert (result.low, result.high) == (QUALITIES[0] + 2, QUALITIES[-1])
    assert result.percent < 0


def test_points_are_sorted_and_useless_ones_left_out():
    worse = [*zip(RATES, QUALITIES, strict=True), (0.6, 30.0)]
    rates, qualities = zip(*reversed(worse), strict=True)
    assert metrics.bd_rate((RATES, QUALITIES), (rates, qualities)).percent == pytest.approx(0)


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ((RATES[:3], QUALITIES[:3]), "4 or more"),
        (([0.1, 0.2, 0.3, 0.4], [30, 29, 28, 31]), "4 or more"),
        ((RATES, QUALITIES[:4]), "as many"),
        (([0.0, *RATES[1:]], QUALITIES), "above 0"),
        (([float("nan"), *RATES[1:]], QUALITIES), "finite"),
        ((RATES, [quality + 50 for quality in QUALITIES]), "overlap"),
        (([], []), "4 or more"),
    ],
)
def test_curves_that_say_nothing_are_refused(curve, said):
    with pytest.raises(UsageError, match=said):
        metrics.bd_rate((RATES, QUALITIES), curve)


def test_bpp_counts_bits():
    assert metrics.bpp(49152, 768, 512) == 1.0
