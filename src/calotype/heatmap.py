"""A picture of where the bits went: the decoded picture in grey, and over it a colour for bits per pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["draw"]

# Dark blue, violet, orange, yellow, white: as bright as there are bits, also for those who see no colours.
_COLOURS = np.array([[8, 8, 40], [86, 15, 110], [188, 55, 84], [249, 142, 9], [252, 240, 120], [255, 255, 255]], float)
GREY_SHARE = 0.35
LEGEND_PX = 28
NARROWEST_PX = 256  # a legend needs so much


def draw(map_bits: np.ndarray, pixels: np.ndarray, block_px: int) -> Image.Image:
    """An RGB image of the picture's size, with a legend below.

    map_bits   [rows, columns] of blocks
    pixels     [h, w] or [h, w, planes], of any depth
    block_px   side of a block
    """
    height, width = pixels.shape[:2]
    grey = pixels.reshape(height, width, -1)[..., : 3 if pixels.ndim == 3 and pixels.shape[2] >= 3 else 1].mean(-1)
    grey = grey / max(float(grey.max()), 1.0)
    area = np.outer(_lengths(height, block_px), _lengths(width, block_px))
    bpp = map_bits / area
    most = max(float(np.percentile(bpp, 99.5)), 1e-9)
    heat = np.clip(bpp / most, 0, 1).repeat(block_px, 0).repeat(block_px, 1)[:height, :width]
    mixed = _coloured(heat) * (1 - GREY_SHARE) + 255 * GREY_SHARE * grey[..., None]
    out = Image.new("RGB", (max(width, NARROWEST_PX), height + LEGEND_PX))
    out.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), (0, 0))
    _legend(out, height, most)
    return out


def _lengths(side: int, block_px: int) -> np.ndarray:
    """Pixels of each block along one side."""
    return np.minimum(block_px, side - block_px * np.arange(-(-side // block_px)))


def _coloured(heat: np.ndarray) -> np.ndarray:
    """float [..., 3] of 0..1."""
    steps = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(heat, steps, channel) for channel in _COLOURS.T], -1)


def _legend(out: Image.Image, top: int, most: float) -> None:
    """A bar from 0 to the most bits per pixel."""
    draw, left, right = ImageDraw.Draw(out), 34, out.width - 110
    bar = _coloured(np.linspace(0, 1, right - left))[None].repeat(10, 0)
    out.paste(Image.fromarray(np.rint(bar).astype(np.uint8)), (left, top + 9))
    draw.text((left - 14, top + 8), "0", fill=(230, 230, 230))
    draw.text((right + 8, top + 8), f"{most:.3g} bits/pixel", fill=(230, 230, 230))
