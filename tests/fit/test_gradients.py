"""Gradients by hand are those of autograd: 1x1 layers in strips, bringing up by two, first layers on diagonals."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from calotype.fit import pointwise, skewed, upsampling  # noqa: E402
from calotype.walks.diagonals import SLOPE, incomplete, taps  # noqa: E402
from calotype.walks.layers_networks import PHASES  # noqa: E402


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(pointwise, "_PLACES", 7)  # several strips, the last one shorter
    monkeypatch.setattr(skewed, "_SLOTS", 150)


def test_two_layers_are_what_they_say():
    x, first, bias, last, last_bias = drawn(3, 17), drawn(4, 3), drawn(4), drawn(2, 4), drawn(2)
    wanted = last @ (first @ x + bias[:, None]).relu() + last_bias[:, None]
    assert torch.allclose(pointwise.two_layers(x, first, bias, last, last_bias), wanted)
    assert torch.autograd.gradcheck(pointwise.two_layers, (x, first, bias, last, last_bias))


@pytest.mark.parametrize("sets", [1, 4])
def test_mixed_layers_are_what_they_say(sets):
    sums, mix, mix_bias, told, biases = drawn(sets, 3, 17), drawn(3, 3), drawn(3), drawn(sets, 2, 3), drawn(sets, 2)
    hidden = sums.relu()
    wanted = told @ (hidden + (mix @ hidden + mix_bias[:, None]).relu()) + biases[:, :, None]
    assert torch.allclose(pointwise.mixed(sums, mix, mix_bias, told, biases), wanted)
    assert torch.autograd.gradcheck(pointwise.mixed, (sums, mix, mix_bias, told, biases))


def test_a_wrong_gradient_would_be_seen():
    """The twin: without the way through `mix` the check fails."""

    class Wrong(pointwise._Mixed):
        @staticmethod
        def backward(ctx, grad):
            return (*pointwise._Mixed.backward(ctx, grad)[:1], None, None, None, None)

    given = drawn(1, 3, 17), drawn(3, 3), drawn(3), drawn(1, 2, 3), drawn(1, 2)
    with pytest.raises(Exception, match="Jacobian"):
        torch.autograd.gradcheck(Wrong.apply, given)


def test_bringing_up_is_a_filter_and_its_gradient():
    """Eight taps on rows and columns, zeros in between, edges repeated."""
    x, taps = drawn(2, 3, 5), drawn(4)
    found = upsampling.up(x, taps)
    assert found.shape == (2, 6, 10) and torch.autograd.gradcheck(upsampling.up, (x, taps))
    padded = torch.nn.functional.pad(x[None], (2,) * 4, mode="replicate")[0]
    spread = padded.new_zeros(2, 14, 18)
    spread[:, ::2, ::2] = padded
    whole = torch.cat([taps, taps.flip(0)])
    kernel = (whole[:, None] * whole).expand(2, 1, 8, 8)
    wanted = torch.nn.functional.conv2d(torch.nn.functional.pad(spread[None], (4,) * 4), kernel, groups=2)[0]
    top = [k for k in range(wanted.shape[1] - 5) if torch.allclose(wanted[:, k : k + 6, k : k + 10], found)]
    assert len(top) == 1


def _place_by_place(own, weight, bias, passes, reach):
    """What the first layer makes of each place, from those around it whose passes come before."""
    h, w = own.shape[1:]
    steps = (torch.arange(w) + SLOPE * torch.arange(h)[:, None]) % passes
    around = torch.nn.functional.pad(own, [reach] * 4)
    found = torch.nn.functional.pad(bias, (0, 0, 0, passes - len(bias))).T[:, steps]
    for k, (dy, dx) in enumerate(taps(reach)):
        shown = around[:, reach + dy : reach + dy + h, reach + dx : reach + dx + w] * (steps + dx + SLOPE * dy >= 0)
        found = found + torch.einsum("wp,phx->whx", weight[:, :, k], shown)
    return found


@pytest.mark.parametrize(("sides", "reach"), [((6, 20), 3), ((24, 34), 2)])
def test_sums_on_diagonals_are_those_place_by_place(sides, reach):
    own, weight, bias = drawn(2, *sides), drawn(3, 2, len(taps(reach))), drawn(incomplete(reach), 3)
    wanted = _place_by_place(own, weight, bias, 16, reach)
    found = skewed.sums_of(own, weight, bias, 16, reach, cells=False)
    assert torch.allclose(found[:, 0], wanted)
    cells = skewed.sums_of(own, weight, bias, 16, reach, cells=True)
    for k, (y, x) in enumerate(PHASES):
        assert torch.allclose(cells[:, k], wanted[:, y::2, x::2])
    slopes = torch.randn_like(cells)
    whole = torch.zeros_like(wanted)
    for k, (y, x) in enumerate(PHASES):
        whole[:, y::2, x::2] = slopes[:, k]
    by_hand = torch.autograd.grad(cells, (own, weight, bias), slopes)
    usual = torch.autograd.grad(wanted, (own, weight, bias), whole)
    assert all(torch.allclose(a, b) for a, b in zip(by_hand, usual, strict=True))
    assert not torch.allclose(usual[2], torch.zeros_like(usual[2]))
