"""Peak resident memory of one piece of work in this process, above what the process held before; nothing else.

On Linux the kernel's own high-water mark is reset first (proc(5): clear_refs), so nothing that came before counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

__all__ = ["Peak"]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """`with Peak() as peak: work()`; afterwards peak.extra_bytes is what the work needed, or None where nobody knows.

    extra_bytes   highest resident memory while the work ran, less resident memory when it began. Programs that the
                  work started (FFmpeg) count with the largest of them
    """

    extra_bytes: int | None = None

    _before: int | None = None
    _mark: int | None = None

    def __enter__(self) -> Peak:
        _give_back()
        self._reset = _reset_mark()
        self._before, self._mark = _resident()
        return self

    def __exit__(self, *raised: object) -> None:
        peak = _resident()[1]
        if peak is None or self._before is None:
            return
        # Where the mark can't be reset, an old peak may hide the new one.
        if not self._reset and peak <= (self._mark or 0):
            return
        started = _largest_program()
        self.extra_bytes = max(0, peak - self._before) + (started if started > peak else 0)


def _give_back() -> None:
    """Free memory goes back to the system, so that the work can't use it unseen (glibc only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _reset_mark() -> bool:
    try:
        _RESET.write_text("5")
    except OSError:
        return False
    return True


def _resident() -> tuple[int | None, int | None]:
    """Resident memory now, and the highest so far, in bytes."""
    try:
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
        now, peak = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, peak
    except (OSError, KeyError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None, None
    # Only the highest is known; before the work it stands for what was held.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak, peak


def _largest_program() -> int:
    """Peak resident memory of the largest program that this process started and waited for, in bytes.

    The kernel counts from the moment of the fork, when a child still was its parent's copy: callers compare.
    """
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
