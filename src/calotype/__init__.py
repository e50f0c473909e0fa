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
    import numpy as np

    from calotype.codec import Info, Report
    from calotype.model.store import Entry
    from calotype.picture import Picture, PictureLike

__all__ = ["Limits", "Picture", "decode", "encode", "info", "models", "verify"]

__version__ = "0.1.0"


def encode(picture: PictureLike, *, quality: float = 60.0, model: str = "swift", threads: int | None = None) -> bytes:
    """The bytes of a .calo file.

    picture   NumPy array uint8 [h, w, 3], Pillow image of mode RGB (its EXIF, ICC and XMP are kept), or Picture
    quality   1 (smallest) to 100 (best)
    model     name of an installed model (calotype.models()), or the first digits of its identity
    threads   how many to use, all by default; the bytes never depend on it
    errors    UnsupportedMode if the picture is not 8-bit RGB, ModelError if the model is not there, UsageError
    """
    from calotype import codec
    from calotype.model import store
    from calotype.picture import Picture

    return codec.encode(Picture.of(picture), store.find(model), quality=quality, threads=threads)


def decode(
    data: bytes,
    *,
    region: tuple[int, int, int, int] | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    threads: int | None = None,
) -> np.ndarray:
    """The pixels of a .calo file, uint8 [h, w, 3].

    region    left, top, right, bottom in pixels: only that rectangle is decoded
    limits    what the file may cost, see calotype.Limits
    threads   how many to use, all by default; the pixels never depend on it
    errors    FormatError (CorruptError, TruncatedError), UnsupportedError, LimitError, ModelError, UsageError
    """
    from calotype import codec

    return codec.decode(data, limits=limits, region=region, threads=threads).pixels


def info(data: bytes) -> Info:
    """What a .calo file says of itself, read from its header: size, model, quality, tiles, metadata."""
    from calotype import codec

    return codec.info(data)


def verify(data: bytes) -> Report:
    """Check every checksum and every latent hash of a .calo file, without making pixels of it."""
    from calotype import codec

    return codec.verify(data)


def models() -> tuple[Entry, ...]:
    """The models that are installed, each with its name, identity, licence and file."""
    from calotype.model import store

    return store.installed()


def __getattr__(name: str) -> Any:
    """`calotype.Picture`, brought when it is first asked for: it needs NumPy."""
    if name == "Picture":
        from calotype.picture import Picture

        return Picture
    raise AttributeError(f"module 'calotype' has no attribute {name!r}")
