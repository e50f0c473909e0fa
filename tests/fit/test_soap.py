"""SOAP descends where coordinates are no good directions, and every weight of a fit belongs to one of its matrices."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from calotype.fit.layers_network import matrices  # noqa: E402
from calotype.fit.soap import Soap  # noqa: E402
from calotype.walks.layers_networks import LayersLayout  # noqa: E402


@pytest.mark.parametrize("diagonals", [0, 64])
@pytest.mark.parametrize("chroma", [None, 2])
def test_every_weight_lies_in_one_matrix(chroma, diagonals):
    layout = LayersLayout(12, 16, chroma, diagonals=diagonals)
    places = torch.cat([matrix.flatten() for matrix in matrices(layout)])
    assert sorted(places.tolist()) == list(range(layout.size))


def _left_after(steps, optimizer_of):
    """What is left of a quadratic of a 6 x 5 matrix whose axes are turned and whose curvatures go from 1 to 1e-4."""
    generator = torch.Generator().manual_seed(0)
    turns = [torch.linalg.qr(torch.randn(side, side, generator=generator))[0] for side in (6, 5)]
    curvature = torch.logspace(0, -2, 6)[:, None] * torch.logspace(0, -2, 5)
    vector = torch.randn(30, generator=generator).requires_grad_()
    step = optimizer_of(vector)
    for at in range(steps):
        vector.grad = None
        loss = (curvature * (turns[0].T @ vector.view(6, 5) @ turns[1]).square()).sum()
        loss.backward()
        step(0.05 * (1 - at / steps))
    return float(loss.detach())


def _adam(vector):
    adam = torch.optim.Adam([vector], betas=(0.95, 0.95))

    def step(rate):
        adam.param_groups[0]["lr"] = rate
        adam.step()

    return step


def test_turned_axes_cost_adam_more_than_soap():
    soap = _left_after(150, lambda vector: Soap(vector, [torch.arange(30).view(6, 5)]).step)
    assert soap < 0.5 * _left_after(150, _adam)


def test_the_first_step_only_looks():
    vector = torch.ones(4, requires_grad=True)
    soap = Soap(vector, [torch.arange(4).view(1, 4)])
    vector.square().sum().backward()
    soap.step(0.1)
    assert np.array_equal(vector.detach(), np.ones(4))
    soap.step(0.1)
    assert (vector.detach().numpy() < 1).all()


def test_no_step_ends_beyond_the_greatest_magnitude():
    """Along each coordinate of its own; without one it would."""

    def left(most):
        vector = torch.ones(4, requires_grad=True)
        soap = Soap(vector, [torch.arange(4).view(1, 4)], most)
        for _ in range(3):
            vector.grad = None
            (-vector.sum()).backward()
            soap.step(1.0)
        return vector.detach().numpy()

    most = torch.tensor([1.0, 1.1, 1.2, 50.0])
    assert (left(None)[:3] > 1.2).all()
    assert np.allclose(left(most)[:3], most[:3])
    assert left(most)[3] == left(None)[3]
