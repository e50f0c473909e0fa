"""AVIF by Pillow's libavif (aom encodes, dav1d decodes) at speed 6 and a slow one; and nothing else.

Two traps: the default subsampling is 4:2:0, and libavif's default tuning is "iq", which gives up about 3 dB of PSNR at
the same quality number for a better look. Both tunings are here; no setting of Pillow's AVIF is lossless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version, pillow_pixels, pillow_saved
from calotype.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]

SLOW = 2  # of 0 (slowest) to 10


@dataclass(frozen=True, kw_only=True)
class Avif(Adapter):
    """Level: libavif's quality. More threads give other bytes, equal pixels when decoding.

    tune   "psnr", or "" for libavif's own choice ("iq")
    """

    family: str = "avif"
    module: str = "PIL"
    package: str = "pillow"
    largest: int = 32768  # libavif writes longer sides and then refuses to read them
    subsampling: str
    speed: int
    tune: str

    def require(self) -> None:
        """Pillow has AVIF only where it was built with it; its wheels have from 11.3 on."""
        super().require()
        from PIL import features

        if not features.check("avif"):
            raise ExtraMissing(self.title, package="pillow with AVIF (its wheels from 11.3 on)", extra="bench")

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        tuning = {"advanced": {"tune": self.tune}} if self.tune else {}
        return pillow_saved(
            pixels,
            "AVIF",
            quality=round(level),
            subsampling=self.subsampling,
            speed=self.speed,
            codec="aom",
            max_threads=threads,
            **tuning,
        )

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        from PIL import AvifImagePlugin

        before, AvifImagePlugin.DEFAULT_MAX_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS, threads
        try:
            return pillow_pixels(data, "AVIF")
        finally:
            AvifImagePlugin.DEFAULT_MAX_THREADS = before

    def _version(self) -> str:
        from PIL import features

        return f"Pillow {package_version('pillow')}, libavif {features.version('avif')}"

    def _settings(self) -> str:
        tuning = f"advanced={{'tune': '{self.tune}'}}" if self.tune else "default tuning (iq)"
        return f"quality=LEVEL, subsampling={self.subsampling}, speed={self.speed}, codec=aom, {tuning}"


def _variants() -> Iterator[Avif]:
    for subsampling in ("4:4:4", "4:2:0"):
        for tune, levels in (("", (10, 20, 32, 45, 58, 70, 80, 88, 94)), ("psnr", (3, 10, 22, 35, 48, 60, 72, 82, 90))):
            for speed in (6, SLOW):
                parts = ["avif", subsampling.replace(":", ""), tune, "slow" if speed == SLOW else ""]
                yield Avif(
                    name="-".join(filter(None, parts)),
                    title=f"AVIF {subsampling}{', tuned for PSNR' if tune else ''}, speed {speed}",
                    levels=levels if speed == 6 else levels[1::2] + levels[-1:],
                    subsampling=subsampling,
                    speed=speed,
                    tune=tune,
                )


CODECS = tuple(_variants())
