"""What tensors settle at: integers whose bits and losses together are least, and every tensor in one group."""

import numpy as np
import pytest

from calotype.fit.settling import GROUPS, cheapest, kind_of
from calotype.fit.weights import tensor_bits
from calotype.walks.layers_networks import LayersLayout


def _lost(away, curvature):
    if curvature.ndim == 2:
        return 0.5 * (curvature * away**2).sum()
    return 0.5 * np.einsum("ri,rij,rj->", away, curvature, away)


def _cost(wanted, curvature, found, shift):
    return _lost(wanted - found, curvature) + tensor_bits(found >> shift)


@pytest.mark.parametrize("chroma", [None, 2])
def test_every_tensor_settles_once(chroma):
    kinds = [kind for group in GROUPS for kind in group]
    assert len(set(kinds)) == len(kinds)
    assert {kind_of(tensor.name) for tensor in LayersLayout(12, 16, chroma).tensors} <= set(kinds)


@pytest.mark.parametrize("turning", [1e-4, 1e-2, 1.0, 100.0])
def test_what_is_found_costs_less_than_rounding_and_than_nothing(turning):
    random = np.random.default_rng(1)
    wanted = random.laplace(0, 20, (12, 9))
    curvature = turning * random.gamma(0.5, 1, wanted.shape)
    found, shift = cheapest(wanted, curvature)
    assert not (found % (1 << shift)).any()
    rounded, nothing = np.round(wanted).astype(np.int64), np.zeros(wanted.shape, np.int64)
    assert _cost(wanted, curvature, found, shift) <= _cost(wanted, curvature, rounded, 0) * 1.001
    assert _cost(wanted, curvature, found, shift) <= _cost(wanted, curvature, nothing, 0)


def test_what_nothing_turns_on_is_not_sent():
    found, shift = cheapest(np.full((3, 5), 40.0), np.full((3, 5), 1e-9))
    assert not found.any()
    assert shift == 0


def test_rows_are_rounded_together():
    """Where only the sum of a row counts, errors are made to cancel; each alone they would add up."""
    wanted = np.full((2, 6), 3.4)
    together = np.ones((2, 6, 6)) * 50 + 0.01 * np.eye(6)
    found, _ = cheapest(wanted, together)
    assert np.abs((wanted - found).sum(1)).max() < 0.75
    alone, _ = cheapest(wanted, np.einsum("rii->ri", together).copy())
    assert np.abs((wanted - alone).sum(1)).max() > 2
