"""A law of training: the picture's error reaches the latents once, as if nothing had been rounded; not twice, not never."""

from __future__ import annotations

import pytest
import torch

from calotype import zoo
from calotype.train.anchors import at
from calotype.train.system import System


def systems():
    """Trained recipes that put pictures together as `System` does; what methods do instead is theirs to test."""
    for name in zoo.names():
        if zoo.recipe(name).build is not None and name != "swift":
            yield name


def gradients(name: str):
    """What an error does to the latents, and what it does to the values that the synthesis gets, in the latents' unit."""
    torch.manual_seed(0)
    system = zoo.recipe(name).system("tiny")
    if not isinstance(system, System) or type(system).synthesised is not System.synthesised:
        pytest.skip("puts pictures together in its own way")
    if type(system).reconstructed is not System.reconstructed:
        pytest.skip("reconstructs latents in its own way")
    crops, rate = torch.rand(2, 3, 64, 64) * 255, torch.tensor([0.2, 0.9])
    given = {key: value.detach() for key, value in system.analysed((crops - 128) / 64, rate).items()}
    y = given[system.main].requires_grad_()
    system.analysed = lambda *_: given
    caught = []
    system.synthesis.register_forward_pre_hook(lambda _, args: caught.append(args[0]) or args[0].retain_grad())
    system(crops, rate)["mse"].sum().backward()
    (x,) = caught
    return y.grad, x.grad * torch.exp(at(system._gains()[1], rate)[:, :, None, None])


@pytest.mark.parametrize("name", list(systems()))
def test_errors_reach_latents_once(name: str) -> None:
    found, wanted = gradients(name)
    assert wanted.abs().max() > 0
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_the_twin_counts_twice(monkeypatch) -> None:
    """As it was until values of factorized priors were found to learn already."""
    monkeypatch.setattr(
        System, "reconstructed", lambda self, known, y, inverse: (known + (y - y.detach())) * torch.exp(inverse)
    )
    found, wanted = gradients("balle2018-factorized")
    torch.testing.assert_close(found, 2 * wanted, rtol=1e-4, atol=1e-6)
