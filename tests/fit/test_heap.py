"""Freed memory stays while a fit runs and goes back after it."""

import ctypes
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from calotype.fit.heap import kept

MIB = 2**20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def glibc() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")


@pytest.mark.skipif(not glibc(), reason="glibc only")
def test_freed_memory_stays_inside_and_goes_back_afterwards():
    before = resident()
    with kept():
        arrays = [np.ones(8 * MIB, np.uint8) for _ in range(16)]
        del arrays
        assert resident() - before > 100 * MIB
    assert resident() - before < 30 * MIB


@pytest.mark.skipif(not glibc(), reason="glibc only")
def test_outside_it_does_not_stay():
    """The twin."""
    before = resident()
    arrays = [np.ones(8 * MIB, np.uint8) for _ in range(16)]
    del arrays
    assert resident() - before < 30 * MIB


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    with kept():
        pass
