"""Units that never fire are counted, in float and in exact layers, and only those. Not here: why they died."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from calotype.nets.exact import ExactNet
from calotype.train.idle import idle_units, said


class Whole(ExactNet):
    """An exact layer whose first two channels were pushed below zero."""

    def __init__(self, dead: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor([-1e6] * dead + [10.0] * (4 - dead))[:, None, None])

    def forward(self, x):
        return self.requantize(x[:, :1].expand(-1, 4, -1, -1) + self.shift, 0, 255)


class Net(nn.Module):
    def __init__(self, dead: int) -> None:
        super().__init__()
        self.first, self.act, self.whole = nn.Conv2d(3, 6, 1), nn.ReLU(), Whole(dead)
        with torch.no_grad():
            self.first.bias[:dead] = -1e6
            self.first.bias[dead:] = 1e6

    def forward(self, crops, rate):
        x = self.act(self.first(crops)) + F.relu(crops.sum(1, keepdim=True) * rate[:, None, None, None])
        return {"picture": self.whole(x)}


@pytest.mark.parametrize("dead", [0, 2])
def test_channels_that_are_zero_everywhere_are_counted(dead):
    net = Net(dead)
    found = idle_units(net, torch.rand(2, 3, 8, 8), net)
    assert found == {"act.1": (dead, 6), ".1": (0, 1), "whole.1": (dead, 4)}
    assert said(found) == ([] if dead == 0 else ["whole.1: 2 of 4 units never fire"])


def test_one_rate_at_which_a_unit_fires_is_enough():
    net = Net(0)
    crops = torch.rand(2, 3, 8, 8)
    assert idle_units(net, crops, net)[".1"] == (0, 1)  # zero at rate 0, but not above
    assert idle_units(net, crops, lambda x, rate: net(x, 0 * rate))[".1"] == (1, 1)


def test_nothing_stays_behind():
    net, relu, requantize = Net(0), F.relu, ExactNet.requantize
    with pytest.raises(ZeroDivisionError):
        idle_units(net, torch.rand(1, 3, 8, 8), lambda *_: 1 / 0)
    assert F.relu is relu and ExactNet.requantize is requantize
    assert not net.act._forward_hooks and not net.act._forward_pre_hooks and net.training
