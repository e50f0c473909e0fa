"""Memory that a thread uses again and again; fresh arrays of megabytes would cost a page fault every 4 KiB."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable

import numpy as np

__all__ = ["scratch"]

_threads = threading.local()


def scratch(key: Hashable, shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array of this thread, finite from the start; its contents last until the next call with its key."""
    held = _threads.__dict__.setdefault("held", {})
    size = math.prod(shape)
    if key not in held or held[key].size < size:
        held[key] = np.zeros(size, np.float32)
    return held[key][:size].reshape(shape)
