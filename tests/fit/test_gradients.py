"""Gradients by hand are those of autograd: 1x1 layers in strips, bringing up by two."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from calotype.fit import pointwise, upsampling  # noqa: E402


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(pointwise, "_PLACES", 7)  # several strips, the last one shorter


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
