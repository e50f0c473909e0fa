"""A wavelet-like transform whose lifting steps are learned, reversible in integers; not the wavelet of `swift` (wavelet.py).

Whatever a step adds is rounded before it is added, and so it can be taken away again: to integers where nothing is to be
lost, else to sixteenths, because roundings that do not cancel cost a decibel and more at high rates. In float training
nothing is rounded.
source   Ma, Liu, Yan, Li, Wu 2020, doi:10.1109/TPAMI.2020.3026003, section 3; reversible 5/3: Calderbank et al. 1998
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet, set_mode
from calotype.nets.hyper import ACTIVATION, BoundedConv

__all__ = ["BAND_TOP", "PARTS", "BandsToPixels", "Lifting", "PixelsToBands"]

BAND_TOP = 2047
PARTS = 16  # of an integer, where something is lost anyway
_REACH = 1023  # of what a step sees
_TOP = 255.0


class LiftingStep(ExactNet):
    """What one phase of samples tells of the other: a filter of two taps, and a network beside it that is zero at first.

    Beyond the picture's edge samples are zero, a middle grey.

    forward(x [b, 6, h, w], three colours of two lines, fine [b, 1, 1, 1] as `gated` takes it) -> [b, 6, h, w]
    weight   of each tap
    after    the second tap is the next sample; else the one before
    axis     2 down, 3 across
    """

    def __init__(self, width: int, weight: float, *, after: bool, axis: int) -> None:
        super().__init__()
        taps, places = torch.zeros(3, 3), slice(1, 3) if after else slice(0, 2)
        taps[(places, 1) if axis == 2 else (1, places)] = weight
        self.register_buffer("taps", taps.expand(6, 1, 3, 3).clone())
        same: dict[str, Any] = {"gain_in": ACTIVATION, "gain_out": ACTIVATION}
        self.enter = BoundedConv(6, width, 3, **same, reach=_REACH)
        self.leave = BoundedConv(width, 6, 1, **same, reach=_TOP)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        # Whatever is clipped here is clipped on the way back as well; sums of the tree of levels would grow without it.
        x = x.clamp(-_REACH, _REACH)
        hidden = self.enter(self.requantize(x, -_REACH, _REACH))
        hidden = self.requantize(hidden.clamp(max=_TOP) if self.mode == "float" else hidden, 0, _TOP)
        sums = F.conv2d(x, self.taps, padding=1, groups=6) + self.leave(hidden)
        if self.mode == "float":
            return sums
        parts = self.requantize((sums - (0.5 - 0.5 / PARTS)) * PARTS, -BAND_TOP * PARTS, BAND_TOP * PARTS) * (1 / PARTS)
        return gated(parts, self.requantize(sums, -BAND_TOP, BAND_TOP), fine)


def gated(parts: Tensor, whole: Tensor, fine: Tensor) -> Tensor:
    """`parts` where `fine` is 1 or more, `whole`, less than one away, where it is 0: by sums alone, without a product."""
    apart = F.relu(whole - parts - fine) - F.relu(parts - whole - fine)
    return (parts + apart).clamp(-BAND_TOP, BAND_TOP)


class Lifting(ExactNet):
    """Picture <-> bands of some levels, with learned steps for each; colours as Y Co Cg, reversibly.

    split(x [b, 3, h, w], levels less 128, fine) -> (l1 [b, 9, h/2, w/2], ..., ll [b, 3, ...]); join(*bands, fine=fine) -> x
    fine   [b, 1, 1, 1]: 0, integers throughout; 1 and more, sixteenths
    """

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.count = levels
        self.steps = nn.ModuleList(
            LiftingStep(width, weight, after=after, axis=axis)
            for _ in range(self.count)
            for axis in (3, 2)
            for weight, after in ((-0.5, True), (0.25, False))
        )
        self.halo_px = sum(4 << level for level in range(1, self.count + 1)) + (1 << self.count)

    def split(self, x: Tensor, fine: Tensor) -> tuple[Tensor, ...]:
        red, green, blue = x.split(1, 1)
        orange = red - blue
        middle = blue + self._half(orange, fine)
        greenness = green - middle
        x, bands = torch.cat([middle + self._half(greenness, fine), orange, greenness], 1), []
        for level in range(self.count):
            predict, update, predict_down, update_down = self.steps[4 * level : 4 * level + 4]
            cells = F.pixel_unshuffle(x, 2)
            even, odd = (torch.cat([cells[:, k::4], cells[:, k + 2 :: 4]], 1) for k in (0, 1))
            odd = odd + predict(even, fine)
            even = even + update(odd, fine)
            top, bottom = (torch.cat([even[:, rows], odd[:, rows]], 1) for rows in (slice(0, 3), slice(3, 6)))
            bottom = bottom + predict_down(top, fine)
            top = top + update_down(bottom, fine)
            bands.append(torch.cat([top[:, 3:], bottom], 1))
            x = top[:, :3]
        return (*bands, x)

    def join(self, *bands: Tensor, fine: Tensor) -> Tensor:
        x = bands[-1]
        for level in reversed(range(self.count)):
            predict, update, predict_down, update_down = self.steps[4 * level : 4 * level + 4]
            top, bottom = torch.cat([x, bands[level][:, :3]], 1), bands[level][:, 3:]
            top = top - update_down(bottom, fine)
            bottom = bottom - predict_down(top, fine)
            even, odd = (torch.cat([top[:, part], bottom[:, part]], 1) for part in (slice(0, 3), slice(3, 6)))
            even = even - update(odd, fine)
            odd = odd - predict(even, fine)
            x = _joined(torch.cat([even[:, :3], odd[:, :3], even[:, 3:], odd[:, 3:]], 1))
        middle, orange, greenness = x.split(1, 1)
        middle = middle - self._half(greenness, fine)
        green, blue = greenness + middle, middle - self._half(orange, fine)
        return torch.cat([blue + orange, green, blue], 1)

    def _half(self, x: Tensor, fine: Tensor) -> Tensor:
        half = x * 0.5
        return half if self.mode == "float" else gated(half, self.requantize(half, -BAND_TOP, BAND_TOP), fine)

    @torch.no_grad()
    def squared_norms(self) -> list[Tensor]:
        """What a unit of squared error is worth in pixels, for the channels of l1, ..., ll; as `wavelet.squared_norms`."""
        mode, side = self.mode, 1 << (self.count + 3)
        set_mode(self, "float")
        shapes = [(9, side >> level) for level in range(1, self.count + 1)] + [(3, side >> self.count)]
        found = []
        for place, (channels, cells) in enumerate(shapes):
            bands = [torch.zeros(channels, c, s, s) for c, s in shapes]
            bands[place][range(channels), range(channels), cells // 2, cells // 2] = 1.0
            fine = torch.ones(1, 1, 1, 1)
            flat = self.join(*[torch.zeros_like(band) for band in bands], fine=fine)
            found.append(((self.join(*bands, fine=fine) - flat) ** 2).sum((1, 2, 3)))
        set_mode(self, mode)
        return found


def _joined(cells: Tensor) -> Tensor:
    """[b, 12, h, w], channel = 6 row + 3 column + colour -> [b, 3, 2h, 2w]."""
    b, _, h, w = cells.shape
    return cells.reshape(b, 2, 2, 3, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, 3, 2 * h, 2 * w)


class PixelsToBands(nn.Module):
    """The analysis as it is frozen: forward(pixels uint8 [b, h, w, 3], row [b, 1, 1, 1] that is `fine`) -> bands."""

    def __init__(self, lifting: Lifting) -> None:
        super().__init__()
        self.lifting = lifting

    def forward(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        return self.lifting.split(pixels.permute(0, 3, 1, 2).float() - 128, torch.floor(row))


class BandsToPixels(nn.Module):
    """The synthesis as it is frozen: forward(l1, ..., ll, row as above) -> pixels uint8 [b, h, w, 3].

    One level to five: exporters want arguments by name.
    """

    def __init__(self, lifting: Lifting) -> None:
        super().__init__()
        self.lifting = lifting

    def forward(
        self, l1: Tensor, l2: Tensor, l3: Tensor, l4: Tensor | None = None, l5: Tensor | None = None,
        l6: Tensor | None = None, l7: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        *others, row = [band for band in (l2, l3, l4, l5, l6, l7) if band is not None]
        x = self.lifting.join(l1, *others, fine=torch.floor(row)) + 128.5
        return torch.floor(x.clamp(0, 255)).to(torch.uint8).permute(0, 2, 3, 1)
