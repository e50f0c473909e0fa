"""A conversion for tests that worker processes can import: quick, without a model, and with everything that goes wrong."""

from __future__ import annotations

import os
import signal
import time

from calotype.batch.one import Coded
from calotype.errors import CorruptError


def turned(data, settings):
    """A conversion: the bytes turned round, and with a prefix that is a setting."""
    time.sleep(settings.get("sleep_s", 0))
    if data == b"broken":
        raise CorruptError("test", found="broken")
    if data == b"bug":
        raise ZeroDivisionError("a bug")
    if data == b"deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if data == b"slow":
        time.sleep(60)
    return Coded(data=settings.get("prefix", b"") + data[::-1], width_px=1, height_px=1, notes=("turned",))
