"""The main path by its names: a picture becomes the bytes of a file (encoding.py), and bytes a picture (decoding.py).

Results never depend on the number of threads. docs/tour.md walks it from top to bottom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from calotype import encoding
from calotype.decoding import Report, decode, latents, verify
from calotype.describing import Info, info
from calotype.encoding import Encoded

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    Asked = ParamSpec("Asked")

__all__ = ["Encoded", "Info", "Report", "decode", "encode", "encode_reported", "info", "latents", "verify"]

encode_reported = encoding.encode


def _bytes_of(reported: Callable[Asked, Encoded]) -> Callable[Asked, bytes]:
    @wraps(reported)
    def encode(*arguments: Asked.args, **options: Asked.kwargs) -> bytes:
        return reported(*arguments, **options).data

    encode.__doc__ = (
        """The bytes of a .calo file: as `encode_reported`, whose parameters it has, which also says what was done."""
    )
    return encode


encode = _bytes_of(encode_reported)
