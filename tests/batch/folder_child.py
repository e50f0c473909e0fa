"""A process that tests kill: one run over a folder with a conversion that takes a moment and needs no model.

    python -m tests.batch.folder_child IN OUT LOG JOBS [torn]

Each conversion leaves a line in LOG. With `torn`, outputs are written in two halves with a moment between, as a program
would that knows nothing of whole files: the twin that shows what the law is about.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from calotype.batch import places, pool
from calotype.batch.finding import Kind
from calotype.batch.one import Coded
from calotype.batch.outcomes import FAILED
from calotype.batch.planning import Request, plan

SUFFIXES = (".in",)
LOG = "FOLDER_CHILD_LOG"


def blown_up(data: bytes) -> bytes:
    """What an output holds: 64 kB that nothing but its source decides."""
    return b"".join(hashlib.sha256(data + bytes([k // 256, k % 256])).digest() for k in range(2048))


def convert(data: bytes, settings) -> Coded:
    """A slow conversion that is counted; `torn` makes every write of this process a careless one."""
    if settings.get("torn"):
        places.write = torn_write
    with Path(os.environ[LOG]).open("ab", buffering=0) as log:  # not a setting: settings are part of the manifest
        log.write(hashlib.sha256(data).hexdigest().encode() + b"\n")
    time.sleep(settings.get("sleep_s", 0.02))
    return Coded(data=blown_up(data), width_px=1, height_px=1)


def torn_write(place, data, **_):
    path = Path(place.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(0.03)
        file.write(data[len(data) // 2 :])


def request(source, target, *, torn=False, **more) -> Request:
    return Request(
        verb="encode",
        sources=(str(source),),
        output=str(target),
        settings={"torn": torn},
        kind=Kind(lambda head: False, SUFFIXES),
        convert=convert,
        suffix=".out",
        **more,
    )


def main(source: str, target: str, log: str, jobs: str, *rest: str) -> int:
    os.environ[LOG] = log
    with plan(request(source, target, torn="torn" in rest)) as run:
        engine = pool.alone if jobs == "1" else partial(pool.together, count=int(jobs))
        with closing(run.do(engine)) as outcomes:
            return sum(outcome.status == FAILED for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
