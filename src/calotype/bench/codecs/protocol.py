"""What the benchmark asks of a codec; each codec has a file of its own beside this one, registry.py knows them by name.

Ours is one of them without privilege: pixels go in, the bytes of a whole file come out, and only those are decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Codec"]


@runtime_checkable
class Codec(Protocol):
    """An encoder with its settings, and the decoder for its files.

    name      on the command line and in rows: "avif-444-psnr", "jpeg-420", "swift"; unique
    family    what belongs together in colour and in lists: "avif", "jpeg", "calotype"
    title     what people read: "AVIF 4:4:4, tuned for PSNR, speed 6"
    lossless  whether decoded pixels must equal the original's
    levels    settings of the codec's own dial, from the smallest file to the best picture; lossless: (0.0,)
    """

    @property
    def name(self) -> str: ...

    @property
    def family(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def lossless(self) -> bool: ...

    @property
    def levels(self) -> tuple[float, ...]: ...

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        """The bytes of a whole file.

        pixels   uint8 [h, w, 3], RGB
        level    one of the dial; those of `levels` are what the benchmark uses
        threads  how many the library may use, where it can be told; the bytes may depend on it (AVIF)
        errors   UnsupportedError for a size the format can't hold, or where the library gives up; UsageError (level)
        """
        ...

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        """The pixels of such a file, uint8 [h, w, 3].

        errors   CorruptError where the library refuses the bytes
        """
        ...

    def describe(self) -> dict[str, str]:
        """What somebody needs who wants to repeat it: "library", "version", "settings", and what else is worth a note."""
        ...
