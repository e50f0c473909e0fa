"""Metrics that well-kept libraries give: SSIMULACRA2, PSNR-HVS and PSNR-HVS-M; loaded when asked for, never before.

Each library has its own reading of its metric: name and version (`versions`) belong beside every score, and scores of
different implementations are never mixed. VMAF, which comes out of another program, is in vmaf.py.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import math
from typing import Any

import numpy as np

from calotype.errors import ExtraMissing
from calotype.metrics.distortion import LUMA_THOUSANDTHS, check_pair

__all__ = ["psnr_hvs", "psnr_hvs_both", "psnr_hvs_m", "ssimulacra2", "version"]


def ssimulacra2(a: np.ndarray, b: np.ndarray) -> float:
    """SSIMULACRA2 of an original `a` and its decoded copy `b`, uint8 [h, w, 3] in sRGB: 100 if equal, no lower end.

    30 is poor, 50 fair, 70 good, 90 visually lossless. The score of the package `ssimulacra2` (pure NumPy and SciPy);
    version 0.3.0 reads lower than the C++ original (cloudinary/ssimulacra2) by 0.74 in the mean over 16 pairs and by
    1.75 at most: good for ranking, not for comparison with scores of other implementations.

    errors   ExtraMissing without the package; UsageError for what is no pair of pictures
    """
    check_pair(a, b)
    compute = _package("ssimulacra2", "SSIMULACRA2").compute_ssimulacra2
    return float(compute(_as_ppm(a), _as_ppm(b)))


def psnr_hvs(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR-HVS of the luma of two pictures, uint8 [h, w, 3], in decibels; infinite if the luma is equal.

    Egiazarian and others 2006: mean squared error of 8x8 DCT coefficients, weighted by the eye's contrast sensitivity.
    The computation of the package `psnr-hvsm` on luma of BT.601 in full range, not rounded; rows and columns
    beyond a multiple of 8 px are left out. The variant of Daala and libvmaf is another metric and reads some dB higher.
    """
    return psnr_hvs_both(a, b)[0]


def psnr_hvs_m(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR-HVS-M: as `psnr_hvs`, with the masking by contrast of Ponomarenko and others 2007."""
    return psnr_hvs_both(a, b)[1]


def psnr_hvs_both(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """PSNR-HVS and PSNR-HVS-M, computed together."""
    check_pair(a, b)
    compute = _package("psnr_hvsm", "PSNR-HVS", package="psnr-hvsm").BACKENDS["numpy"]["hvs_hvsm_mse"]
    height, width = (side // 8 * 8 for side in a.shape[:2])
    weights = np.array(LUMA_THOUSANDTHS) / (1000 * 255)
    with np.errstate(divide="ignore", invalid="ignore"):  # flat blocks: the package divides first and selects after
        errors = compute(a[:height, :width] @ weights, b[:height, :width] @ weights)
    plain, masked = (math.inf if error == 0 else -10 * math.log10(error) for error in map(float, errors))
    return plain, masked


def version(package: str) -> str:
    """The installed version of a package, or "" if it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _package(module: str, feature: str, package: str = "") -> Any:
    """The module, imported without its greetings: psnr-hvsm prints that it found no torch."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return importlib.import_module(module)
    except ImportError as error:
        raise ExtraMissing(feature, package=package or module, extra="bench") from error


def _as_ppm(pixels: np.ndarray) -> io.BytesIO:
    """A picture as the file that the ssimulacra2 package wants to open; PPM costs a copy and nothing else."""
    height, width = pixels.shape[:2]
    return io.BytesIO(b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(pixels).tobytes())
