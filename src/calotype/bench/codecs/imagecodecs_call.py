"""Calls into the package imagecodecs, which holds many libraries, and what versions it says they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calotype.bench.codecs.adapter import package_version

if TYPE_CHECKING:
    pass

__all__ = ["call", "library_version"]


def call(function: str, data: Any, /, *arguments: Any, **options: Any) -> Any:
    """imagecodecs.FUNCTION(data, ...); arrays come in one piece."""
    import imagecodecs
    import numpy as np

    given = data if isinstance(data, bytes) else np.ascontiguousarray(data)
    return getattr(imagecodecs, function)(given, *arguments, **options)


def library_version(codec: str) -> str:
    """ "imagecodecs 2026.3.6, libjxl 0.11.2"."""
    import imagecodecs

    return f"imagecodecs {package_version('imagecodecs')}, {getattr(imagecodecs, f'{codec}_version')()}"
