"""The machine a figure was taken on: processor, cores, system, versions, and a short name for all of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from calotype import __version__
from calotype.bench.rows import SCHEMA, Row

__all__ = ["busy_cores", "cores", "processor", "row"]

# What may compute a figure in a row: our own, and those of codecs and metrics.
PACKAGES = ("numpy", "pillow", "onnxruntime", "imagecodecs", "pillow-heif", "imageio-ffmpeg", "ssimulacra2", "scipy")


def row() -> Row:
    """The row of kind "machine"; its id is a hash of everything else in it."""
    said: dict[str, Any] = {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {"calotype": __version__, **{name: _version(name) for name in PACKAGES}},
    }
    identity = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
    return {"schema": SCHEMA, "kind": "machine", "id": identity, **said}


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def busy_cores(over_s: float = 1.0) -> float | None:
    """How many cores were at work over the last moments while this process slept; None where the system doesn't say.

    Load averages look back a minute and would count ourselves.
    """
    import time

    before = _ticks()
    if before is None:
        return None
    time.sleep(over_s)
    after = _ticks()
    assert after is not None
    busy, whole = (later - earlier for earlier, later in zip(before, after, strict=True))
    return round((os.cpu_count() or 1) * busy / max(1, whole), 2)


def _ticks() -> tuple[int, int] | None:
    """Ticks at work and in all, over all cores (proc(5): stat)."""
    try:
        fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def processor() -> str:
    """The model of the processor and the vector instructions that matter."""
    try:
        said = Path("/proc/cpuinfo").read_text()
        name = said.split("model name")[1].split(":", 1)[1].splitlines()[0].strip()
        flags = set(said.split("flags")[1].split(":", 1)[1].splitlines()[0].split())
        return ", ".join([name, *sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16"})])
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
