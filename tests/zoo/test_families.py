"""Families of distributions: probabilities add up, tables cost what densities say, and each can say what it is for."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calotype.coding.shapes import MOST_SHAPES, SHAPED_LOW, SHAPED_PER_LOG, SHAPED_STEPS, Shaped  # noqa: E402
from calotype.nets.density import ScaleMixture  # noqa: E402
from calotype.nets.families import Asymmetric, Mixture, Normal  # noqa: E402

FAMILIES = (Normal, Asymmetric, Mixture)
K = torch.arange(-2000, 2001, dtype=torch.double)


@pytest.mark.parametrize("family", FAMILIES)
def test_masses_are_probabilities_and_tables_cost_them(family):
    """All scales and shapes: the masses of all symbols add up to one; code lengths are near -log2 of them."""
    torch.manual_seed(0)
    made = family()
    assert made.shapes <= MOST_SHAPES
    bank = made.frozen()
    assert (
        len(bank) == SHAPED_STEPS * made.shapes
        and not bank.coded[: made.shapes].any()
        and bank.coded[made.shapes :].all()
    )
    for scale in (1, 7, 16, 24):
        for shape in range(made.shapes):
            with torch.no_grad():
                log_scale = torch.tensor(SHAPED_LOW + scale / SHAPED_PER_LOG, dtype=torch.double)
                mass = made.double().mass(K, log_scale, torch.tensor(float(shape), dtype=torch.double)).numpy()
            assert mass.min() > -1e-12 and abs(mass.sum() - 1) < 1e-3
            table = scale * made.shapes + shape
            column = K.numpy().astype(int) - bank.offsets[table]
            inside = (column >= 0) & (column < bank.sizes[table])
            # Beyond a table a symbol costs an escape and what tells it from other such symbols.
            beyond = np.where(inside, 0, np.log2(max(mass[~inside].sum(), 1e-300) / np.maximum(mass, 1e-300)))
            lengths = bank.code_lengths[table][np.where(inside, column, bank.sizes[table])] + beyond
            entropy = -(mass * np.log2(np.maximum(mass, 1e-30))).sum()
            assert entropy - 0.01 < (mass * lengths).sum() < entropy * 1.01 + 0.01


def test_a_skewed_gaussian_leans():
    """The middle shape is symmetric; the others are each other's mirror image."""
    family, scale = Asymmetric(), torch.tensor(1.0)
    masses = [family.mass(K.float(), scale, torch.tensor(float(shape))) for shape in range(family.shapes)]
    assert torch.allclose(masses[2], masses[2].flip(0), atol=1e-6)
    assert torch.allclose(masses[0], masses[4].flip(0), atol=1e-6)
    assert masses[4][K > 0].sum() > 0.6 > 0.5 > masses[0][K > 0].sum()


def test_a_mixture_learns_two_peaks():
    """What a single Gaussian cannot say: fitted to values near -4 and 4, it takes under 0.7 of the Gaussian's bits."""
    torch.manual_seed(0)
    values = torch.cat([torch.randn(500) * 0.4 - 4, torch.randn(500) * 0.4 + 4]).round()
    family, log_scale = Mixture(), torch.log(values.std())
    shape = torch.tensor(4.0)
    optimiser = torch.optim.Adam(family.parameters(), 0.05)
    for _ in range(150):
        loss = family(values, log_scale, shape).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.7 * float(Normal()(values, log_scale, None).mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_bits_have_slopes_towards_everything(family):
    """Towards values the mean slope of the rounding interval; towards mean, scale and shape those of the density."""
    made = family()
    mean16, index = (
        torch.full((1, 1, 4, 4), 8.0, requires_grad=True),
        torch.full((1, 1, 4, 4), 12.5, requires_grad=True),
    )
    shape = torch.full((1, 1, 4, 4), 1.5, requires_grad=True) if made.shapes > 1 else None
    values = torch.linspace(-3, 3, 16).reshape(1, 1, 4, 4).requires_grad_()
    distribution = Shaped(mean16, index, shape, "y", made.shapes, made)
    symbols, certain = distribution.hard(values)
    bits = distribution.bits(symbols, values)
    assert not certain.any() and torch.allclose(bits, distribution.bits(symbols))
    wanted = [values, mean16, index] + ([] if shape is None else [shape])
    slopes = torch.autograd.grad(bits.sum(), wanted)
    assert all(slope.abs().sum() > 0 for slope in slopes)
    assert torch.allclose(slopes[0], -16 * slopes[1], atol=1e-5)


def test_a_scale_mixture_has_heavier_tails_than_its_middle():
    """Theis et al.: masses add up, the middle of the mixture is as a Gaussian's, far out it is many times likelier."""
    mixture = ScaleMixture(2)
    edges = torch.arange(-200, 202).float() - 0.5
    mass = mixture.mass(edges[:-1].expand(2, 1, -1), edges[1:].expand(2, 1, -1)).detach()
    assert torch.allclose(mass.sum(2), torch.ones(2, 1), atol=1e-4)
    assert mass[0, 0, 212] > 100 * torch.exp(torch.tensor(-0.5 * (12 / 1.5) ** 2))
