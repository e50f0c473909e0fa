"""VVC intra by VVenC through FFmpeg: 4:2:0 10 bit, all that library takes, so its luma says more than its RGB."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.bench.codecs.ffmpeg import Intra

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Vvenc(Intra):
    """Level: the quantiser; perceptual adaptation off, which would lower PSNR."""

    def _options(self, level: float, threads: int) -> list[str]:
        return ["-preset", "medium", "-qp", str(round(level)), "-qpa", "0"]

    def _settings(self) -> str:
        return "libvvenc, preset medium, qp=LEVEL, qpa=0, 4:2:0 10 bit, BT.709 limited range"


CODECS = (
    Vvenc(
        name="vvc-420",
        family="vvc",
        title="VVC intra 4:2:0 10 bit (VVenC)",
        levels=(47, 42, 37, 32, 27, 22),
        encoder="libvvenc",
        stream="vvc",
        sampling="yuv420p10le",
        multiple=2,
    ),
)
