"""What Pillow's modes become: kept as they are, turned exactly into one of ours with a word about it, or refused.

The table for people is docs/pictures.md. Nothing that loses anything happens unless the caller named it (conversion.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from calotype import conversion
from calotype.conversion import refusal

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Samples", "check", "image_of", "samples_of"]

# Pillow's raw modes of samples with more than 8 bits that it would cut to 8 without a word.
_WIDE_RAW_MODES = ("RGB;16", "RGBX;16", "RGBA;16", "LA;16", "BGR;48")
_KEPT = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1}
_COMPUTED = {  # mode -> what converting it to RGB costs
    "CMYK": "colours are approximate, by its profile if it has one",
    "YCbCr": "rounded once",
    "LAB": "rounded once",
    "HSV": "rounded once",
    "RGBX": "the fourth plane is lost",
}
_SCALED = {"I": "samples of 32 bits are scaled to 0..255", "F": "samples are scaled to 0..255"}


class Samples(NamedTuple):
    """pixels uint8 or uint16 [h, w, planes], whether they are bilevel, and what was changed, one sentence each."""

    pixels: np.ndarray
    bilevel: bool
    said: tuple[str, ...]


def check(image: Image.Image, wanted: frozenset[str], deep: bool = False) -> None:
    """Raise UnsupportedMode, before anything is decoded, unless `samples_of` can do what is wanted without a loss.

    deep   samples of 16 bits will be read in another way than Pillow's
    """
    frames = getattr(image, "n_frames", 1)
    # An MPO file is a JPEG photograph with others behind it (a preview, a second eye, a gain map): no animation.
    if frames > 1 and image.format != "MPO" and "first-frame" not in wanted:
        raise refusal(f"{image.format} of {frames} pictures (animation or pages)", "first-frame", "the others are lost")
    bits = _bits_cut(image)
    if bits and not deep and "8bit" not in wanted:
        raise refusal(f"{image.mode} with {bits}", "8bit", "precision is lost")
    mode = "I;16" if image.mode.startswith("I;16") else image.mode
    if mode in _SCALED and "8bit" not in wanted and not _is_whole_ppm(image):
        raise refusal(mode, "8bit", _SCALED[mode])
    if mode in _COMPUTED and not wanted & {"rgb", "rgba", "grey"}:
        raise refusal(mode, "rgb", _COMPUTED[mode])
    if mode == "RGBa" and "rgba" not in wanted:
        raise refusal("RGBa (colours multiplied with alpha)", "rgba", "colours are divided by alpha and rounded")
    if mode not in {*_KEPT, *_SCALED, *_COMPUTED, "P", "PA", "RGBa"} and not wanted & {"rgb", "rgba", "grey"}:
        raise refusal(mode, "rgb", "as Pillow computes it")


def samples_of(image: Image.Image, wanted: frozenset[str]) -> Samples:
    """Pixels of a Pillow image that `check` has passed; decodes it if that was not done yet."""
    said: list[str] = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        said.append(f"converted as asked: the first of {image.n_frames} pictures")  # type: ignore[attr-defined]
    # Pillow opens a photograph with a gain map as JPEG, and those with other pictures behind them as MPO.
    if "mp" in image.info and (getattr(image, "n_frames", 1) > 1 or b"hdrgm:" in image.info.get("xmp", b"")):
        said.append("not kept: the other pictures behind the photograph (a gain map, a preview, a second eye)")
    bits, raw, whole = _bits_cut(image), _raw_mode(image), _is_whole_ppm(image)
    image.load()
    if bits:
        said.append(f"converted as asked: {bits} a sample became 8")
    if image.mode == "L" and raw in ("L;2", "L;4"):
        said.append(f"grey of {raw[2]} bits is kept as grey of 8 bits, exactly")
    mode, transparent = image.mode, image.info.get("transparency")
    if mode in ("P", "PA"):
        alpha = mode == "PA" or transparent is not None
        said.append("the palette is not kept; its colours are, exactly" + (", and its transparency" if alpha else ""))
        image, transparent = image.convert("RGBA" if alpha else "RGB"), None
    elif mode.startswith("I;16") and mode != "I;16":
        image = image.convert("I;16") if mode != "I;16B" else image
    elif mode in _SCALED and whole:
        return Samples(np.asarray(image).astype(np.uint16)[..., None], False, ())
    elif mode in _SCALED:
        said.append(f"converted as asked: {_SCALED[mode]}")
        return Samples(conversion.to_8_bits(np.asarray(image))[..., None], False, tuple(said))
    elif mode not in _KEPT:
        target = "RGBA" if mode == "RGBa" else "RGB"
        said.append(f"converted as asked: {mode} became {target}")
        image = _profiled(image) if mode == "CMYK" else image.convert(target)
    if image.mode == "1" and transparent is None:
        return Samples(np.where(np.asarray(image), np.uint8(255), np.uint8(0))[..., None], True, tuple(said))
    pixels = np.asarray(image.convert("L") if image.mode == "1" else image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        pixels = pixels.astype(np.uint16)
    if transparent is not None and pixels.shape[2] in (1, 3):
        pixels = with_transparent_colour(pixels, transparent, {"1": 255, "L;2": 85, "L;4": 17}.get(raw, 1))
        said.append("the transparent colour is kept as an alpha plane")
    return Samples(pixels, False, tuple(said))


def with_transparent_colour(pixels: np.ndarray, colour: Any, scale: int = 1) -> np.ndarray:
    """An alpha plane that is 0 where pixels have this colour, given in units of `scale`."""
    key = np.asarray(colour).reshape(-1) * scale
    hidden = (pixels == key).all(axis=2, keepdims=True) if key.size in (1, pixels.shape[2]) else np.zeros(1, bool)
    alpha = np.where(hidden, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)
    return np.concatenate([pixels, np.broadcast_to(alpha, (*pixels.shape[:2], 1))], axis=2)


def image_of(pixels: np.ndarray, bilevel: bool) -> Image.Image:
    """A Pillow image of mode 1, L, LA, RGB, RGBA or I;16, whose pixels are a copy.

    errors   UnsupportedMode for 16 bits and several planes, which Pillow has no mode for
    """
    from PIL import Image

    planes = pixels.shape[2]
    if pixels.dtype == np.uint16 and planes > 1:
        raise refusal(f"{planes} planes of 16 bits as a Pillow image", "8bit", "8 of 16 bits are lost")
    image = Image.fromarray(pixels[..., 0] if planes == 1 else pixels)
    return image.convert("1", dither=Image.Dither.NONE) if bilevel else image


def _raw_mode(image: Image.Image) -> str:
    """How samples stand in the file, where Pillow says it before it decodes."""
    tiles = getattr(image, "tile", None)
    return str(tiles[0][3]) if tiles else ""


def _is_whole_ppm(image: Image.Image) -> bool:
    """Whether 32-bit integers of Pillow's are the 16 bits of a PPM file, untouched."""
    for decoder, _, _, args in getattr(image, "tile", None) or ():
        return image.mode == "I" and (args == "I;16B" or (decoder == "ppm_plain" and args == ("L", 65535)))
    return False


def _bits_cut(image: Image.Image) -> str:
    """What Pillow would cut to 8 bits without a word, or nothing."""
    for tile in getattr(image, "tile", None) or ():
        decoder, args = tile[0], tile[3]
        words = args if isinstance(args, (tuple, list)) else (args,)
        if any(isinstance(word, str) and word.startswith(_WIDE_RAW_MODES) for word in words):
            return "16 bits"
        if decoder in ("ppm", "ppm_plain") and image.mode in ("RGB", "L") and words[-1] != 255:
            return f"samples 0..{words[-1]}"
    return ""


def _profiled(image: Image.Image) -> Image.Image:
    """CMYK as sRGB by the picture's own profile, or by Pillow's rule of thumb where there is none that works."""
    profile = image.info.get("icc_profile")
    if profile:
        import io

        from PIL import ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            found = None
        if found is not None:
            found.info = {name: value for name, value in image.info.items() if name != "icc_profile"}
            return found
    return image.convert("RGB")
