"""JPEG by Pillow's libjpeg-turbo, with and without chroma subsampling, optimised and progressive; and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version, pillow_pixels, pillow_saved

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Jpeg(Adapter):
    """subsampling   "4:2:0" or "4:4:4"; Pillow's default depends on its release, so it is always said"""

    family: str = "jpeg"
    module: str = "PIL"
    package: str = "pillow"
    largest: int = 65500
    subsampling: str

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        return pillow_saved(
            pixels, "JPEG", quality=round(level), subsampling=self.subsampling, optimize=True, progressive=True
        )

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return pillow_pixels(data, "JPEG")

    def _version(self) -> str:
        from PIL import features

        return f"Pillow {package_version('pillow')}, libjpeg-turbo {features.version('libjpeg_turbo')}"

    def _settings(self) -> str:
        return f"quality=LEVEL, subsampling={self.subsampling}, optimize, progressive"


CODECS = (
    Jpeg(
        name="jpeg-420",
        title="JPEG 4:2:0",
        levels=(5, 12, 25, 40, 60, 75, 87, 93, 96),
        subsampling="4:2:0",
    ),
    Jpeg(
        name="jpeg-444",
        title="JPEG 4:4:4",
        levels=(5, 12, 25, 40, 60, 75, 85, 92, 95),
        subsampling="4:4:4",
    ),
)
