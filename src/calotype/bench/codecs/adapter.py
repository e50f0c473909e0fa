"""What the codecs of other people's libraries share: absent packages, sizes, typed errors; no library is called here.

A codec is a frozen dataclass of settings with `_encode` and `_decode`. Nothing heavy is imported before they run.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from calotype.errors import CalotypeError, CorruptError, ExtraMissing, UnsupportedError, UsageError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["EXTRA", "Adapter", "installed", "package_version", "pillow_pixels", "pillow_saved"]

EXTRA = "bench"


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A codec of a library; see protocol.Codec.

    module   what is imported for it;  package  what pip calls that
    largest  the longest side the format or library can hold, in pixels; 0: no limit that matters here
    least    the shortest side likewise;  multiple  what sides must be multiples of
    """

    name: str
    family: str
    title: str
    levels: tuple[float, ...] = (0.0,)
    lossless: bool = False
    module: str
    package: str
    largest: int = 0
    least: int = 1
    multiple: int = 1

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        """See protocol.Codec.encode."""
        self.require()
        if pixels.dtype.name != "uint8" or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise UsageError("pixels", value=f"{pixels.dtype} {list(pixels.shape)}", allowed="uint8 [h, w, 3]")
        if threads < 1:
            raise UsageError("threads", value=threads, allowed="1 and above")
        height, width = pixels.shape[:2]
        short, long = min(height, width), max(height, width)
        if short < self.least or long > (self.largest or long) or height % self.multiple or width % self.multiple:
            steps = f", multiples of {self.multiple}" if self.multiple > 1 else ""
            sides = f"sides of {self.least} to {self.largest or 'any number of'} pixels{steps}"
            raise UnsupportedError(f"{self.title}: picture size", found=f"{width}x{height}", supported=sides)
        try:
            return bytes(self._encode(pixels, level, threads))
        except (CalotypeError, MemoryError):
            raise
        except Exception as exc:  # each library has classes of its own
            said = f"a picture its library takes ({type(exc).__name__}: {exc})"
            raise UnsupportedError(f"{self.title}: picture", found=f"{width}x{height}", supported=said) from exc

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        """See protocol.Codec.decode."""
        self.require()
        try:
            return self._decode(data, threads)
        except (CalotypeError, MemoryError):
            raise
        except Exception as exc:
            raise CorruptError(
                f"file of {self.title}", found=data[:16], expected="what its library reads", hint=str(exc)
            ) from exc

    def describe(self) -> dict[str, str]:
        """See protocol.Codec.describe."""
        self.require()
        return {"library": self.package, "version": self._version(), "settings": self._settings()}

    def require(self) -> None:
        """Raise ExtraMissing with the command that installs what this codec needs."""
        if not installed(self.module):
            raise ExtraMissing(self.title, package=self.package, extra=EXTRA)

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        raise NotImplementedError

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        raise NotImplementedError

    def _version(self) -> str:
        return package_version(self.package)

    def _settings(self) -> str:
        raise NotImplementedError


@cache
def installed(module: str) -> bool:
    """Whether a package could be imported; it is not."""
    return find_spec(module) is not None


def package_version(package: str) -> str:
    """What pip says, or "unknown"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def pillow_saved(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    """A file in memory, by Pillow."""
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind, **options)
    return target.getvalue()


def pillow_pixels(data: bytes, kind: str) -> np.ndarray:
    """uint8 [h, w, 3] of a file in memory, read as this format and no other."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        return np.asarray(opened.convert("RGB"))
