"""Support vector regression finds what it should, few weights for smooth blocks, and sums of kernels are exact by windows."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codec, kernels
from calotype.picture import Picture

WIDTHS = (0.9, 0.5)


def matrix():
    """The kernel of a block as one matrix, [64, 64], written from its definition."""
    y, x = np.mgrid[0 : kernels.SIDE, 0 : kernels.SIDE].reshape(2, -1).astype(float)
    return np.exp(-np.square(y[:, None] - y) / (2 * WIDTHS[0] ** 2) - np.square(x[:, None] - x) / (2 * WIDTHS[1] ** 2))


def test_sums_are_products_with_the_kernel_of_each_block():
    weights = np.random.default_rng(0).normal(0, 5, (2, 16, 24)).astype(np.float32)
    found = kernels.summed(weights, WIDTHS)
    for channel, row, column in ((0, 0, 0), (1, 1, 2)):
        block = (channel, slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8))
        assert np.allclose(found[block].ravel(), matrix() @ weights[block].ravel(), atol=1e-3)
    assert np.array_equal(kernels.summed(weights[:, 8:, 8:16], WIDTHS), found[:, 8:, 8:16])
    assert np.array_equal(kernels.summed(weights, (0, 0)), weights)


def test_regression_meets_the_conditions_of_its_minimum():
    """Within the tube the weight is zero; outside it stands on the edge: the conditions of Karush, Kuhn and Tucker."""
    values, tube = np.random.default_rng(1).laplace(0, 4, (1, 8, 8)).astype(np.float32), 1.5
    weights = kernels.regressed(values, WIDTHS, tube=tube, rounds=200)
    left = (values - kernels.summed(weights, WIDTHS)).ravel()
    flat = weights.ravel()
    assert np.abs(left[flat == 0]).max() <= tube + 1e-3
    assert np.abs(left[flat != 0] - tube * np.sign(flat[flat != 0])).max() < 1e-2
    assert (flat == 0).any() and (flat != 0).any()


def test_a_block_that_is_one_kernel_needs_one_vector():
    one = np.zeros((1, 8, 8), np.float32)
    one[0, 3, 5] = 40
    found = kernels.regressed(kernels.summed(one, WIDTHS), WIDTHS, tube=0.01, rounds=60)
    assert np.abs(found - one).max() < 0.5
    assert (np.abs(kernels.regressed(one, WIDTHS, tube=0.01, rounds=60)) > 0.5).sum() > 1  # a point is not


def test_bounds_hold_the_weights():
    values = np.full((1, 8, 8), 100, np.float32)
    assert np.abs(kernels.regressed(values, WIDTHS, tube=0.1, most=3)).max() <= 3


def test_norms_are_what_errors_of_weights_make():
    errors = np.random.default_rng(2).choice([-1.0, 1.0], (4, 64, 64)).astype(np.float32)
    found = np.square(kernels.summed(errors, WIDTHS)).mean() ** 0.5
    assert found == pytest.approx(kernels.norm(WIDTHS), rel=0.05)
    assert kernels.norm((0, 0)) == 1


def test_more_quality_is_less_error():
    model, pixels, errors = tiny.model("curvelet-svm"), tiny.picture(100, 90, seed=4), []
    for quality in (20, 60, 95):
        data = codec.encode(Picture(pixels), model, quality=quality, check=False)
        found = codec.decode(data, model=model).pixels
        errors.append(float(np.square(found.astype(float) - pixels).mean()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 4
