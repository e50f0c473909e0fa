"""Handlers for webdataset: samples named *.calo become arrays when read and files when written.

    wds.WebDataset(url).decode(calotype.plugins.webdataset.decoder)
    wds.TarWriter(url, encoder=calotype.plugins.webdataset.encoder(quality=75))

webdataset itself is needed only to write: a handler is a plain function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calotype.errors import UsageError

__all__ = ["KINDS", "decoder", "decoder_of", "encoder"]

EXTENSION = "calo"
KINDS = ("array", "float", "torch", "pil")


def decoder(key: str, data: bytes) -> Any:
    """The pixels of a .calo entry, uint8 [h, w, 3] (or as calotype.decode has them); None for any other entry."""
    if key.rpartition(".")[2].lower() != EXTENSION:
        return None
    import calotype

    # Loaders run one process a core; threads inside one would only stand in each other's way.
    return calotype.decode(data, threads=1)


def decoder_of(kind: str) -> Callable[[str, bytes], Any]:
    """A handler like `decoder` that gives another kind.

    kind   "array" uint8 [h, w, 3]; "float" float32 0..1; "torch" a tensor of float32 [3, h, w], 0..1; "pil" an image
    """
    if kind not in KINDS:
        raise UsageError("kind", value=kind, allowed=", ".join(KINDS))
    return _Decoder(kind)


class _Decoder:
    """A handler that can be pickled, as loaders with worker processes do."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, key: str, data: bytes) -> Any:
        if key.rpartition(".")[2].lower() != EXTENSION:
            return None
        if self.kind == "pil":
            from calotype import codec

            return codec.decode(data, threads=1).to_pillow()
        import numpy as np

        array = decoder(key, data)
        if self.kind == "array":
            return array
        whole = np.float32(np.iinfo(array.dtype).max)
        if self.kind == "float":
            return np.divide(array, whole, dtype=np.float32)
        import torch

        planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        return torch.from_numpy(np.divide(planes, whole, dtype=np.float32))


def encoder(**how: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What TarWriter takes as `encoder`: pictures under *.calo are coded, other entries as webdataset does.

    how   as of calotype.encode: quality, model, lossless ...; pictures may be arrays, Pillow images or coded already
    """
    import webdataset

    others = webdataset.writer.make_encoder(True)

    def encoded(sample: dict[str, Any]) -> dict[str, Any]:
        import calotype

        ours = {key: value for key, value in sample.items() if key.rpartition(".")[2].lower() == EXTENSION}
        done = others({key: value for key, value in sample.items() if key not in ours})
        for key, value in ours.items():
            done[key] = bytes(value) if isinstance(value, (bytes, bytearray)) else calotype.encode(value, **how)
        return done

    return encoded
