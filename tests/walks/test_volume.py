"""The 3-D context: symbols see earlier fronts alone, and coding in order is what training settles on; masks are integers."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.coding.lattice import FULL
from calotype.walks import volume
from calotype.walks.fronts import REACH, Front, Order

CHANNELS, HEIGHT, WIDTH = 5, 6, 7
ORDER = Order(1, 1, CHANNELS)


def numbers():
    """The front of every symbol of a volume."""
    found = np.empty((CHANNELS, HEIGHT, WIDTH), int)
    for step in range(ORDER.count(HEIGHT, WIDTH)):
        found[Front(ORDER, step).mask(CHANNELS, HEIGHT, WIDTH)] = step
    return found


def test_taps_are_what_earlier_fronts_hold():
    number, middle = numbers(), (2, 3, 3)
    seen = {tap for tap in np.ndindex((5, 5, 5)) if number[tap[0], tap[1] + 1, tap[2] + 1] < number[middle]}
    assert {tuple(part + REACH for part in tap) for tap in volume.taps(ORDER)} == seen and len(seen) == 53


class Simple:
    """A port without entropy coding: what is known after each front."""

    def shape(self, name):
        return (2, CHANNELS, HEIGHT, WIDTH)

    def code(self, name, values, distribution, lattice=FULL, onto=None):
        mean = lattice.take(np.asarray(distribution.mean16)) / 16
        return lattice.put((np.floor(lattice.take(values) - mean + 0.5) + mean).astype(np.float32), onto)


def halved(torch=None):
    """A network whose means are half the sum of what the taps' signs say, plus a side integer and the row."""

    def net(side, seen, row):
        total = seen.sum(1)[:, None] if torch is None else seen.sum(1, keepdim=True)
        mean = (0.5 * total + side[:, :1] + row).clip(-2048, 2047)
        mean = np.floor(mean) if torch is None else torch.floor(mean)
        return mean, 0 * mean + 20

    return net


def coded(torch, values):
    """(by fronts, by settling): values as a decoder and as training know them."""
    from calotype.train.port import TrainingPort

    random = np.random.default_rng(1)
    side = random.integers(-99, 99, (2, 2 * CHANNELS, HEIGHT, WIDTH)).astype(np.float32)
    row = random.integers(-99, 99, (2, CHANNELS, 1, 1)).astype(np.float32)
    serial = volume._code(Simple(), values, ORDER, 2, halved(), side, row)
    port = TrainingPort({"y": values.shape}, hard=True)
    arrays = [torch.from_numpy(array) for array in (side, row)]
    settled = volume._code(port, torch.from_numpy(values), ORDER, 2, halved(torch), *arrays)
    return serial, settled.numpy()


def test_training_settles_on_what_fronts_code(monkeypatch):
    """And the twin: with one tap that lies in a later front, the two are not the same."""
    torch = pytest.importorskip("torch")
    values = (np.random.default_rng(0).normal(0, 5, (2, CHANNELS, HEIGHT, WIDTH))).astype(np.float32)
    serial, settled = coded(torch, values)
    assert np.array_equal(serial, settled) and len(np.unique(serial)) > 100
    honest = volume.taps(ORDER)
    monkeypatch.setattr(volume, "taps", lambda order: [*honest, (0, 1, 0)])
    volume._windows.cache_clear()
    peeked = coded(torch, values)
    volume._windows.cache_clear()
    assert not np.array_equal(*peeked)


def test_a_mask_of_its_middle_changes_nothing():
    side = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 4)).astype(np.float32)
    assert np.array_equal(volume.masked(side, np.full_like(side, volume.GATE)), side)
    more = volume.masked(side, np.full_like(side, 2 * volume.GATE))
    assert more.max() == 255 and np.array_equal(more, np.minimum(2 * side, 255))
    odd = volume.masked(side, np.full_like(side, 77))
    assert np.array_equal(odd, np.minimum(side.astype(int) * 77 // volume.GATE, 255))
