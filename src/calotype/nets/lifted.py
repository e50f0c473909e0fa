"""A wavelet-like transform whose lifting steps are learned, reversible in integers; not the wavelet of `swift` (wavelet.py).

Samples are integers from the picture to the bands and back: whatever a step adds is rounded before it is added, and so
it can be taken away again. In float training nothing is rounded.
source   Ma, Liu, Yan, Li, Wu 2020, doi:10.1109/TPAMI.2020.3026003, section 3; reversible 5/3: Calderbank et al. 1998
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet, set_mode
from calotype.nets.hyper import ACTIVATION, BoundedConv

__all__ = ["BAND_TOP", "BandsToPixels", "Lifting", "PixelsToBands"]

BAND_TOP = 2047
_REACH = 1023  # of what a step sees
_TOP = 255.0


class LiftingStep(ExactNet):
    """What one phase of samples tells of the other: a filter of two taps, and a network beside it that is zero at first.

    Beyond the picture's edge samples are zero, a middle grey.

    forward(x [b, 6, h, w], three colours of two lines) -> [b, 6, h, w]
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

    def forward(self, x: Tensor) -> Tensor:
        # Whatever is clipped here is clipped on the way back as well; sums of the tree of levels would grow without it.
        x = x.clamp(-_REACH, _REACH)
        hidden = self.enter(x)
        hidden = self.requantize(hidden.clamp(max=_TOP) if self.mode == "float" else hidden, 0, _TOP)
        two = F.conv2d(x, self.taps, padding=1, groups=6)
        return self.requantize(two + self.leave(hidden), -BAND_TOP, BAND_TOP)


class Lifting(ExactNet):
    """Picture <-> bands of some levels, with learned steps for each; colours as Y Co Cg, reversibly.

    split(x [b, 3, h, w], levels less 128) -> (l1 [b, 9, h/2, w/2], ..., ll [b, 3, ...]); join(*bands) -> x
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

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        red, green, blue = x.split(1, 1)
        orange = red - blue
        middle = blue + self._half(orange)
        greenness = green - middle
        x, bands = torch.cat([middle + self._half(greenness), orange, greenness], 1), []
        for level in range(self.count):
            predict, update, predict_down, update_down = self.steps[4 * level : 4 * level + 4]
            cells = F.pixel_unshuffle(x, 2)
            even, odd = (torch.cat([cells[:, k::4], cells[:, k + 2 :: 4]], 1) for k in (0, 1))
            odd = odd + predict(even)
            even = even + update(odd)
            top, bottom = (torch.cat([even[:, rows], odd[:, rows]], 1) for rows in (slice(0, 3), slice(3, 6)))
            bottom = bottom + predict_down(top)
            top = top + update_down(bottom)
            bands.append(torch.cat([top[:, 3:], bottom], 1))
            x = top[:, :3]
        return (*bands, x)

    def join(self, *bands: Tensor) -> Tensor:
        x = bands[-1]
        for level in reversed(range(self.count)):
            predict, update, predict_down, update_down = self.steps[4 * level : 4 * level + 4]
            top, bottom = torch.cat([x, bands[level][:, :3]], 1), bands[level][:, 3:]
            top = top - update_down(bottom)
            bottom = bottom - predict_down(top)
            even, odd = (torch.cat([top[:, part], bottom[:, part]], 1) for part in (slice(0, 3), slice(3, 6)))
            even = even - update(odd)
            odd = odd - predict(even)
            x = _joined(torch.cat([even[:, :3], odd[:, :3], even[:, 3:], odd[:, 3:]], 1))
        middle, orange, greenness = x.split(1, 1)
        middle = middle - self._half(greenness)
        green, blue = greenness + middle, middle - self._half(orange)
        return torch.cat([blue + orange, green, blue], 1)

    def _half(self, x: Tensor) -> Tensor:
        return x * 0.5 if self.mode == "float" else self.requantize(x * 0.5, -BAND_TOP, BAND_TOP)

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
            flat = self.join(*[torch.zeros_like(band) for band in bands])
            found.append(((self.join(*bands) - flat) ** 2).sum((1, 2, 3)))
        set_mode(self, mode)
        return found


def _joined(cells: Tensor) -> Tensor:
    """[b, 12, h, w], channel = 6 row + 3 column + colour -> [b, 3, 2h, 2w]."""
    b, _, h, w = cells.shape
    return cells.reshape(b, 2, 2, 3, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, 3, 2 * h, 2 * w)


class PixelsToBands(nn.Module):
    """The analysis as it is frozen: forward(pixels uint8 [b, h, w, 3], row of zeros [b, 9, 1, 1]) -> bands, integers."""

    def __init__(self, lifting: Lifting) -> None:
        super().__init__()
        self.lifting = lifting

    def forward(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        first, *others = self.lifting.split(pixels.permute(0, 3, 1, 2).float() - 128)
        return first + row, *others


class BandsToPixels(nn.Module):
    """The synthesis as it is frozen: forward(l1, ..., ll, row of zeros [b, 9, 1, 1]) -> pixels uint8 [b, h, w, 3].

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
        x = self.lifting.join(l1 + row, *others) + 128
        return x.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
