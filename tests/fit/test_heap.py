"""Freed memory stays while a fit runs and goes back after it."""

import ctypes
import subprocess
import sys

import pytest

from calotype.fit.heap import kept

MIB = 2**20


# In a process of its own: what the heap of this one has free, and where, depends on the tests before.
PROGRAM = """
import contextlib, mmap, sys
from pathlib import Path
import numpy as np
from calotype.fit.heap import kept

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

before = resident()
with kept() if sys.argv[1] == "kept" else contextlib.nullcontext():
    arrays = [np.ones(8 * 2**20, np.uint8) for _ in range(16)]
    del arrays
    print(resident() - before)
print(resident() - before)
"""


def glibc() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")


@pytest.mark.skipif(not glibc(), reason="glibc only")
@pytest.mark.parametrize("how", ["kept", "as usual"])
def test_freed_memory_stays_inside_and_goes_back_afterwards(how):
    """Of 128 MiB; the twin without it keeps none."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    inside, afterwards = (int(line) / MIB for line in run.stdout.split())
    assert inside > 100 if how == "kept" else inside < 30
    assert afterwards < 30


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    with kept():
        pass
