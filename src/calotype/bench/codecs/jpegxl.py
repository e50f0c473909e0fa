"""JPEG XL by libjxl in imagecodecs, lossy and lossless, at efforts 7 and 9; and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.imagecodecs_call import MODULE, call, library_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class JpegXl(Adapter):
    """Level: libjxl's distance, where less is better."""

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


def _variants() -> Iterator[JpegXl]:
    levels = (14.5, 9.0, 6.0, 4.0, 2.7, 1.8, 1.2, 0.8, 0.5)
    for effort in (7, 9):
        said = {"family": "jpegxl", "effort": effort, **MODULE}
        yield JpegXl(
            name=f"jpegxl-e{effort}",
            title=f"JPEG XL, effort {effort}",
            levels=levels if effort == 7 else (14.5, 6.0, 4.0, 2.7, 1.8, 1.2, 0.8),
            **said,
        )
    for effort in (7, 9):
        said = {"family": "jpegxl", "effort": effort, **MODULE}
        yield JpegXl(
            name=f"jpegxl-e{effort}-lossless", title=f"JPEG XL, lossless, effort {effort}", lossless=True, **said
        )


CODECS = tuple(_variants())
