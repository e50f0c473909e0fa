"""JPEG XR by jxrlib in imagecodecs, lossy and lossless; and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.imagecodecs_call import call, library_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class JpegXr(Adapter):
    """Level: jxrlib's quality from 0 to 1, which is lossless."""

    family: str = "jpegxr"
    module: str = "imagecodecs"
    package: str = "imagecodecs"

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        return call("jpegxr_encode", pixels, level=1.0 if self.lossless else level)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return call("jpegxr_decode", data)

    def _version(self) -> str:
        return library_version("jpegxr")

    def _settings(self) -> str:
        return f"level={'1.0' if self.lossless else 'LEVEL'}"


CODECS = (
    JpegXr(name="jpegxr", title="JPEG XR", levels=(0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)),
    JpegXr(name="jpegxr-lossless", title="JPEG XR, lossless", lossless=True),
)
