"""The fast Laplace bits are the readable ones."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from calotype.coding.densities import LAPLACE_STEPS, Laplace  # noqa: E402
from calotype.train.laplace import bits  # noqa: E402


@pytest.mark.parametrize("zero_mean", [False, True])
def test_values_and_gradients_are_those_of_the_definition(zero_mean: bool):
    """Over all tables and symbols up to far outliers: bits and all gradients agree to float32's precision."""
    generator = torch.Generator().manual_seed(2)
    shape = (2, 9, 16, 16)
    index = (torch.rand(shape, generator=generator) * (LAPLACE_STEPS - 1)).requires_grad_()
    mean16 = None if zero_mean else torch.randn(shape, generator=generator).mul(8).requires_grad_()
    values = torch.randn(shape, generator=generator).mul(6).requires_grad_()
    wanted = [x for x in (values, mean16, index) if x is not None]
    distribution = Laplace(mean16, index)
    symbols, _ = distribution.hard(values)
    weights = torch.rand(shape, generator=generator)
    slow, fast = distribution.bits(symbols, values), bits(distribution, symbols, values)
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-4)
    for a, b in zip(
        torch.autograd.grad((fast * weights).sum(), wanted),
        torch.autograd.grad((slow * weights).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-4)
