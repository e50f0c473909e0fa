"""SSIMULACRA2 against its original: the recursive filter step by step, and a package whose one difference is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.metrics.pairs import pair

from calotype.errors import UsageError
from calotype.metrics import ssimulacra2 as module
from calotype.metrics.ssimulacra2 import ssimulacra2


def recursive_gaussian(samples: list[float], sigma: float = 1.5) -> list[float]:
    """The original's filter as it is written there: three recursions over one row, zeros outside.

    lib/jxl/gauss_blur.cc of cloudinary/ssimulacra2 81feacf, equations of Charalampidis 2016.
    """
    radius = round(3.2795 * sigma + 0.2546)
    omega = [k * math.pi / (2 * radius) for k in (1, 3, 5)]
    p = [1 / math.tan(omega[0] / 2), -1 / math.tan(omega[1] / 2), 1 / math.tan(omega[2] / 2)]
    r = [p[0] ** 2 / math.sin(omega[0]), -(p[1] ** 2) / math.sin(omega[1]), p[2] ** 2 / math.sin(omega[2])]
    rho = [math.exp(-0.5 * sigma**2 * w * w) / radius for w in omega]
    d = p[0] * r[1] - r[0] * p[1]
    zeta_15, zeta_35 = (p[1] * r[2] - r[1] * p[2]) / d, (p[2] * r[0] - r[2] * p[0]) / d
    gamma = [1, radius**2 - sigma**2, zeta_15 * rho[0] + zeta_35 * rho[1] + rho[2]]
    beta = np.linalg.inv(np.array([p, r, [zeta_15, zeta_35, 1]])) @ np.array(gamma)
    n2 = [-b * math.cos(w * (radius + 1)) for b, w in zip(beta, omega, strict=True)]
    d1 = [-2 * math.cos(w) for w in omega]
    previous, before, found = [0.0] * 3, [0.0] * 3, []
    for n in range(-radius + 1, len(samples)):
        left, right = n - radius - 1, n + radius - 1
        both = (samples[left] if left >= 0 else 0) + (samples[right] if 0 <= right < len(samples) else 0)
        now = [n2[i] * both - d1[i] * previous[i] - before[i] for i in range(3)]
        previous, before = now, previous
        if n >= 0:
            found.append(sum(now))
    return found


def test_nine_taps_are_the_recursive_filter():
    row = np.random.default_rng(1).random(60)
    expected = recursive_gaussian([float(sample) for sample in row])
    assert np.convolve(row, module._taps(), mode="same") == pytest.approx(expected, abs=1e-10)
    assert module._taps().sum() == pytest.approx(1)


# The package ssimulacra2 0.3.0 with its blur replaced by the nine taps and zeros outside, in float64.
RECORDED = [
    (176, 176, 5, (74.42189995670269)),
    (200, 261, 20, (20.566444498851425)),
    (163, 322, 60, (-24.61777209972317)),
    (8, 9, 20, (91.22218954958251)),
    (512, 701, 9, (81.36793030715407)),
]


@pytest.mark.parametrize(("height_px", "width_px", "noise", "expected"), RECORDED)
def test_values_are_those_of_another_implementation(height_px, width_px, noise, expected):
    """Odd and even sides, fewer scales, scores below zero, more rows than a band has."""
    assert ssimulacra2(*pair(height_px, width_px, noise)) == pytest.approx(expected, abs=2e-3)


def with_the_originals_blur(package, monkeypatch) -> None:
    filters = pytest.importorskip("scipy.ndimage")

    def blur(picture: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            picture = filters.convolve1d(picture, module._taps(), axis=axis, mode="constant")
        return picture

    monkeypatch.setattr(package, "blur_image", blur)


@pytest.mark.parametrize("size", [(64, 300), (225, 226), (131, 400)])
def test_the_package_differs_by_its_blur_only(size, monkeypatch):
    package = pytest.importorskip("ssimulacra2.ssimulacra2")
    pictures = pair(*size, 15)
    found, theirs = ssimulacra2(*pictures), package.compute_ssimulacra2(*map(as_file, pictures))
    assert abs(found - theirs) > 0.02  # the twin
    with_the_originals_blur(package, monkeypatch)
    assert found == pytest.approx(package.compute_ssimulacra2(*map(as_file, pictures)), abs=2e-3)


def as_file(pixels: np.ndarray):
    import io

    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PPM")
    target.seek(0)
    return target


def test_bands_do_not_show(monkeypatch):
    a, b = pair(300, 90, 9)
    found = [ssimulacra2(a, b)]
    for samples in (1, 5000, 10**7):
        monkeypatch.setattr(module, "_BAND_SAMPLES", samples)
        found.append(ssimulacra2(a, b))
    assert found == pytest.approx([found[0]] * 4, abs=1e-4)


def test_it_is_not_symmetric_and_equal_pictures_are_100():
    a, b = pair(100, 120, 20)
    assert ssimulacra2(a, a) == ssimulacra2(b, b) == 100
    assert abs(ssimulacra2(a, b) - ssimulacra2(b, a)) > 1e-3


def test_how_pixels_lie_in_memory_does_not_matter():
    a, b = pair(64, 48, 9)
    mirrored = [np.ascontiguousarray(picture[:, ::-1])[:, ::-1] for picture in (a, b)]
    assert ssimulacra2(*mirrored) == ssimulacra2(a, b)


def test_small_pictures_are_refused():
    ssimulacra2(*pair(8, 9, 20))
    with pytest.raises(UsageError, match="8 px"):
        ssimulacra2(*pair(7, 90, 20))
