"""HEIC (HEVC intra) by pillow-heif: x265 encodes at its preset slow, libde265 decodes; and nothing else.

`preset=` as a plain option is silently ignored and `x265:preset` is refused: it goes into enc_params.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.codecs.adapter import Adapter, package_version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CODECS"]


@dataclass(frozen=True, kw_only=True)
class Heic(Adapter):
    """Level: libheif's quality. x265 gives the same bytes for any number of threads above none.

    chroma   "420" or "444"
    """

    family: str = "heic"
    module: str = "pillow_heif"
    package: str = "pillow-heif"
    chroma: str

    def _encode(self, pixels: np.ndarray, level: float, threads: int) -> bytes:
        import pillow_heif

        height, width = pixels.shape[:2]
        heif = pillow_heif.from_bytes(mode="RGB", size=(width, height), data=pixels.tobytes())
        target = io.BytesIO()
        params = {"preset": "slow", "x265:pools": str(threads)}
        if self.lossless:
            heif.save(target, quality=-1, chroma=self.chroma, matrix_coefficients=0, enc_params=params)
        else:
            heif.save(target, quality=round(level), chroma=self.chroma, enc_params=params)
        return target.getvalue()

    def _decode(self, data: bytes, threads: int) -> np.ndarray:
        import numpy as np
        import pillow_heif

        before, pillow_heif.options.DECODE_THREADS = pillow_heif.options.DECODE_THREADS, threads
        try:
            return np.asarray(pillow_heif.open_heif(data).to_pillow().convert("RGB"))
        finally:
            pillow_heif.options.DECODE_THREADS = before

    def _version(self) -> str:
        import pillow_heif

        said = pillow_heif.libheif_info()
        return f"pillow-heif {package_version('pillow_heif')}, libheif {said['libheif']}, {said['HEIF']}"

    def _settings(self) -> str:
        quality = "-1, matrix_coefficients=0" if self.lossless else "LEVEL"
        return f"quality={quality}, chroma={self.chroma}, enc_params={{'preset': 'slow'}}"


CODECS = (
    Heic(name="heic-420", title="HEIC 4:2:0 (x265)", levels=(8, 15, 22, 30, 40, 50, 60, 70), chroma="420"),
    Heic(name="heic-444", title="HEIC 4:4:4 (x265)", levels=(8, 15, 22, 30, 40, 50, 60, 70), chroma="444"),
    Heic(name="heic-lossless", title="HEIC, lossless (x265)", lossless=True, chroma="444"),
)
