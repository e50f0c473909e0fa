"""VMAF of still pictures through libvmaf in the FFmpeg that imageio-ffmpeg carries; a program of its own, no files."""

from __future__ import annotations

import re
import subprocess

import numpy as np

from calotype.errors import CalotypeError, ExtraMissing
from calotype.metrics.distortion import LUMA_THOUSANDTHS, check_pair

__all__ = ["MODEL", "vmaf"]

MODEL = "vmaf_v0.6.1"  # libvmaf's default; named, so that another default can't change scores silently

_LINE = re.compile(rb"VMAF score: (-?[0-9.]+)")
_SECONDS = 600


def vmaf(a: np.ndarray, b: np.ndarray) -> float:
    """VMAF of an original `a` and its decoded copy `b`, uint8 [h, w, 3]: 0 to 100, about 97 to 100 if equal.

    One frame, so the motion term is zero; VMAF was trained on video and this is the usual reading for stills. It looks
    at luma only: BT.601 in limited range (16 to 235), as video has it, rounded to 8 bit.

    errors   ExtraMissing without imageio-ffmpeg; CalotypeError with FFmpeg's last line if it refuses
    """
    check_pair(a, b)
    height, width = a.shape[:2]
    # Both pictures in one frame, one above the other: FFmpeg then reads a single pipe, and no file is written.
    frame = np.full((3, 2 * height, width), 128, np.uint8)
    frame[0] = _limited_luma(np.concatenate([a, b]))
    graph = (
        f"split[x][y];[x]crop={width}:{height}:0:0[a];[y]crop={width}:{height}:0:{height}[b];"
        f"[b][a]libvmaf=model='version={MODEL}':n_threads=1"
    )
    size = ["-s", f"{width}x{2 * height}"]
    command = ["-hide_banner", "-nostats", "-threads", "1", "-f", "rawvideo", "-pix_fmt", "yuv444p", *size]
    command = [_program(), *command, "-i", "-", "-lavfi", graph, "-f", "null", "-"]
    run = subprocess.run(command, input=frame.tobytes(), capture_output=True, timeout=_SECONDS, check=False)
    found = _LINE.search(run.stderr)
    if run.returncode or not found:
        said = run.stderr.decode(errors="replace").strip().splitlines()
        raise CalotypeError(f"FFmpeg gave no VMAF score: {said[-1] if said else f'exit code {run.returncode}'}")
    return float(found.group(1))


def _limited_luma(pixels: np.ndarray) -> np.ndarray:
    """Luma [h, w] of pixels [h, w, 3], both uint8, from 16 to 235."""
    return np.rint(16 + pixels @ (np.array(LUMA_THOUSANDTHS) * (219 / 255000))).astype(np.uint8)


def _program() -> str:
    """The path of FFmpeg."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ExtraMissing("VMAF", package="imageio-ffmpeg", extra="bench") from error
    return imageio_ffmpeg.get_ffmpeg_exe()
