"""Every codec over the synthetic charts, a row each; what the charts are and what is measured stands in charts/."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from calotype.bench import machine
from calotype.bench.codec_said import Said
from calotype.bench.plan import Outcome, Settings
from calotype.bench.processes import Failed, Lane
from calotype.bench.rows import FILE, SCHEMA, Row, Writer, key_of, read
from calotype.bench.runner import scratch_of

__all__ = ["run"]

# A codec writes twenty charts several times until it meets the rate.
_LIMITS = 20


def run(settings: Settings, say: Callable[[str], None], heard: Callable[[Row], None]) -> Outcome:
    """Append a row of kind "chart" for each codec that has none; `settings.pictures` and metrics don't matter here.

    errors   FileError, UsageError while another run writes there
    """
    outcome, known, missing = Outcome(), read(settings.report / FILE), []
    for codec in settings.codecs:
        old = known.get(("chart", codec.name))
        if old is None or (settings.retry if old["error"] else old["describe"] != codec.describe):
            missing.append(codec)
            continue
        outcome.kept += 1
        outcome.failed += [old] if old["error"] else []
    if not missing:
        return outcome
    with Writer(settings.report) as writer, scratch_of(settings.report) as scratch:
        where = machine.row()
        if known.get(key_of(where)) is None:
            writer.append(where)
        waiting: queue.SimpleQueue[Said] = queue.SimpleQueue()
        for codec in missing:
            waiting.put(codec)
        found: queue.Queue[Row] = queue.Queue()
        lanes = [
            Lane(apart=True, log=scratch / "log", limit_s=_LIMITS * settings.limit_s)
            for _ in range(min(settings.jobs, len(missing)))
        ]
        for lane in lanes:
            threading.Thread(target=_measure, args=(lane, waiting, found), daemon=True).start()
        try:
            while outcome.measured < len(missing):
                try:
                    row = found.get(timeout=0.2) | {"machine": where["id"]}
                except queue.Empty:
                    continue
                writer.append(row)
                outcome.measured += 1
                outcome.failed += [row] if row["error"] else []
                heard(row)
                say(f"charts: {row['codec']} {'failed' if row['error'] else 'done'}, {outcome.measured}/{len(missing)}")
        finally:
            for lane in lanes:
                lane.stop()
    return outcome


def _measure(lane: Lane, waiting: queue.SimpleQueue[Said], found: queue.Queue[Row]) -> None:
    while True:
        try:
            codec = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            row = lane.ask("chart", codec.asked)
        except Failed as failed:
            row = {"level": None, "error": failed.said}
        found.put({"schema": SCHEMA, "kind": "chart", **row, **codec.row()})
