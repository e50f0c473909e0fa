"""How far a decoded picture is from its original, and how two codecs compare; torch-free, no codec is known here.

registry     measure(names, original, decoded), NAMES, get, check: every metric by name
distortion   mse, psnr, psnr_y, max_error      structure   ssim, ms_ssim        sizes    bpp, compression_ratio
ssimulacra2  ssimulacra2                       hvs         psnr_hvs, psnr_hvs_m  (package psnr-hvsm)
bjontegaard  bd_rate, bd_quality               vmaf        vmaf  (FFmpeg of imageio-ffmpeg)

Definitions: docs/metrics.md. Importing loads NumPy and nothing else; SciPy and FFmpeg come with the first call that
needs them.
"""

from __future__ import annotations

from calotype.metrics.bjontegaard import METHOD as BD_METHOD
from calotype.metrics.bjontegaard import BDQuality, BDRate, bd_quality, bd_rate
from calotype.metrics.distortion import max_error, mse, psnr, psnr_y
from calotype.metrics.registry import NAMES, Measured, Metric, available, check, describe, get, measure
from calotype.metrics.sizes import bpp, compression_ratio, space_saving
from calotype.metrics.structure import ms_ssim, ms_ssim_db, ssim

__all__ = [
    "BD_METHOD",
    "NAMES",
    "BDQuality",
    "BDRate",
    "Measured",
    "Metric",
    "available",
    "bd_quality",
    "bd_rate",
    "bpp",
    "check",
    "compression_ratio",
    "describe",
    "get",
    "max_error",
    "measure",
    "ms_ssim",
    "ms_ssim_db",
    "mse",
    "psnr",
    "psnr_y",
    "space_saving",
    "ssim",
]
