"""PSNR, SSIM and MS-SSIM against their definitions and against values that other implementations gave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.metrics.pairs import pair

from calotype import metrics
from calotype.errors import UsageError

# scikit-image 0.26.0: peak_signal_noise_ratio of RGB and of unrounded luma, structural_similarity with
# gaussian_weights, sigma 1.5, use_sample_covariance=False, channel_axis=2; FFmpeg's filter psnr says the same of RGB.
OF_SCIKIT_IMAGE = [
    (176, 176, 5, 38.15652284139823, 41.69733987538427, 0.9409274895694563),
    (200, 261, 20, 26.78634337272003, 30.30698923247118, 0.6178940374003788),
    (163, 322, 60, 17.6605164064189, 21.16416152573762, 0.2282292943374743),
    (48, 40, 9, 33.417682723552716, 36.81218917299936, 0.7588519969097415),
]


@pytest.mark.parametrize(("height_px", "width_px", "noise", "psnr", "psnr_y", "ssim"), OF_SCIKIT_IMAGE)
def test_values_are_those_of_scikit_image(height_px, width_px, noise, psnr, psnr_y, ssim):
    a, b = pair(height_px, width_px, noise)
    assert metrics.psnr(a, b) == pytest.approx(psnr, abs=1e-9)
    assert metrics.psnr_y(a, b) == pytest.approx(psnr_y, abs=1e-9)
    assert metrics.ssim(a, b) == pytest.approx(ssim, abs=1e-9)


@pytest.mark.parametrize("size", [(11, 11), (12, 900), (75, 31), (50, 1600)])
def test_ssim_is_that_of_scikit_image_at_any_size(size):
    """One window only, and more columns than a block has; asked of the package itself."""
    oracle = pytest.importorskip("skimage.metrics").structural_similarity
    a, b = pair(*size, 30)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    if min(size) > 11:
        expected = oracle(a, b, channel_axis=2, **options)
    else:  # scikit-image crops its border after padding it, which leaves the one value in the middle
        expected = oracle(a, b, channel_axis=2, full=True, **options)[1][5, 5].mean()
    assert metrics.ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_ssim_needs_its_constants():
    """The twin: flat pictures are 1 with C2 in the numerator; surveys print the formula without it, which gives 0."""
    a = np.full((20, 20, 3), 90, np.uint8)
    assert metrics.ssim(a, a) == pytest.approx(1)
    assert metrics.ssim(a, a + 40) == pytest.approx((2 * 90 * 130 + 6.5025) / (90**2 + 130**2 + 6.5025))


def test_luma_is_that_of_jpeg():
    """Pillow's conversion to L, which is rounded, differs by its rounding only."""
    from PIL import Image

    a, b = pair(163, 322, 60)
    rounded = [np.asarray(Image.fromarray(picture).convert("L"), float) for picture in (a, b)]
    expected = 10 * math.log10(255**2 / np.mean((rounded[0] - rounded[1]) ** 2))
    assert metrics.psnr_y(a, b) == pytest.approx(expected, abs=0.005)
    assert abs(metrics.psnr_y(a[..., ::-1], b[..., ::-1]) - expected) > 0.02  # the twin: B, G, R


def test_max_error_and_sizes():
    a, b = pair(300, 40, 30)
    b = np.where(np.arange(300)[:, None, None] == 299, 255 - a, b).astype(np.uint8)
    assert metrics.max_error(a, b) == np.abs(a.astype(int) - b).max()
    assert metrics.max_error(a, a) == 0
    # A ratio of 80 is a saving of 98.75 %, not of 80 %.
    assert metrics.compression_ratio(300, 100, 80) == 80
    assert metrics.space_saving(300, 100, 80) == pytest.approx(0.9875)
    assert metrics.space_saving(48_000, 100, 80) == -1


# pytorch_msssim.ms_ssim(a, b, data_range=255) of version 1.0.0, in float64 with a window in float64;
# its own window is rounded to float32, which moves the second by 1e-6.
RECORDED = [
    (176, 176, 5, 0.9906503760122717),
    (200, 261, 20, 0.931755793181576),
    (163, 322, 60, 0.7360478898917405),
    (161, 161, 120, 0.47244445227398524),
    (255, 257, 2, 0.9989404263067151),
]


@pytest.mark.parametrize(("height_px", "width_px", "noise", "expected"), RECORDED)
def test_ms_ssim_is_that_of_pytorch_msssim(height_px, width_px, noise, expected):
    """Even and odd sides, little and much noise."""
    a, b = pair(height_px, width_px, noise)
    assert metrics.ms_ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_ms_ssim_can_fail():
    """The twin: one row less is seen at once, so the tolerance is not too wide."""
    a, b = pair(200, 261, 20)
    assert abs(metrics.ms_ssim(a, b) - metrics.ms_ssim(a[:-1], b[:-1])) > 1e-6


def test_equal_pictures_are_perfect():
    a, _ = pair(176, 176, 5)
    assert metrics.ms_ssim(a, a) == pytest.approx(1)
    assert metrics.psnr(a, a) == math.inf
    assert metrics.mse(a, a) == 0
    assert metrics.ms_ssim_db(1) == math.inf
    assert metrics.ms_ssim_db(0.99) == pytest.approx(20)


def test_psnr_is_its_formula():
    """Over R, G and B together, with peak 255; rows are taken in blocks, which must not show."""
    a, b = pair(600, 40, 30)
    error = np.mean((a.astype(float) - b) ** 2)
    assert metrics.mse(a, b) == pytest.approx(error, rel=1e-12)
    assert metrics.psnr(a, b) == pytest.approx(10 * np.log10(255**2 / error))
    black, white = np.zeros((3, 2, 3), np.uint8), np.full((3, 2, 3), 255, np.uint8)
    assert metrics.psnr(black, white) == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)),
        (np.zeros((4, 4, 3)), np.zeros((4, 4, 3))),
        (np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4, 3), np.uint8)),
    ],
)
def test_what_is_no_pair_is_refused(a, b):
    with pytest.raises(UsageError, match="only"):
        metrics.psnr(a, b)


def test_ms_ssim_refuses_small_pictures():
    a = np.zeros((160, 400, 3), np.uint8)
    with pytest.raises(UsageError, match="161 px"):
        metrics.ms_ssim(a, a)
