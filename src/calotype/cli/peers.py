"""Pillow's codecs as the demo's peers, and the search for the setting that equals ours in PSNR or in size."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calotype import metrics

__all__ = ["AVIF", "JPEG", "WEBP", "Peer", "Point"]


@dataclass(frozen=True)
class Point:
    """What a codec needs and reaches on one picture.

    file_bytes   of the whole file; not a whole number where two settings were interpolated
    psnr_db      over R, G and B
    ms_ssim      mean over R, G and B
    """

    file_bytes: float
    psnr_db: float
    ms_ssim: float


@dataclass
class Peer:
    """One of Pillow's codecs on one picture, uint8 [h, w, 3]; remembers what it has coded."""

    name: str
    said: str
    pillow: str
    options: dict[str, Any]
    pixels: np.ndarray
    _coded: dict[int, tuple[bytes, np.ndarray, float]] = field(default_factory=dict)

    def coded(self, quality: int) -> tuple[bytes, np.ndarray, float]:
        """The file at a quality 0..100, its pixels, and their PSNR in dB."""
        from PIL import Image

        if quality not in self._coded:
            target = io.BytesIO()
            Image.fromarray(self.pixels).save(target, self.pillow, quality=quality, **self.options)
            data = target.getvalue()
            pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            self._coded[quality] = data, pixels, metrics.psnr(self.pixels, pixels)
        return self._coded[quality]

    def at_psnr(self, psnr_db: float) -> Point | None:
        """What it takes to reach `psnr_db`, between the settings just below and just above; None if out of its range.

        Bytes are interpolated in their logarithm, so that no codec gains or loses by the coarseness of its dial.
        """
        below, above = 0, 100
        if not self.coded(below)[2] <= psnr_db <= self.coded(above)[2]:
            return None
        while above - below > 1:
            middle = (below + above) // 2
            if self.coded(middle)[2] < psnr_db:
                below = middle
            else:
                above = middle
        (data0, pixels0, psnr0), (data1, pixels1, psnr1) = self.coded(below), self.coded(above)
        share = 1.0 if psnr1 <= psnr0 or math.isinf(psnr1) else (psnr_db - psnr0) / (psnr1 - psnr0)
        file_bytes = math.exp((1 - share) * math.log(len(data0)) + share * math.log(len(data1)))
        similarity = (1 - share) * metrics.ms_ssim(self.pixels, pixels0) + share * metrics.ms_ssim(self.pixels, pixels1)
        return Point(file_bytes, psnr_db, similarity)

    def at_size(self, file_bytes: int) -> tuple[bytes, np.ndarray, float]:
        """File, pixels and PSNR at the best setting that needs no more than `file_bytes`; its smallest if none does."""
        fits, above = 0, 101
        while above - fits > 1:
            middle = (fits + above) // 2
            if len(self.coded(middle)[0]) <= file_bytes:
                fits = middle
            else:
                above = middle
        return self.coded(fits)


def JPEG(pixels: np.ndarray) -> Peer:
    """libjpeg-turbo as most files on the net are made, and then a little better."""
    options = {"subsampling": "4:2:0", "optimize": True, "progressive": True}
    return Peer("JPEG", "4:2:0, optimised, progressive", "JPEG", options, pixels)


def WEBP(pixels: np.ndarray) -> Peer:
    """libwebp at its best method."""
    return Peer("WebP", "method 6", "WEBP", {"method": 6}, pixels)


def AVIF(pixels: np.ndarray) -> Peer:
    """libaom, tuned for PSNR because that is what is compared here; its default tuning would look worse."""
    options = {"subsampling": "4:4:4", "speed": 6, "codec": "aom", "advanced": {"tune": "psnr"}}
    return Peer("AVIF", "4:4:4, speed 6, tuned for PSNR", "AVIF", options, pixels)
