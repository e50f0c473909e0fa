"""Where convolutional transforms start: principal components, stage by stage, in place of random weights.

Not here: transforms that stay in closed form (pyramid.py, wavelets.py), rotations of trained latents (nets/residual.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.attention import Gate
from calotype.nets.residual import Residual, Rotation
from calotype.nets.smoothed import Smooth
from calotype.nets.transforms import GDN

__all__ = ["start"]

GENTLE = 1e-4  # weight of every magnitude in a normalisation: as good as none, and yet it learns
CLOSED = -7.0  # what the sigmoid of a gate makes a thousandth of


@dataclass
class _Step:
    """A convolution, by what factor it changes the resolution, how, and the slope of the activation behind it."""

    conv: Any
    stride: int
    kind: str  # "down", "up" (transposed), "shuffle" or "same"
    slope: float | None = None

    @property
    def channels(self) -> int:
        """Channels of its output, after the shuffle if there is one."""
        return self.conv.out_channels // (self.stride**2 if self.kind == "shuffle" else 1)

    @property
    def room(self) -> int:
        """How many components it can hand on: behind an activation each one twice, with both signs."""
        return self.channels // (1 if self.slope is None else 2)

    def embedding(self, components: int) -> tuple[Tensor, Tensor]:
        """([channels, components], [components, channels]): how components become activations, and how they are read.

        Leaky: act(x) - act(-x) = (1 + slope) x, so both signs together are linear.
        """
        write = torch.zeros(self.channels, components)
        write[:components] = torch.eye(components)
        if self.slope is None:
            return write, write.T
        write[components : 2 * components] = -torch.eye(components)
        return write, write.T / (1 + self.slope)

    def fill(self, write: Tensor, axes: Tensor, read: Tensor) -> None:
        """Weights such that written = axes of read; channels that nothing is written to stay random.

        axes   [coarser components, finer components, stride, stride]
        """
        weight, first = self.conv.weight, self.conv.kernel_size[0] // 2
        block = slice(first, first + self.stride)
        used = write.abs().sum(1) > 0
        if self.kind == "up":
            weight[:, used] = 0
            weight[:, used, block, block] = torch.einsum("ki,kuyx,ou->ioyx", read, axes, write[used])
        elif self.kind == "shuffle":
            rows = used.repeat_interleave(self.stride**2)
            weight[rows] = 0
            weight[rows, :, first, first] = torch.einsum("ki,kuyx,ou->oyxi", read, axes, write[used]).flatten(0, 2)
        else:
            weight[used] = 0
            weight[used, :, block, block] = torch.einsum("ok,kuyx,ui->oiyx", write[used], axes, read)
        if self.conv.bias is not None:
            self.conv.bias.zero_()


def _steps(transform: nn.Module) -> list[_Step] | None:
    """A transform's convolutions in order, or None where there is something that this file does not know.

    Of a `chain`, where the transform has one: what lies beside it begins with nothing to add.
    """
    chain = transform.transform if isinstance(transform, Rotation) else getattr(transform, "chain", transform)
    found: list[_Step] = []
    if not isinstance(chain, nn.Sequential):
        return None
    for layer in chain:
        if isinstance(layer, nn.ConvTranspose2d):
            found.append(_Step(layer, layer.stride[0], "up"))
        elif isinstance(layer, nn.Conv2d):
            found.append(_Step(layer, layer.stride[0], "down" if layer.stride[0] > 1 else "same"))
        elif isinstance(layer, nn.PixelShuffle) and found:
            found[-1].stride, found[-1].kind = layer.upscale_factor, "shuffle"
        elif isinstance(layer, nn.LeakyReLU) and found:
            found[-1].slope = layer.negative_slope
        elif isinstance(layer, nn.PReLU) and found:
            found[-1].slope = float(layer.weight[0])
        elif not isinstance(layer, GDN | Residual | Gate | Smooth):
            return None
    return found


@torch.no_grad()
def start(analysis: nn.Module, synthesis: nn.Module, pictures: Tensor) -> bool:
    """Make `analysis` the principal components of blocks of the stage before, stage by stage, and `synthesis` the way back.

    pictures   [b, 3, h, w] in networks' units, whose second moments decide
    returns    False, and nothing is changed, where the two are no mirrored chains of convolutions; an analysis that has
               `start(synthesis, pictures)` itself makes both, orthonormal

    Four stages of stride 2 are nearly the Karhunen-Loeve transform of 16x16 blocks: orthonormal, but for what narrow stages
    leave out. Taps outside a block begin at zero, residual blocks as the identity, normalisations as good as none.
    """
    if (own := getattr(analysis, "start", None)) is not None:
        own(synthesis, pictures)
        return True
    down, up = _steps(analysis), _steps(synthesis)
    if not down or not up or not _mirrored(down, up):
        return False
    rooms = _rooms(down, up)
    if rooms[0] < pictures.shape[1] or min(rooms) < 1:  # too narrow for both signs of the colours
        return False
    x, components, axes_of = pictures, pictures.shape[1], []
    read = torch.eye(components)
    for step in down:
        if step.kind == "down":
            x = F.pixel_unshuffle(x, step.stride)
            flat = x.movedim(1, -1).reshape(-1, x.shape[1]).double()
            kept = min(rooms[len(axes_of) + 1], x.shape[1])
            axes = torch.linalg.eigh(flat.T @ flat / len(flat))[1].flip(1)[:, :kept].T.float()  # largest first
            x = torch.einsum("bchw,kc->bkhw", x, axes.to(x))
            axes = axes.reshape(kept, components, step.stride, step.stride)
            components = kept
            axes_of.append(axes)
        else:
            axes = torch.eye(components)[:, :, None, None]
        write, following = step.embedding(components)
        step.fill(write, axes, read)
        read = following
    read = torch.eye(components, up[0].conv.in_channels)
    for step in up:
        axes = axes_of.pop() if step.kind != "same" else torch.eye(components)[:, :, None, None]
        components = axes.shape[1]
        write, following = step.embedding(components)
        step.fill(write, axes, read)
        read = following
    for layer in (*analysis.modules(), *synthesis.modules()):
        _calm(layer)
    return True


def _mirrored(down: list[_Step], up: list[_Step]) -> bool:
    """Whether one goes down as the other goes up, and nothing else."""
    falls, rises = ([step.stride for step in steps if step.kind != "same"] for steps in (down, up))
    kinds = {step.kind for step in down} <= {"down", "same"} and {step.kind for step in up} <= {"up", "shuffle", "same"}
    return kinds and falls == rises[::-1] and up[-1].channels == 3 and up[-1].slope is None


def _rooms(down: list[_Step], up: list[_Step]) -> list[int]:
    """How many components each resolution can keep in both directions, from the picture's down to the latents'."""
    rooms = [1 << 30] * (1 + sum(step.kind == "down" for step in down))
    place = 0
    for step in down:
        place += step.kind == "down"
        rooms[place] = min(rooms[place], step.room)
    place = len(rooms) - 1
    for step in up:
        place -= step.kind != "same"
        rooms[place] = min(rooms[place], step.room)
    return rooms


def _calm(layer: nn.Module) -> None:
    """What stands between convolutions does nothing yet."""
    if isinstance(layer, GDN):
        layer.beta.fill_(1 - 1e-3)  # GDN adds a thousandth
        layer.gamma.fill_(GENTLE)
    elif isinstance(layer, Residual):
        layer.path[-1].weight.zero_()
        layer.path[-1].bias.zero_()
    elif isinstance(layer, Gate):
        layer.mask[-1].weight.zero_()
        layer.mask[-1].bias.fill_(CLOSED)
