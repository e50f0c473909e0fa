"""HEVC intra 4:4:4 10 bit by x265 through FFmpeg, the installable row nearest to BPG; and nothing else. HEIC: heic.py."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.bench.codecs.ffmpeg import Intra

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class X265(Intra):
    """Level: the constant quantiser, 51 coarsest; ipratio=1, since x265 takes 3 off it for intra frames otherwise."""

    def _options(self, level: float, threads: int) -> list[str]:
        # info=0 leaves out two kilobytes of text; a pool of one keeps the bytes equal for any number of threads.
        fixed = "ipratio=1:keyint=1:aq-mode=0:info=0:frame-threads=1:log-level=error"
        return ["-preset", "slow", "-x265-params", f"qp={round(level)}:pools={threads}:{fixed}"]

    def _settings(self) -> str:
        return "libx265, preset slow, qp=LEVEL, ipratio=1, aq-mode=0, keyint=1, 4:4:4 10 bit, BT.709 limited range"


CODECS = (
    X265(
        name="x265-444-10b",
        family="hevc",
        title="HEVC intra 4:4:4 10 bit (x265, constant quantiser)",
        levels=(47, 42, 37, 32, 27, 22),
        encoder="libx265",
        stream="hevc",
        sampling="yuv444p10le",
    ),
)
