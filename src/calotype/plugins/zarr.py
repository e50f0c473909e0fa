"""A codec for arrays in Zarr's format 3, found by the entry point "calotype": each chunk is a picture or a stack of them.

    zarr.create_array(..., chunks=(512, 512, 3), serializer=Calotype(quality=75), compressors=None)

Which arrays are pictures stands in chunks.py. It takes the place of the serializer, since it turns arrays into bytes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec

from calotype.errors import UsageError
from calotype.plugins import chunks

__all__ = ["Calotype"]

_NAME = "calotype"


class Calotype(ArrayBytesCodec):
    """Lossy, or lossless if asked; options as of calotype.plugins.numcodecs.Calotype."""

    is_fixed_size = False

    def __init__(self, quality: float | None = None, model: str = "swift", lossless: bool = False) -> None:
        self._how = chunks.settings(quality, model, lossless)

    @classmethod
    def from_dict(cls, data: Any) -> Calotype:
        """From zarr.json."""
        if data.get("name") != _NAME:
            raise UsageError("codec", value=data.get("name"), allowed=_NAME)
        return cls(**data.get("configuration", {}))

    def to_dict(self) -> Any:
        """For zarr.json."""
        return {"name": _NAME, "configuration": dict(self._how)}

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        """Refuse, when an array is created, what could not be stored later."""
        chunks.check(tuple(getattr(chunk_grid, "chunk_shape", shape)), dtype.to_native_dtype())

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        array = np.asarray(chunk_array.as_ndarray_like())
        data = await asyncio.to_thread(chunks.encode, array, threads=1, **self._how)  # Zarr takes chunks side by side
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        array = await asyncio.to_thread(chunks.decode, chunk_bytes.to_bytes(), threads=1)
        wanted = chunk_spec.dtype.to_native_dtype()
        if array.dtype != wanted or array.size != int(np.prod(chunk_spec.shape)):
            said = f"{array.dtype} {array.shape}"
            raise UsageError("chunk", value=said, allowed=f"{wanted} {tuple(chunk_spec.shape)}, as zarr.json says")
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(array.reshape(chunk_spec.shape))

    def compute_encoded_size(self, input_byte_length: int, _chunk_spec: Any) -> int:
        """Not known beforehand."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calotype) and other._how == self._how

    def __hash__(self) -> int:
        return hash(tuple(self._how.items()))

    def __repr__(self) -> str:
        return f"Calotype({', '.join(f'{name}={value!r}' for name, value in self._how.items())})"
