"""Latents that are not coded learn nothing from the picture. Not here: the laws, which every recipe passes."""

from __future__ import annotations

import pytest
import torch

from calotype import zoo
from calotype.train.system import System


@pytest.mark.parametrize("synthesised, blind", [(None, True), (System.synthesised, False)])
def test_what_is_not_coded_gets_no_gradient(synthesised, blind) -> None:
    """With the twin: as other systems put pictures together, errors reach channels that are in no file."""
    torch.manual_seed(0)
    system = zoo.recipe("ashok2018-varlatent").system("tiny")
    crops = torch.rand(2, 3, 64, 64) * 255
    rate = torch.tensor([0.0, 1.0])
    given = {k: v.detach().requires_grad_() for k, v in system.analysed((crops - 128) / 64, rate).items()}
    lengths = system.row_anchors("y.kept")[:, 0]
    first = int(lengths[0])
    known = torch.round(given["y"].detach())
    known[0, first:] = 0
    picture = (synthesised or type(system).synthesised)(system, {"y": known}, given, rate)
    picture.square().sum().backward()
    grad = given["y"].grad.abs().amax((2, 3))
    assert int(lengths[-1]) == grad.shape[1] and grad[1].min() > 0  # the longest has all of them
    assert grad[0, :first].min() > 0
    assert (float(grad[0, first:].max()) == 0) == blind
