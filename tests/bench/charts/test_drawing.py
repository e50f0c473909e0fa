"""The charts are what their names say, and never change: figures of years apart are then of the same pictures."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from calotype.bench.charts import drawing
from calotype.errors import UsageError

DIGESTS = {
    "flat-grey-16": "b3c97eb3af991a18",
    "flat-grey-48": "75b4cc6287964458",
    "flat-grey-80": "b992816d547e9c5d",
    "flat-grey-112": "58de6a1872b753df",
    "flat-grey-144": "c28522360ab33f5f",
    "flat-grey-176": "4ecd3f64fb1b1d41",
    "flat-grey-208": "33fa04d77a9c8056",
    "flat-grey-240": "9c707b3d75b6874e",
    "flat-red": "bf3e97767685a901",
    "flat-green": "051d3380ea1248d9",
    "flat-blue": "fb6007ed299979fd",
    "ramp-horizontal": "c1d00ae629bfdb59",
    "ramp-vertical": "2c0e086a62d67f91",
    "ramp-diagonal": "016e1f4b8ef74b13",
    "sky": "e98941306404ffab",
    "zone-plate": "85677ca3d4b0e26b",
    "gratings-0.0625": "85a98f02cdfca579",
    "gratings-0.1250": "e7216e414e2487a4",
    "gratings-0.1875": "42080fdfa4d5f5b0",
    "gratings-0.2500": "f1be42b803df7c04",
    "gratings-0.3000": "391b6377f97b027e",
    "gratings-0.3500": "19a4f9498d3e743f",
    "gratings-0.4000": "bf69a25f444b56b2",
    "gratings-0.4500": "c0d7047921d3eae5",
    "checkers": "0a46e0fe082eec12",
    "text": "3eba5a517dd9e92b",
    "saturated": "1660571a2d10cc04",
    "noise": "d74dfe71ce550720",
}


def test_every_chart_has_a_digest():
    assert tuple(DIGESTS) == drawing.NAMES


@pytest.mark.parametrize("name", drawing.NAMES)
def test_charts_never_change(name):
    pixels = drawing.draw(name).pixels
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.flags.c_contiguous
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == DIGESTS[name]


def test_flat_charts_are_flat():
    """One value, or no step of more than one level; the twin is any other chart."""

    def largest_step(name: str) -> int:
        pixels = drawing.draw(name).pixels.astype(int)
        return max(int(np.abs(np.diff(pixels, axis=axis)).max()) for axis in (0, 1))

    for name in drawing.NAMES:
        assert (largest_step(name) <= 1) == (drawing.draw(name).kind == "flat"), name


@pytest.mark.parametrize("frequency", drawing.FREQUENCIES)
def test_gratings_have_their_frequency_and_angle(frequency):
    """The peak of the spectrum lies where it should, in every tile."""
    sheet = drawing.draw(f"gratings-{frequency:.4f}")
    assert sheet.frequency == frequency
    for window, angle in zip(drawing.grating_windows(), drawing.grating_angles(), strict=True):
        tile = sheet.pixels[window][..., 0] - 128.0
        v, u = np.unravel_index(np.argmax(np.abs(np.fft.fft2(tile))), tile.shape)
        found = np.array([(u + 64) % 128 - 64, (v + 64) % 128 - 64]) / 128
        expected = frequency * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        assert min(np.abs(found - expected).max(), np.abs(found + expected).max()) <= 0.5 / 128 + 1e-9
        assert tile.min() >= -101 and tile.max() <= 101


def test_the_zone_plate_reaches_half_a_cycle_at_its_rim():
    row = drawing.draw("zone-plate").pixels[511, :, 0].astype(int) - 128
    assert (np.diff(np.sign(row[1:64])) != 0).sum() > 55  # dark and light alternate from pixel to pixel
    assert (np.diff(np.sign(row[480:512])) != 0).sum() < 8 and row.max() == -row.min() == 127
    assert (drawing.draw("zone-plate").pixels[:100, :100] == 128).all()


def test_a_chart_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="flat-grey-16"):
        drawing.draw("zone")
