"""A page of text in Pillow's own bitmap font, which has no hinting and no rasteriser: the same pixels everywhere."""

from __future__ import annotations

import numpy as np

__all__ = ["page"]

_LINES = (
    "The quick brown fox jumps over the lazy dog; 0123456789.",
    "Sphinx of black quartz, judge my vow! (iI1l|, O0oQ, rn/m, cl/d)",
    "A codec that writes letters which were never there is worse than one that blurs them.",
)
_BLOCKS = (
    ((255, 255, 255), (0, 0, 0)),
    ((24, 26, 32), (225, 225, 220)),
    ((250, 240, 215), (120, 70, 20)),
    ((200, 30, 30), (255, 255, 255)),
    ((30, 60, 200), (255, 235, 0)),
    ((235, 235, 235), (200, 0, 160)),
)


def page(width_px: int, height_px: int) -> np.ndarray:
    """uint8 [h, w, 3]: bands of paper and ink colours; in each the lines at one, two and three times the font's size."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    lines = [_line(line) for line in _LINES]
    for k, (paper, ink) in enumerate(_BLOCKS):
        top, end = k * height_px // len(_BLOCKS), (k + 1) * height_px // len(_BLOCKS)
        pixels[top:end] = paper
        y = top + 4
        for n in range(len(lines) * 3):
            size = 1 + n % 3
            mask = np.repeat(np.repeat(lines[n % len(lines)], size, axis=0), size, axis=1)
            mask = np.tile(mask, -(-width_px // mask.shape[1]))[:, : width_px - 8]
            if y + len(mask) > end:
                break
            pixels[y : y + len(mask), 4 : 4 + mask.shape[1]][mask] = ink
            y += len(mask) + 2
    return pixels


def _line(text: str) -> np.ndarray:
    """bool [h, w]: where the ink is, with room for a space after it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default_imagefont()
    _, _, right, bottom = font.getbbox(text)
    picture = Image.new("1", (int(right) + 6, int(bottom)))
    ImageDraw.Draw(picture).text((0, 0), text, fill=1, font=font)
    return np.asarray(picture)
