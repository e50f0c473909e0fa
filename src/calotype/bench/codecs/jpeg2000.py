"""JPEG 2000 by Pillow's OpenJPEG: 9/7 at a target rate, 5/3 lossless, and two variants of its wavelet; nothing else.

Pillow's defaults are 5/3 without a colour transform (mct=0), which is far worse at every rate: both are always said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version, pillow_pixels, pillow_saved

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Jpeg2000(Adapter):
    """Level: bits per pixel; OpenJPEG takes the ratio to 24 bits and comes within 3 % of it, hardly ever above.

    reversible    the 5/3 filter where 9/7 is usual
    resolutions   of the wavelet, one more than levels; None: OpenJPEG's own number, 6
    """

    reversible: bool = False
    resolutions: int | None = None

    family: str = "jpeg2000"
    module: str = "PIL"
    package: str = "pillow"

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        if self.lossless:
            return pillow_saved(pixels, "JPEG2000", irreversible=False, mct=1, **self._levels(pixels))
        rate = {"quality_mode": "rates", "quality_layers": [24 / level]}
        return pillow_saved(pixels, "JPEG2000", irreversible=not self.reversible, mct=1, **rate, **self._levels(pixels))

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        return pillow_pixels(data, "JPEG2000")

    def _version(self) -> str:
        from PIL import features

        return f"Pillow {package_version('pillow')}, OpenJPEG {features.version('jpg_2000')}"

    def _settings(self) -> str:
        if self.lossless:
            return "irreversible=False (5/3), mct=1"
        filters = "irreversible=False (5/3)" if self.reversible else "irreversible=True (9/7)"
        levels = "" if self.resolutions is None else f", num_resolutions={self.resolutions}"
        return f"quality_mode=rates, quality_layers=[24/LEVEL], {filters}, mct=1{levels}"

    def _levels(self, pixels: np.ndarray) -> dict[str, int]:
        """OpenJPEG refuses more wavelet levels than the picture can be halved; its own number is 6 resolutions."""
        least = min(pixels.shape[:2])
        if least < 32:
            return {"num_resolutions": min(least.bit_length(), self.resolutions or 6)}
        return {} if self.resolutions is None else {"num_resolutions": self.resolutions}


_RATES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)

CODECS = (
    Jpeg2000(name="jpeg2000", title="JPEG 2000", levels=_RATES),
    Jpeg2000(name="jpeg2000-53", title="JPEG 2000, 5/3", levels=_RATES, reversible=True),
    Jpeg2000(name="jpeg2000-2levels", title="JPEG 2000, two wavelet levels", levels=_RATES, resolutions=3),
    Jpeg2000(name="jpeg2000-lossless", title="JPEG 2000, lossless", lossless=True),
)
