"""One picture as the command line asks for it: bytes and settings in, bytes and what to say of them out. No file here.

`settings` is the plain dictionary of the options of `calotype encode` or `decode`, each by its name; an option that is
absent or None means its default. Single files, folders, buckets and clusters all come through here, so that an option
is understood in one place only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calotype.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from calotype.picture import Picture

__all__ = ["Coded", "decode_bytes", "encode_bytes", "limits_of", "picture_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """What became of one picture.

    data       a whole file: .calo when encoding, a picture file of the wanted kind when decoding
    notes      what people should know, one sentence each: what was left out, where coding fell back
    left_out   of them, what the source had and `data` has not: a reason to keep the original
    """

    data: bytes
    width_px: int
    height_px: int
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def encode_bytes(data: bytes, settings: Mapping[str, Any], say: Callable[[str], None] | None = None) -> Coded:
    """The .calo file of a picture file's bytes.

    settings   quality (60), lossless, or one of size, bpp, psnr, ms_ssim, ssimulacra2 (with best_effort); convert and
               strip (names with commas), check (True), model ("swift"), threads (all processors), max_pixels;
               effort (0; 4 for a model that is fitted to each picture)
    say        is told what a picture that is fitted is at
    raises     FormatError, UnsupportedError, LimitError, ModelError, UsageError, TargetMissed
    """
    from calotype import making
    from calotype.model import store
    from calotype.rates import Target

    picture, lossless = picture_of(data, settings), bool(settings.get("lossless"))
    made = making.make(
        picture,
        None if lossless else store.find(settings.get("model") or "swift"),
        target=Target.of(**{name: settings.get(name) for name in ("size", "bpp", "psnr", "ms_ssim", "ssimulacra2")}),
        best_effort=bool(settings.get("best_effort")),
        quality=settings.get("quality") or 60.0,
        lossless=lossless,
        effort=settings.get("effort"),
        check=settings.get("check") is not False,
        threads=settings.get("threads"),
        say=say,
    )
    lost = tuple(picture.left_out)
    width_px, height_px = picture.width_px, picture.height_px
    return Coded(data=made.data, width_px=width_px, height_px=height_px, notes=(*lost, *made.notes), left_out=lost)


def picture_of(data: bytes, settings: Mapping[str, Any]) -> Picture:
    """The picture that is going to be encoded: what the file holds, converted and stripped as the settings say."""
    from calotype import formats

    limits = limits_of(settings.get("max_pixels"))
    picture = formats.read(data, limits=limits, convert=settings.get("convert"))
    return _stripped(picture, settings)


def _stripped(picture: Picture, settings: Mapping[str, Any]) -> Picture:
    """Without the metadata that the settings name."""
    names = settings.get("strip")
    if not names:
        return picture
    return picture.stripped() if "all" in names.split(",") else picture.stripped(names.split(","))


def decode_bytes(data: bytes, settings: Mapping[str, Any]) -> Coded:
    """The picture file of a .calo file's bytes.

    settings   suffix (".png"), region (left, top, right, bottom in pixels), convert, strip, threads, max_pixels
    raises     FormatError, UnsupportedError, LimitError, ModelError, UsageError
    """
    from calotype import codec, formats
    from calotype.picture import Picture

    limits = limits_of(settings.get("max_pixels"))
    picture = codec.decode(data, limits=limits, region=settings.get("region"), threads=settings.get("threads"))
    picture = Picture.of(picture, convert=settings.get("convert"))
    picture = _stripped(picture, settings)
    written, lost = formats.write(picture, settings.get("suffix") or ".png")
    return Coded(
        data=written,
        width_px=picture.width_px,
        height_px=picture.height_px,
        notes=(*picture.left_out, *lost),
        left_out=lost,
    )


def limits_of(max_pixels: int | None) -> Limits:
    """The default limits, with another bound on pixels (and, four planes each, on samples) if one is given."""
    if max_pixels is None:
        return DEFAULT
    return Limits(max_pixels=max_pixels, max_samples=max(DEFAULT.max_samples, 4 * max_pixels))
