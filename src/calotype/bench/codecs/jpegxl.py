"""JPEG XL by libjxl in imagecodecs, lossy and lossless, at efforts 7 and 9; and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.imagecodecs_call import call, library_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class JpegXl(Adapter):
    """Level: libjxl's distance, where less is better."""

    family: str = "jpegxl"
    module: str = "imagecodecs"
    package: str = "imagecodecs"
    effort: int

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        dial = {"lossless": True} if self.lossless else {"distance": level}
        return call("jpegxl_encode", pixels, effort=self.effort, numthreads=threads, **dial)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return call("jpegxl_decode", data, numthreads=threads)

    def _version(self) -> str:
        return library_version("jpegxl")

    def _settings(self) -> str:
        return f"{'lossless=True' if self.lossless else 'distance=LEVEL'}, effort={self.effort}"


CODECS = (
    JpegXl(
        name="jpegxl-e7",
        title="JPEG XL, effort 7",
        levels=(14.5, 9.0, 6.0, 4.0, 2.7, 1.8, 1.2, 0.8, 0.5),
        effort=7,
    ),
    JpegXl(name="jpegxl-e9", title="JPEG XL, effort 9", levels=(14.5, 6.0, 4.0, 2.7, 1.8, 1.2, 0.8), effort=9),
    JpegXl(name="jpegxl-e7-lossless", title="JPEG XL, lossless, effort 7", lossless=True, effort=7),
    JpegXl(name="jpegxl-e9-lossless", title="JPEG XL, lossless, effort 9", lossless=True, effort=9),
)
