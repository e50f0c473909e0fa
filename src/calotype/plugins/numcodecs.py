"""A numcodecs codec, found by the entry point "calotype": chunks of pictures for Zarr v2 and whoever uses numcodecs.

    numcodecs.get_codec({"id": "calotype", "quality": 75})

Which arrays are pictures stands in chunks.py; Zarr's format 3 has a codec of its own, in zarr.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy

from calotype.plugins import chunks

__all__ = ["Calotype"]


class Calotype(Codec):
    """Lossy, or lossless if asked: `lossless=True` gives back every sample.

    quality   1..100, 60 if nothing is said
    model     name of an installed model; decoding needs no setting, files name their model
    """

    codec_id = "calotype"

    def __init__(self, quality: float | None = None, model: str = "swift", lossless: bool = False) -> None:
        self._how = chunks.settings(quality, model, lossless)

    def encode(self, buf: Any) -> bytes:
        """The bytes of a picture or a stack of pictures, uint8 or uint16; UsageError for other arrays."""
        return chunks.encode(np.asarray(buf), **self._how)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Its samples, an array (whose leading axes are flattened to one), or `out` filled with them."""
        decoded = chunks.decode(ensure_contiguous_ndarray(buf).tobytes())
        return ndarray_copy(decoded, out)

    def get_config(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"id": self.codec_id, **self._how}

    def __repr__(self) -> str:
        return f"Calotype({', '.join(f'{name}={value!r}' for name, value in self._how.items())})"
