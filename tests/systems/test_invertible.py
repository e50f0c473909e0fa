"""Transforms that run backwards: what comes back whatever the weights say, what a squeeze loses; multi-scale ways."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

torch = pytest.importorskip("torch")

from calotype.nets.invertible import Flow, FlowAnalysis, FlowSynthesis  # noqa: E402
from calotype.nets.multiscale import MultiScaleAnalysis, MultiScaleSynthesis  # noqa: E402
from calotype.train import closed_form  # noqa: E402


def pictures(side=64):
    return (torch.from_numpy(tiny.picture(side, side)).permute(2, 0, 1)[None].float() - 128) / 64


def lively(module, size=0.1):
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * size)
    return module


@torch.no_grad()
def test_a_flow_comes_back_whatever_its_weights_say():
    flow = lively(Flow((12, 48, 192), (4, 4, 4), couplings=2))
    analysis, synthesis = FlowAnalysis(flow, 4), FlowSynthesis(flow, 4)
    x = pictures()
    analysis.start(synthesis, x)
    y = analysis(x)
    assert y.shape == (1, 192, 8, 8)
    assert float((synthesis(y) - x).abs().max()) < 1e-4
    # The twin: one weight that is not the same backwards, and the picture is another one.
    flow.couplings[0].first[0].weight.add_(0.1)
    assert float((synthesis(y) - x).abs().max()) > 1e-2


@torch.no_grad()
def test_an_untrained_squeeze_loses_the_components_of_least_energy():
    """Axes are orthonormal: the error is the energy that was left out, and little of a picture's."""
    flow = Flow((12, 48, 32, 96), (4, 4, 4, 4), couplings=1)
    analysis, synthesis = FlowAnalysis(flow, 4), FlowSynthesis(flow, 4)
    x = pictures(128)
    analysis.start(synthesis, x)
    y = analysis(x)
    lost, energy = float(((synthesis(y) - x) ** 2).sum()), float((x**2).sum())
    assert lost == pytest.approx(energy - float((y**2).sum()), rel=1e-3)
    assert lost < 0.2 * energy
    first = y.pow(2).mean((0, 2, 3))
    assert float(first[:8].sum()) > 0.6 * float(first.sum())  # most energy first


@torch.no_grad()
def test_ways_of_other_scales_begin_with_nothing_and_then_take_part():
    stages = ((5, 2), (5, 2), (3, 2), (3, 2))
    analysis = MultiScaleAnalysis((12, 24, 24), 16, stages, (1, 2, 2))
    synthesis = MultiScaleSynthesis((12, 24, 24), 16, stages, (1, 2, 2))
    x = pictures()
    assert closed_form.start(analysis, synthesis, x)  # the chains become principal components
    y = analysis(x)
    assert torch.equal(y, analysis.chain(x)) and torch.equal(synthesis(y), synthesis.chain(y))
    error = float(((synthesis(y) - x) ** 2).mean())
    assert error < 0.3 * float((x**2).mean())
    for place in range(3):
        for transform, given in ((analysis, x), (synthesis, y)):
            before = transform(given)
            lively(transform.ways[place])
            assert not np.allclose(before, transform(given))
