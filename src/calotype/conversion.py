"""What a picture may be changed into when the caller asks for it by name, and nothing else changes it.

    rgb          three colour planes: alpha goes, grey becomes three equal planes, CMYK and LAB are computed
    rgba         the same with an alpha plane, opaque where there was none
    grey         one plane of luma (ITU-R BT.601), alpha goes
    8bit         8 bits a sample: 16 bits are divided by 257 and rounded, float and 32-bit samples scaled to 0..255
    first-frame  the first picture of an animation or the first page

Arrays only; what Pillow calls its modes is pillow_modes.py's business.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from calotype.errors import UnsupportedMode, UsageError

__all__ = ["NAMES", "converted", "grey_of", "parse", "refusal", "to_8_bits"]

NAMES = ("rgb", "rgba", "grey", "8bit", "first-frame")
_COLOURS = ("rgb", "rgba", "grey")


def parse(wanted: str | Iterable[str] | None) -> frozenset[str]:
    """Names of conversions, from several or from one text with commas.

    errors   UsageError for an unknown name, and for two colours at once
    """
    words = [] if wanted is None else wanted.split(",") if isinstance(wanted, str) else list(wanted)
    names = frozenset(word.strip().lower() for word in words if word.strip())
    for name in sorted(names):
        if name not in NAMES:
            raise UsageError("convert", value=name, allowed=", ".join(NAMES))
    if len(names.intersection(_COLOURS)) > 1:
        raise UsageError("convert", value=", ".join(sorted(names)), allowed="one of " + ", ".join(_COLOURS))
    return names


def refusal(mode: str, switch: str, loses: str) -> UnsupportedMode:
    """The error for a picture that would have to change, with the switch that changes it and what that loses."""
    return UnsupportedMode(mode, conversion=f'--convert {switch}, in Python convert="{switch}" ({loses})')


def converted(pixels: np.ndarray, bilevel: bool, wanted: frozenset[str]) -> tuple[np.ndarray, bool, list[str]]:
    """Samples as `wanted` asks for them, and what was changed, one sentence each.

    pixels   uint8 or uint16 [h, w, 1 to 4]
    bilevel  whether they are black and white, 0 and 255
    """
    said: list[str] = []
    if "8bit" in wanted and pixels.dtype == np.uint16:
        pixels = to_8_bits(pixels)
        said.append("converted as asked: 16 bits a sample became 8")
    planes = pixels.shape[2]
    alpha, colours = planes in (2, 4), planes - (planes in (2, 4))
    if "grey" in wanted and (colours == 3 or alpha or bilevel):
        if colours == 3 or alpha:
            said.append("converted as asked: " + " and ".join(_lost(colours == 3, alpha)))
        pixels, bilevel = grey_of(pixels), False
    elif wanted & {"rgb", "rgba"}:
        opaque = np.full((*pixels.shape[:2], 1), np.iinfo(pixels.dtype).max, pixels.dtype)
        if alpha and "rgb" in wanted:
            said.append("converted as asked: the alpha plane is gone, and colours under it appear")
        parts = [pixels[..., :1]] * 3 if colours == 1 else [pixels[..., :3]]
        if colours == 1:
            said.append(f"converted as asked: {'black and white' if bilevel else 'grey'} became three equal planes")
        if "rgba" in wanted:
            parts.append(pixels[..., -1:] if alpha else opaque)
            if not alpha:
                said.append("converted as asked: an opaque alpha plane was added")
        pixels, bilevel = np.concatenate(parts, axis=2), False
    return pixels, bilevel, said


def grey_of(pixels: np.ndarray) -> np.ndarray:
    """One plane of luma, [h, w, 1], of the same type; grey itself where there are no colours."""
    if pixels.shape[2] < 3:
        return np.ascontiguousarray(pixels[..., :1])
    red, green, blue = (pixels[..., plane].astype(np.uint32) for plane in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16).astype(pixels.dtype)[..., None]


def to_8_bits(samples: np.ndarray) -> np.ndarray:
    """uint8 of the same shape: uint16 divided by 257, anything else with its least value at 0 and its greatest at 255."""
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.uint16:
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    values = np.nan_to_num(samples.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    return np.rint((values - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)


def _lost(colour: bool, alpha: bool) -> list[str]:
    return ["colours became luma"] * colour + ["the alpha plane is gone"] * alpha
