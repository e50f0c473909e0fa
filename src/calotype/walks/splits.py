"""How the walk "staged" splits colour planes into a coarse part and vectors of what is left, and puts them together.

Integers throughout, so both ends have the same planes. How the parts are coded lives in walks/staged.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["Group", "Means", "Wavelet", "of"]


class Group(NamedTuple):
    """Vectors of one kind: their name, "luma" or "chroma", pixels from one to the next, samples in each, parent's name."""

    name: str
    kind: str
    stride: int
    length: int
    parent: str = ""


def of(name: str) -> Means | Wavelet:
    """The split of that name; TypeError for another one."""
    if name not in ("means", "wavelet"):
        raise TypeError("split is means or wavelet")
    return Means() if name == "means" else Wavelet()


def _cut(planes: np.ndarray, side: int) -> np.ndarray:
    """[p, H, W] -> blocks [p, H / side, W / side, side * side]."""
    count, height, width = planes.shape
    blocks = planes.reshape(count, height // side, side, width // side, side)
    return blocks.transpose(0, 1, 3, 2, 4).reshape(count, height // side, width // side, side * side)


def _joined(blocks: np.ndarray, side: int) -> np.ndarray:
    """The inverse of `_cut`."""
    count, rows, columns, _ = blocks.shape
    cut = blocks.reshape(count, rows, columns, side, side)
    return cut.transpose(0, 1, 3, 2, 4).reshape(count, rows * side, columns * side)


def _means(planes: np.ndarray, side: int) -> np.ndarray:
    """Means of side x side samples, rounded: [p, H / side, W / side]."""
    count, height, width = planes.shape
    sums = planes.reshape(count, height // side, side, width // side, side).sum((2, 4))
    return (sums + side * side // 2) // (side * side)


class Means:
    """Prediction by interpolated means of blocks; vectors are what it leaves, 4x4 samples, of chroma at half size."""

    strides: Mapping[str, int] = {"luma": 4, "chroma": 8}  # pixels from one coarse sample to the next
    groups = (Group("luma", "luma", 4, 16), Group("chroma", "chroma", 8, 16))

    def coarse(self, planes: np.ndarray) -> dict[str, np.ndarray]:
        """Y, Co, Cg int32 [3, H, W] -> {"luma": [1, H / 4, W / 4], "chroma": [2, H / 8, W / 8]}."""
        return {"luma": _means(planes[:1], 4), "chroma": _means(planes[1:], 8)}

    def vectors(self, planes: np.ndarray, coarse: Mapping[str, np.ndarray], group: Group) -> np.ndarray:
        """The vectors of a group, int32 [p, rows, columns, length]; `coarse` as the decoder has it."""
        whole = planes[:1] if group.kind == "luma" else _means(planes[1:], 2)
        return _cut(whole - self._predicted(coarse[group.kind]), 4)

    def planes(self, coarse: Mapping[str, np.ndarray], vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        """The inverse, of vectors as they were decoded: int32 [3, H, W]."""
        luma, chroma = (self._predicted(coarse[kind]) + _joined(vectors[kind], 4) for kind in ("luma", "chroma"))
        return np.concatenate([luma, chroma.repeat(2, 1).repeat(2, 2)])

    def _predicted(self, means: np.ndarray) -> np.ndarray:
        """Four times as many rows and columns, interpolated linearly in eighths, edges repeated."""
        found = means.astype(np.int32)
        for axis in (1, 2):
            padded = np.concatenate([found.take([0], axis), found, found.take([-1], axis)], axis)
            size = found.shape[axis]
            before, here, after = (padded.take(np.arange(size) + place, axis) for place in range(3))
            parts = [3 * before + 5 * here, before + 7 * here, 7 * here + after, 5 * here + 3 * after]
            shape = list(found.shape)
            shape[axis] *= 4
            found = np.stack(parts, axis + 1).reshape(shape)
        return (found + 32) >> 6


class Wavelet:
    """Three levels of the reversible 5/3 wavelet; a vector is 2x2 places of the three bands of a level.

    source   Le Gall, Tabatabai 1988; lifting as in JPEG 2000 part 1, annex F
    """

    levels = 3
    strides: Mapping[str, int] = {"luma": 8, "chroma": 8}
    groups = tuple(
        Group(f"{kind}{level}", kind, 2 << level, 12, f"{kind}{level + 1}" if level < 3 else "")
        for level in (3, 2, 1)
        for kind in ("luma", "chroma")
    )

    def coarse(self, planes: np.ndarray) -> dict[str, np.ndarray]:
        low = planes
        for _ in range(self.levels):
            low, _ = _analysed(low)
        return {"luma": low[:1], "chroma": low[1:]}

    def vectors(self, planes: np.ndarray, coarse: Mapping[str, np.ndarray], group: Group) -> np.ndarray:
        low = planes[:1] if group.kind == "luma" else planes[1:]
        high: list[np.ndarray] = []
        for _ in range(int(group.name[-1])):
            low, high = _analysed(low)
        return np.concatenate([_cut(band, 2) for band in high], -1)

    def planes(self, coarse: Mapping[str, np.ndarray], vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        found = []
        for kind in ("luma", "chroma"):
            low = coarse[kind].astype(np.int32)
            for level in (3, 2, 1):
                bands = np.split(vectors[f"{kind}{level}"], 3, -1)
                low = _synthesised(low, [_joined(band, 2) for band in bands])
            found.append(low)
        return np.concatenate(found)


def _analysed(planes: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """One level of [p, H, W], H and W even: the low band and three high ones, each [p, H / 2, W / 2]."""
    low, high = _forward(planes, 2)
    (low, below), (beside, both) = _forward(low, 1), _forward(high, 1)
    return low, [below, beside, both]


def _synthesised(low: np.ndarray, high: list[np.ndarray]) -> np.ndarray:
    below, beside, both = high
    return _backward(_backward(low, below, 1), _backward(beside, both, 1), 2)


def _forward(planes: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.moveaxis(planes, axis, -1)
    even, odd = pairs[..., ::2], pairs[..., 1::2]
    odd = odd - ((even + _next(even)) >> 1)
    even = even + ((_before(odd) + odd + 2) >> 2)
    return np.moveaxis(even, -1, axis), np.moveaxis(odd, -1, axis)


def _backward(low: np.ndarray, high: np.ndarray, axis: int) -> np.ndarray:
    even, odd = np.moveaxis(low, axis, -1), np.moveaxis(high, axis, -1)
    even = even - ((_before(odd) + odd + 2) >> 2)
    odd = odd + ((even + _next(even)) >> 1)
    both = np.stack([even, odd], -1).reshape(*even.shape[:-1], 2 * even.shape[-1])
    return np.moveaxis(both, -1, axis)


def _next(row: np.ndarray) -> np.ndarray:
    return np.concatenate([row[..., 1:], row[..., -1:]], -1)


def _before(row: np.ndarray) -> np.ndarray:
    return np.concatenate([row[..., :1], row[..., :-1]], -1)
