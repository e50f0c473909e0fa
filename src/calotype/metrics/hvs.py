"""PSNR-HVS and PSNR-HVS-M, which the package psnr-hvsm computes; loaded when asked for, never before."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable

import numpy as np

from calotype.errors import ExtraMissing
from calotype.metrics.distortion import LUMA_THOUSANDTHS, check_pair

__all__ = ["psnr_hvs", "psnr_hvs_both", "psnr_hvs_m"]


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
    height, width = (side // 8 * 8 for side in a.shape[:2])
    weights = np.array(LUMA_THOUSANDTHS) / (1000 * 255)
    with np.errstate(divide="ignore", invalid="ignore"):  # flat blocks: the package divides first and selects after
        errors = _compute()(a[:height, :width] @ weights, b[:height, :width] @ weights)
    plain, masked = (math.inf if error == 0 else -10 * math.log10(error) for error in map(float, errors))
    return plain, masked


def _compute() -> Callable[[np.ndarray, np.ndarray], tuple[float, float]]:
    """The package's NumPy implementation, imported without its greetings: it prints that it found no torch."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import psnr_hvsm
    except ImportError as error:
        raise ExtraMissing("PSNR-HVS", package="psnr-hvsm", extra="bench") from error
    return psnr_hvsm.BACKENDS["numpy"]["hvs_hvsm_mse"]
