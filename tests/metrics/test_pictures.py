"""PSNR and MS-SSIM against their definitions and against values that pytorch-msssim gave."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calotype import metrics
from calotype.errors import UsageError


def pair(height_px: int, width_px: int, noise: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured picture and a noisy copy from integer formulas, the same on every machine and NumPy."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.int64)
    planes = [
        (x * 3 + y * 5) // 7 % 200 + (x * 7919 + y * 104729) % 31,
        (x * x // 50 + y) % 256,
        (x + y * y // 40) % 256,
    ]
    a = np.stack(planes, axis=-1)
    mixed = (a * 31 + x[..., None] * 7907 + y[..., None] * 6101 + np.arange(3) * 977) * 48271 % 2147483647
    b = a + mixed // 1009 % (2 * noise + 1) - noise
    return a.clip(0, 255).astype(np.uint8), b.clip(0, 255).astype(np.uint8)


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
