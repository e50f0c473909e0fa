"""The other end of processes.Lane: reads tasks from standard input, one JSON object a line, and answers each likewise.

With "fork" every task runs in a copy of this small process, which holds NumPy, Pillow and nothing of any codec; without,
in this process itself. What codecs print goes to a log, never among the answers. Nobody imports this but a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from typing import Any, BinaryIO

import numpy  # noqa: F401  (held by every copy)
import PIL.Image  # noqa: F401

from calotype.bench import cell, codecs

__all__ = ["main"]

_known: dict[str, Any] = {}


def main(how: str) -> None:
    """Answer until standard input ends.

    how   "fork" or "here"
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The answers keep the old standard output; whatever else writes there writes to standard error.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with contextlib.suppress(ImportError):
        import imagecodecs  # noqa: F401  (light: it loads each library when that is used)
    while line := sys.stdin.buffer.readline():
        task = json.loads(line)
        if how == "fork":
            _in_a_copy(task, answers)
        else:
            _answer(task, answers)


def _answer(task: dict[str, Any], answers: BinaryIO) -> None:
    """Do a task and write one line: {"result": ...} or {"error": ...}."""
    try:
        work, with_codec = cell.TASKS[task["task"]]
        given = [_codec(task["codec"])] if with_codec else []
        said = {"result": work(*given, **task["with"])}
    except BaseException as error:  # also SystemExit of a codec that thinks it is a program
        said = {"error": cell.said_of(error)}
    answers.write(json.dumps(said).encode() + b"\n")


def _codec(name: str) -> Any:
    if name not in _known:
        _known[name] = cell.codec_of(name)
    return _known[name]


def _in_a_copy(task: dict[str, Any], answers: BinaryIO) -> None:
    """Fork, let the copy answer, and say how it ended if it did not.

    If the benchmark itself is killed, standard input ends, and the copy and whatever it started are killed too.
    """
    _prepare(task)
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        os.close(reading)
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            _answer(task, pipe)
        os._exit(0)
    os.close(writing)
    said = b""
    while True:
        ready, _, _ = select.select([reading, sys.stdin], [], [])
        if sys.stdin in ready:  # nothing is asked while a task runs, so this is the end
            os.killpg(0, signal.SIGKILL)
        part = os.read(reading, 1 << 16)
        said += part
        if not part or said.endswith(b"\n"):
            break
    os.close(reading)
    if said.endswith(b"\n"):
        # The answer is complete; a codec that hangs or crashes while it leaves changes nothing.
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)
    else:
        _, status = os.waitpid(copy, 0)
        said = json.dumps({"error": _ended(status)}).encode() + b"\n"
    answers.write(said)


def _prepare(task: dict[str, Any]) -> None:
    """Codecs of the registry are looked up once, before the fork: they are settings, and load nothing until they work."""
    name = task.get("codec", "")
    if name in _known or ":" in name or name.endswith(".calomodel"):
        return
    with contextlib.suppress(Exception):  # the copy will meet it again, and say it
        _known[name] = codecs.get(name)


def _ended(status: int) -> dict[str, Any]:
    """How a process ended that gave no answer."""
    code = os.waitstatus_to_exitcode(status)
    how = f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
    return {"type": "ProcessEnded", "message": f"the codec's process {how} and gave no answer", "exit_code": 1}
