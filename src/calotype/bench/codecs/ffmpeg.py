"""One intra frame through the FFmpeg program of the package imageio-ffmpeg, pixels and bytes in pipes; codecs elsewhere.

The streams are raw: no container, so a size must be one that the stream itself can say. swscale converts between RGB
and BT.709 Y'CbCr of limited range. Its default rounding and chroma upsampling lose 0.17 dB at 28 dB when decoding
4:2:0 (measured with VVC on six Kodak pictures), hence FLAGS.
"""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import EXTRA, Adapter, package_version
from calotype.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Intra"]

FLAGS = "accurate_rnd+full_chroma_int"


@dataclass(frozen=True, kw_only=True)
class Intra(Adapter):
    """A video encoder for one frame. Each call starts the program, about 0.1 s; its memory is not this process's.

    encoder  FFmpeg's name of it;  stream  of the raw format;  sampling  of the frame
    """

    module: str = "imageio_ffmpeg"
    package: str = "imageio-ffmpeg"
    least: int = 16
    encoder: str
    stream: str
    sampling: str

    def require(self) -> None:
        """The package may use a system's program that was built without this encoder."""
        super().require()
        if self.encoder not in _encoders():
            raise ExtraMissing(f"{self.title} (no {self.encoder} in this FFmpeg)", package=self.package, extra=EXTRA)

    def describe(self) -> dict[str, str]:
        """See protocol.Codec.describe."""
        note = "raw stream, no container; every call starts a program, whose memory is not counted"
        return super().describe() | {"note": note}

    def _options(self, level: float, threads: int) -> list[str]:
        raise NotImplementedError

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        height, width = pixels.shape[:2]
        given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-"]
        matrix = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", self.sampling]
        coded = ["-c:v", self.encoder, *self._options(level, threads), "-threads", str(threads)]
        return _run([*given, *matrix, *coded, "-f", self.stream, "-"], pixels.tobytes())

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        import numpy as np
        from PIL import Image

        given = ["-threads", str(threads), "-f", self.stream, "-i", "-", "-frames:v", "1"]
        matrix = ["-vf", f"scale=in_color_matrix=bt709:in_range=tv:flags={FLAGS}", "-pix_fmt", "rgb24"]
        frame = _run([*given, *matrix, "-f", "image2pipe", "-c:v", "ppm", "-"], data)
        return np.asarray(Image.open(io.BytesIO(frame), formats=["PPM"]))

    def _version(self) -> str:
        said = _run(["-version"], b"").decode(errors="replace").split()
        return f"imageio-ffmpeg {package_version(self.package)}, FFmpeg {said[2] if len(said) > 2 else 'unknown'}"


def _program() -> str:
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


@cache
def _encoders() -> frozenset[str]:
    """Names of the encoders that the program has; none where there is no program."""
    try:
        said = _run(["-encoders"], b"").decode(errors="replace")
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(words[1] for words in (line.split() for line in said.splitlines()) if len(words) > 1)


def _run(arguments: list[str], data: bytes) -> bytes:
    """What the program writes; RuntimeError with the last line it says if it fails."""
    command = [_program(), "-hide_banner", "-loglevel", "error", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode or (data and not done.stdout):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(said[-1] if said else f"the program ended with {done.returncode}")
    return done.stdout
