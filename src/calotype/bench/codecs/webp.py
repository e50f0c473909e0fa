"""WebP by Pillow's libwebp, lossy and lossless, at its slowest method; and nothing else. Lossy WebP is always 4:2:0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version, pillow_pixels, pillow_saved

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Webp(Adapter):
    """Level: libwebp's quality; lossless: its effort is 100. Pillow offers no threads."""

    family: str = "webp"
    module: str = "PIL"
    package: str = "pillow"
    largest: int = 16383

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        if self.lossless:
            return pillow_saved(pixels, "WEBP", lossless=True, quality=100, method=6)
        return pillow_saved(pixels, "WEBP", quality=level, method=6)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return pillow_pixels(data, "WEBP")

    def _version(self) -> str:
        from PIL import features

        return f"Pillow {package_version('pillow')}, libwebp {features.version('webp')}"

    def _settings(self) -> str:
        return "lossless=True, quality=100, method=6" if self.lossless else "quality=LEVEL, method=6"


CODECS = (
    Webp(name="webp", title="WebP", levels=(1, 5, 15, 35, 60, 78, 88, 94, 97)),
    Webp(name="webp-lossless", title="WebP, lossless", lossless=True),
)
