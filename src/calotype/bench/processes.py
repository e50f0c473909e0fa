"""Processes that measure: each task in one of its own, with a time limit; what they do stands in cell.py.

A crash, a hang or an exit of a library costs one answer and never the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["Failed", "Lane"]

# Libraries that compute on NumPy's side must not take more threads than a codec is told to use.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from calotype.bench import lane; lane.main(sys.argv[2])"
)
_FORKS = hasattr(os, "fork") and sys.platform not in ("win32", "darwin")


class Failed(Exception):
    """A task did not give a result; `said` is the error as rows hold it."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        super().__init__(said["message"])


class Lane:
    """One task at a time.

    apart    True: every task in a fresh process (a fork of a small one; where there is no fork, a new interpreter).
             False: all in the same one, which stays warm
    log      a file that collects what libraries print
    limit_s  seconds after which a task is given up and its process killed, with all that it started
    """

    def __init__(self, *, apart: bool, log: Path, limit_s: float) -> None:
        self._apart, self._log, self._limit_s = apart, log, limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def ask(self, task: str, codec: str = "", **given: Any) -> dict[str, Any]:
        """The result of a task of cell.TASKS.

        errors   Failed with the reason: what the task raised, how its process ended, that it took too long
        """
        if self._stopped:
            raise Failed({"type": "Stopped", "message": "the benchmark was stopped", "exit_code": 130})
        process = self._process or self._start()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps({"task": task, "codec": codec, "with": given}).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process)
        except BrokenPipeError:
            line = b""
        if self._apart and not _FORKS:
            self.close()
        if line is None:
            self.close()
            message = f"gave no answer within {self._limit_s:g} seconds and was ended (--limit-s)"
            raise Failed({"type": "TooSlow", "message": message, "exit_code": 7})
        if not line:
            ended = self._end_of(process)
            self.close()
            message = f"the process ended ({ended}) and gave no answer"
            raise Failed({"type": "ProcessEnded", "message": message, "exit_code": 1})
        said = json.loads(line)
        if "error" in said:
            raise Failed(said["error"])
        return said["result"]

    def stop(self) -> None:
        """End the process for good, also while another thread waits for its answer."""
        self._stopped = True
        self.close()

    def close(self) -> None:
        """End the process and all that it started; the next task begins a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        how = "fork" if self._apart and _FORKS else "here"
        path = [entry or str(Path.cwd()) for entry in sys.path]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, json.dumps(path), how],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | _ONE_THREAD,
                start_new_session=os.name == "posix",  # Ctrl-C is ours; killing the group reaches what it started
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """One answer; empty if the process ended, None if the time was up."""
        assert process.stdout is not None
        if os.name != "posix":  # pipes can't be waited for there; the answer comes, or the process ends
            return _line_in_a_thread(process, self._limit_s)
        said, until = b"", time.monotonic() + self._limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not said.endswith(b"\n"):
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None
                part = os.read(process.stdout.fileno(), 1 << 16)
                if not part:
                    return b""
                said += part
        return said

    @staticmethod
    def _end_of(process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(5)
        except subprocess.TimeoutExpired:
            return "its pipe was closed"
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _line_in_a_thread(process: subprocess.Popen[bytes], limit_s: float) -> bytes | None:
    import threading

    found: list[bytes] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: found.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(limit_s)
    return found[0] if found else None
