"""Fronts of serial contexts: every position once, nothing before what it needs, patches give what whole arrays give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from calotype.walks.features import features_of
from calotype.walks.fronts import Front, Order

ORDERS = (Order(3, 1, 1), Order(1, 1, 4), Order(1, 1, 1), Order(4, 1, 1, 3))
SIZES = ((4, 1, 1), (4, 3, 5), (6, 7, 2))


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_fronts_have_every_position_once(order, size):
    array = np.arange(np.prod(size), dtype=np.float32).reshape(1, *size)
    fronts = [Front(order, step) for step in range(order.count(*size[1:]))]
    taken = [front.take(array)[0] for front in fronts]
    assert sorted(np.concatenate(taken).tolist()) == list(range(array.size))
    again = np.zeros_like(array)
    for front, values in zip(fronts, taken, strict=True):
        assert front.count(*size) == len(values) and (np.diff(values) > 0).all()  # the order of docs/format-entropy.md
        front.put(values[None], again)
        assert front.mask(*size).sum() == len(values)
    assert np.array_equal(array, again)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_window_sees_what_earlier_fronts_coded(order):
    """`before` is true exactly where the number of the front is smaller."""
    channels, height, width = 4, 9, 9
    number = np.empty((channels, height, width), int)
    for step in range(order.count(height, width)):
        number[Front(order, step).mask(channels, height, width)] = step
    offsets = range(-order.reach, order.reach + 1)
    for own, other in itertools.product(range(channels), repeat=2):
        groups = order.group(other, channels), order.group(own, channels)
        for down, across in itertools.product(offsets, repeat=2):
            earlier = number[other, 4 + down, 4 + across] < number[own, 4, 4]
            assert order.before(down, across, *groups) == earlier


def test_raster_order_sees_all_that_is_above_and_to_the_left():
    order = Order(3, 1, 1)
    seen = [(d, a) for d in range(-2, 3) for a in range(-2, 3) if order.before(d, a, 0, 0)]
    assert seen == [(d, a) for d in (-2, -1) for a in range(-2, 3)] + [(0, -2), (0, -1)]


@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[1], ORDERS[3]], ids=str)
def test_patches_of_a_frozen_context_give_what_whole_arrays_give(order):
    """The same integers, whichever way the masked convolution is run; and unmasked weights would give others."""
    torch = pytest.importorskip("torch")
    from calotype.nets.causal import CausalParameters
    from calotype.nets.exact import set_mode

    torch.manual_seed(0)
    width, m, h, w = 8, 4, 5, 6
    net = CausalParameters(width, m, order)
    torch.nn.init.normal_(net.out.weight, std=0.5)
    with torch.no_grad():
        net.out.weight.mul_(net.out.mask)
    random = np.random.default_rng(0)
    values = np.round(random.normal(0, 3, (2, m, h, w))).astype(np.float32)
    side = torch.from_numpy(random.integers(0, 99, (2, width, h, w)).astype(np.float32))
    seen = torch.from_numpy(np.concatenate(features_of(values), 1).astype(np.float32))
    row = torch.zeros(2, m, 1, 1)
    with torch.no_grad():
        whole = set_mode(net, "exact")(side, seen, row)
        set_mode(net, "folded")
        padded, wide = torch.nn.functional.pad(seen, (order.reach,) * 4), 2 * order.reach + 1
        places = list(itertools.product(range(h), range(w)))
        patches = torch.cat([padded[:, :, r : r + wide, c : c + wide] for r, c in places], 3)
        parts = net(torch.stack([side[:, :, r, c] for r, c in places], 2)[:, :, None], patches, row)
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one.reshape(2, m, -1).int(), other[:, :, 0].int())
    assert len(torch.unique(whole[0])) > 10


def test_a_wider_window_of_wavefronts_sees_all_before_it():
    """7x7 in fronts of 4 row + column: what raster order knows; with 3 row + column one corner is not decoded yet."""
    wide = [(d, a) for d in range(-3, 4) for a in range(-3, 4)]
    raster = [(d, a) for d, a in wide if d < 0 or (d == 0 and a < 0)]
    assert [at for at in wide if Order(4, 1, 1, 3).before(*at, 0, 0)] == raster
    assert (-1, 3) not in [at for at in wide if Order(3, 1, 1, 3).before(*at, 0, 0)]


def test_settling_finds_what_coding_in_order_finds():
    """The fixed point of predicting from everything at once is the result of going front by front."""
    torch = pytest.importorskip("torch")
    from calotype.coding.densities import Laplace
    from calotype.train.port import TrainingPort

    def predicted(known):  # the mean is half of the left neighbour's value
        left = torch.nn.functional.pad(known, (1, 0))[..., :-1]
        return Laplace(torch.floor(left * 8), torch.full_like(known, 20))

    torch.manual_seed(0)
    values = torch.randn(1, 2, 3, 40) * 5
    serial = torch.zeros_like(values)
    for column in range(40):
        mean16 = predicted(serial).mean16[..., column]
        serial[..., column] = torch.floor(values[..., column] - mean16 / 16 + 0.5) + mean16 / 16
    port = TrainingPort({"y": (1, 2, 3, 40)}, hard=True)
    assert torch.equal(port.settle("y", values, predicted, 40), serial)
    assert not torch.equal(TrainingPort({"y": (1, 2, 3, 40)}).settle("y", values, predicted, 40), serial)  # the twin
