"""JPEG-LS by CharLS in imagecodecs, lossless; and nothing else. CharLS applies no colour transform to RGB here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.imagecodecs_call import call, library_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class JpegLs(Adapter):
    """No dial."""

    family: str = "jpegls"
    module: str = "imagecodecs"
    package: str = "imagecodecs"
    largest: int = 65535

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        return call("jpegls_encode", pixels)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return call("jpegls_decode", data)

    def _version(self) -> str:
        return library_version("jpegls")

    def _settings(self) -> str:
        return "lossless, no colour transform"


CODECS = (JpegLs(name="jpegls", title="JPEG-LS", lossless=True),)
