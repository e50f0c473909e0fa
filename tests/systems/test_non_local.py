"""Non-local blocks of float transforms: a bounded neighbourhood is what it says, and without a bound all is seen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_a_neighbourhood_is_a_softmax_over_its_positions():
    """Against torch's own patches; and the twin: a block of another reach sees something else."""
    from calotype.nets.non_local import NonLocal

    torch.manual_seed(0)
    net, x = NonLocal(8, 2), torch.randn(2, 8, 6, 7)
    query, key, value = net.enter(x).split(4, 1)
    keys, values = (torch.nn.functional.unfold(part, 5, padding=2).reshape(2, 4, 25, 6, 7) for part in (key, value))
    weights = torch.softmax((query[:, :, None] * keys).sum(1) / 2, 1)
    expected = x + net.leave((weights[:, None] * values).sum(2))
    assert torch.allclose(net(x), expected, atol=1e-5)
    net.reach = 1
    assert not torch.allclose(net(x), expected, atol=1e-3)


def test_without_a_bound_the_farthest_position_matters():
    from calotype.nets.non_local import NonLocal

    torch.manual_seed(0)
    x = torch.randn(1, 8, 12, 12)
    other = x.clone()
    other[..., -1, -1] += 5
    for reach, seen in ((None, True), (4, False)):
        net = NonLocal(8, reach)
        assert (not torch.equal(net(x)[..., 0, 0], net(other)[..., 0, 0])) is seen
