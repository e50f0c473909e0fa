"""How far a decoded picture is from its original, and how two codecs compare; NumPy only, no codec is known here.

distortion   mse, psnr on RGB samples        structure   ms_ssim        bjontegaard   bpp, bd_rate
"""

from __future__ import annotations

from calotype.metrics.bjontegaard import BDRate, bd_rate, bpp
from calotype.metrics.distortion import mse, psnr
from calotype.metrics.structure import ms_ssim, ms_ssim_db

__all__ = ["BDRate", "bd_rate", "bpp", "ms_ssim", "ms_ssim_db", "mse", "psnr"]
