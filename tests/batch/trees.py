"""What folder tests share: trees as dictionaries, and killing a process at some moment."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

MANIFEST = ".calotype-manifest.jsonl"


def tree(folder: Path, *, hidden: bool = True) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (hidden or not path.name.startswith("."))
    }


def killed(command: Sequence[str], watched: Path, steps: int, then_s: float, **more) -> bool:
    """Run a process and end it by SIGKILL at a moment: after a file has grown so many times, and so many seconds later.

    returns   whether it had to be killed, and had not ended before. Load of the machine does not move the moment
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    seen = _size(watched)
    while process.poll() is None and steps > 0:
        now = _size(watched)
        if now > seen:
            seen, steps = now, steps - 1
        time.sleep(0.001)
    time.sleep(then_s)
    process.kill()
    return process.wait() == -9


def moments(count: int, most_steps: int, seed: int) -> list[tuple[int, float]]:
    """Random moments for `killed`, the same in every run of the test; some before the first file, at start-up."""
    chance = random.Random(seed)
    return [(chance.randint(0, most_steps), chance.uniform(0, 0.05)) for _ in range(count)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def wait_for(condition, seconds: float = 30.0) -> None:
    """Until something is so; AssertionError if it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)
