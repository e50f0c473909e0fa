"""The striped-region index and the aliasing index on errors whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from tests.bench.charts.codecs import decimated

from calotype.bench.charts import aliasing, drawing, stripes
from calotype.bench.charts.aliasing import FLOOR_DB, Directions, aliasing_ratio_db, directions, weighted_median
from calotype.bench.charts.stripes import StripedRegion, flat_windows, striped_region
from calotype.errors import UsageError

HEIGHT, WIDTH = 384, 512
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
FLAT = np.full((HEIGHT, WIDTH, 3), 112, np.uint8)


def spoiled(error: np.ndarray) -> np.ndarray:
    return np.rint(FLAT + error[..., None]).clip(0, 255).astype(np.uint8)


def noise(seed: int, deviation: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, deviation, (HEIGHT, WIDTH))


def test_no_error_is_zero():
    """Nor is a shade that is wrong everywhere a stripe."""
    assert striped_region(FLAT, FLAT) == striped_region(FLAT, FLAT + np.uint8(3)) == StripedRegion()
    assert StripedRegion().within()


@pytest.mark.parametrize("seed", range(5))
def test_unstructured_noise_has_f_one(seed):
    found = striped_region(FLAT, spoiled(noise(seed)))
    assert found.f == pytest.approx(1, abs=0.3) and found.border == pytest.approx(1, abs=0.05)
    lattice = HEIGHT + WIDTH - 1 + 15 * 15
    assert found.g == pytest.approx(lattice / (HEIGHT * WIDTH), rel=0.2)
    assert found.error == pytest.approx(2, abs=0.05) and found.a < 0.25 and found.within()


@pytest.mark.parametrize(("where", "period"), [(X, 8), (Y, 8), (X, 3)])
def test_stripes_in_noise_are_seen(where, period):
    """Upright and level ones, of an amplitude below the noise's; also of a period that is no power of two."""
    found = striped_region(FLAT, spoiled(noise(1) + (where % period < period / 2)))
    assert found.f > 10 and found.a == pytest.approx(0.5, abs=0.1) and found.g > 0.03 and not found.within()


def test_a_checkerboard_is_in_g_only():
    """What transposed convolutions leave: its rows and columns have no mean, so only its frequency gives it away."""
    board = striped_region(FLAT, spoiled(noise(2) + np.where((X + Y) % 2, 1, -1)))
    plain = striped_region(FLAT, spoiled(noise(2)))
    assert board.f == pytest.approx(plain.f, abs=0.3) and board.g > 20 * plain.g


def test_a_noisy_border_is_seen():
    edge = (np.minimum(X, WIDTH - 1 - X) < 32) | (np.minimum(Y, HEIGHT - 1 - Y) < 32)
    assert striped_region(FLAT, spoiled(noise(3) * np.where(edge, 2, 1))).border == pytest.approx(4, abs=0.3)


def test_shading_is_no_stripe():
    """A drift over hundreds of pixels is left to PSNR; the same amplitude over 16 px is a stripe."""
    slow = striped_region(FLAT, spoiled(noise(4) + 2 * np.sin(2 * np.pi * X / WIDTH)))
    fast = striped_region(FLAT, spoiled(noise(4) + 2 * np.sin(2 * np.pi * X / 16)))
    assert slow.f < 10 and fast.f > 100


def test_the_gaussian_mean_is_scipys():
    filters = pytest.importorskip("scipy.ndimage")
    plane = noise(5)[:200, :301]
    options = {"sigma": 32, "mode": "constant", "truncate": 6}
    expected = filters.gaussian_filter(plane, **options) / filters.gaussian_filter(np.ones_like(plane), **options)
    assert np.abs(stripes._gaussian_mean(plane) - expected).max() < 1e-6


def test_flat_windows_of_a_photograph_are_found():
    picture = np.clip(112 + noise(6, 20)[..., None] * (X < 256)[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    assert {(rows.start, columns.start) for rows, columns in flat_windows(picture)} == {
        (top, left) for top in (0, 128, 256) for left in (256, 384)
    }


def grating(frequency: float, angle: float, side: int = 128, amplitude: float = 100) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side]
    phase = 2 * np.pi * frequency * (x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle)))
    return np.rint(128 + amplitude * np.cos(phase)).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.mark.parametrize("frequency", drawing.FREQUENCIES)
@pytest.mark.parametrize("angle", [0, 7.5, 45, 97.5, 172.5])
def test_a_pure_grating_has_no_alias(frequency, angle):
    """Whatever its contrast; asked for at another angle, it is all alias."""
    assert aliasing_ratio_db(grating(frequency, angle), frequency, angle) < -25
    assert aliasing_ratio_db(grating(frequency, angle, amplitude=40), frequency, angle) < -25
    if frequency > 0.1:
        assert aliasing_ratio_db(grating(frequency, angle), frequency, angle + 45) > 10


def test_what_is_gone_is_no_alias():
    assert aliasing_ratio_db(np.full((128, 128, 3), 128, np.uint8), 0.3, 30) == FLOOR_DB


@pytest.mark.parametrize("angle", [7.5, 30, 67.5])
def test_decimation_without_a_filter_aliases(angle):
    """Above a quarter of a cycle, what is left is another grating; with a filter, there is nothing to alias."""
    assert aliasing_ratio_db(decimated(grating(0.4, angle)), 0.4, angle) > 3
    original = grating(0.45, angle)
    small = original.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    filtered = np.rint(128 + 0.05 * (small - 128)).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    turned, faded = directions(original, decimated(original)), directions(original, filtered)
    assert turned.false_rate > 0.9 and turned.median_error > 10
    assert faded.false_rate == 0 and faded.faded_rate == 1


def test_equal_pictures_turn_nothing():
    plate = drawing.draw("zone-plate").pixels
    found = directions(plate, plate)
    assert found.median_error == found.false_rate == found.faded_rate == 0
    assert found.errors.size > 3000 and found.weights.min() >= 0.5


@pytest.mark.parametrize("frequency", [0.1, 0.25, 0.45])
@pytest.mark.parametrize("turn", [3, 20, 80])
def test_a_turned_grating_is_turned_by_as_much(frequency, turn):
    """From any angle, over the ends of the half circle too: stripes at 175 and 5 degrees differ by 10."""
    for angle in (5, 85, 170):
        found = directions(grating(frequency, angle), grating(frequency, angle + turn))
        assert found.median_error == pytest.approx(turn, abs=0.8)
        assert found.false_rate == (turn > 10)


def test_noise_without_direction_is_not_asked():
    still = np.full((96, 96, 3), 90, np.uint8)
    assert directions(still, still).errors.size == 0 and directions(still, still).false_rate == 0
    rough = np.random.default_rng(1).integers(0, 256, (96, 96, 1)).astype(np.uint8).repeat(3, axis=2)
    assert directions(rough, rough).errors.size <= 1
    assert Directions.joined([]).median_error == 0


def test_medians_are_weighted():
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_median(values, np.ones(3)) == 2
    assert weighted_median(values, np.array([10.0, 1.0, 1.0])) == 3
    assert weighted_median(values, np.zeros(3)) == 0


def test_pictures_of_two_sizes_are_refused():
    for index in (striped_region, directions):
        with pytest.raises(UsageError, match="one shape"):
            index(FLAT, FLAT[1:])
    with pytest.raises(UsageError, match="uint8"):
        aliasing.aliasing_ratio_db(FLAT[..., 0], 0.1, 0)
