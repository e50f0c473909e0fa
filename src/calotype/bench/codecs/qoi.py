"""QOI in imagecodecs, lossless: what a very fast and very simple codec reaches; and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.imagecodecs_call import call, library_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Qoi(Adapter):
    """No dial."""

    family: str = "qoi"
    module: str = "imagecodecs"
    package: str = "imagecodecs"

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        return call("qoi_encode", pixels)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return call("qoi_decode", data)

    def _version(self) -> str:
        return library_version("qoi")

    def _settings(self) -> str:
        return "no options"


CODECS = (Qoi(name="qoi", title="QOI", lossless=True),)
