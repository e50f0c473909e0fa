"""Calotype: learned image compression that decodes to the same latents on every machine.

    data = calotype.encode(array_or_pillow_image, quality=60)
    array = calotype.decode(data)

Only names live here. Importing this loads neither NumPy, Pillow, onnxruntime nor torch:
each function brings what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calotype.limits import DEFAULT as _DEFAULT_LIMITS
from calotype.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from calotype.codec import Info, Report
    from calotype.model.store import Entry
    from calotype.picture import Picture, PictureLike
    from calotype.rates import Target

__all__ = ["Limits", "Picture", "Target", "decode", "encode", "info", "models", "verify"]

__version__ = "0.1.0"


def encode(
    picture: PictureLike,
    *,
    quality: float | None = None,
    size: int | None = None,
    bpp: float | None = None,
    psnr: float | None = None,
    ms_ssim: float | None = None,
    ssimulacra2: float | None = None,
    target: Target | None = None,
    best_effort: bool = False,
    lossless: bool = False,
    convert: str | Iterable[str] | None = None,
    check: bool = True,
    model: str = "swift",
    effort: int | None = None,
    threads: int | None = None,
) -> bytes:
    """The bytes of a .calo file of a quality, or of a size, a rate or a measured quality: one of the seven; or exact.

    picture   NumPy array, uint8 or uint16, [h, w] grey or [h, w, planes] with 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, or
              bool [h, w]; Pillow image (its EXIF, ICC and XMP are kept); or Picture
    quality   1 (smallest) to 100 (best); 60 if nothing is said. Alpha is always exact
    size      at most so many bytes; bpp: bits per pixel of the whole file
    psnr      dB; ms_ssim: below 1, or dB; ssimulacra2: points. Each is measured on the decoded picture
    target    the same as a value: calotype.Target("psnr", 40)
    best_effort  the nearest file there is where a target is missed, instead of TargetMissed
    lossless  every sample comes back exactly, and no quality is asked for; the only way for 16 bits
    convert   what may be changed where a picture can't be coded as it is: "rgb", "rgba", "grey", "8bit", "first-frame",
              several with commas between them (docs/pictures.md)
    check     decode what was written; code exactly or at a higher rate where the model is worse than it promises
    model     name of an installed model (calotype.models()), or the first digits of its identity
    effort    0 to 9: more time for smaller files that decode as fast. 0 by default, 3 for models that are fitted to each
              picture (bespoke); docs/speed.md has what each step brings and costs
    threads   how many to use, all by default; the bytes never depend on it
    errors    UnsupportedMode if the picture would have to be changed, ModelError if the model is not there, UsageError
    """
    from calotype import making
    from calotype.errors import UsageError
    from calotype.model import store
    from calotype.picture import Picture

    given = Picture.of(picture, convert=convert)
    measured = {"size": size, "bpp": bpp, "psnr": psnr, "ms_ssim": ms_ssim, "ssimulacra2": ssimulacra2}
    asked: Target | None = None
    if target is not None or any(value is not None for value in measured.values()):
        from calotype.rates import Target

        if lossless:
            raise UsageError("lossless", value=True, allowed="without a size, a rate or a measured quality")
        asked = Target.only(quality, target, **measured)
    elif lossless and quality is not None:
        raise UsageError("quality", value=quality, allowed="none where lossless=True is asked for")
    return making.make(
        given,
        None if lossless else store.find(model),
        target=asked,
        best_effort=best_effort,
        quality=60.0 if quality is None else quality,
        lossless=lossless,
        effort=effort,
        check=check,
        threads=threads,
    ).data


def decode(
    data: bytes,
    *,
    region: tuple[int, int, int, int] | None = None,
    partial: bool = False,
    limits: Limits = _DEFAULT_LIMITS,
    threads: int | None = None,
) -> np.ndarray:
    """The pixels of a .calo file: uint8 or uint16, [h, w] for grey, else [h, w, planes]; bool [h, w] for black and white.

    The orientation is not applied; codec.decode gives the metadata with the pixels.

    region    left, top, right, bottom in pixels: only that rectangle is decoded
    partial   of an embedded file (model spiht) that ends early, the picture that there is, instead of TruncatedError
    limits    what the file may cost, see calotype.Limits
    threads   how many to use, all by default; the pixels never depend on it
    errors    FormatError (CorruptError, TruncatedError), UnsupportedError, LimitError, ModelError, UsageError
    """
    from calotype import codec

    if partial:
        from calotype import cutting

        data = cutting.mended(data, limits=limits)
    array = codec.decode(data, limits=limits, region=region, threads=threads).to_array()
    array.flags.writeable = True  # a Picture's pixels are not; this array nobody else has
    return array


def info(data: bytes) -> Info:
    """What a .calo file says of itself, read from its header: size, model, quality, tiles, metadata."""
    from calotype import codec

    return codec.info(data)


def verify(data: bytes, *, against: PictureLike | None = None) -> Report:
    """Check every checksum of a .calo file and the hash of every tile's values, without making pixels of it.

    against   the picture that the file was made of: then it is decoded, too, and compared. A lossless file must give its
              samples (CorruptError), of any other the report tells the PSNR
    """
    from calotype import codec
    from calotype.picture import Picture

    return codec.verify(data, against=None if against is None else Picture.of(against))


def models() -> tuple[Entry, ...]:
    """The models that are installed, each with its name, identity, licence and file."""
    from calotype.model import store

    return store.installed()


def __getattr__(name: str) -> Any:
    """`calotype.Picture` and `calotype.Target`, brought when they are first asked for: they need NumPy."""
    if name == "Picture":
        from calotype.picture import Picture

        return Picture
    if name == "Target":
        from calotype.rates import Target

        return Target
    raise AttributeError(f"module 'calotype' has no attribute {name!r}")
