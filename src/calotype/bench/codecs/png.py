"""PNG by Pillow, with its optimiser; and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version, pillow_pixels, pillow_saved

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Png(Adapter):
    """No dial."""

    family: str = "png"
    module: str = "PIL"
    package: str = "pillow"

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        return pillow_saved(pixels, "PNG", optimize=True)

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return pillow_pixels(data, "PNG")

    def _version(self) -> str:
        from PIL import features

        return f"Pillow {package_version('pillow')}, zlib {features.version('zlib')}"

    def _settings(self) -> str:
        return "optimize=True"


CODECS = (Png(name="png", title="PNG", lossless=True),)
