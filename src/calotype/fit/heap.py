"""Memory that a fit frees stays with the process until the fit is over. glibc only; elsewhere nothing happens.

An iteration asks for the same arrays as the one before. Where each goes back to the system in between, its pages are cleared and
mapped anew: 8 to 17 % of an iteration's time (docs/systems/bespoke.md).
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

__all__ = ["kept"]

# mallopt(3): what is free at the top before it is given back, and how many arrays may have mappings of their own.
_TRIM, _MAPPED = -1, -4
_USUAL = {_TRIM: 128 * 1024, _MAPPED: 65536}


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Inside, freed memory is kept for what is asked for next; afterwards all of it goes back."""
    try:
        heap = ctypes.CDLL(None)
        set_option, trim = heap.mallopt, heap.malloc_trim
    except (OSError, AttributeError, TypeError):  # other systems, other libraries
        yield
        return
    set_option(_TRIM, -1)  # never
    set_option(_MAPPED, 0)
    try:
        yield
    finally:
        for option, usual in _USUAL.items():
            set_option(option, usual)
        trim(0)
