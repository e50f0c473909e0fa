"""Speed and memory of codecs out of rows and timings; quality is not looked at here."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from calotype.bench.report.curves import Codec
from calotype.bench.report.reading import Measured, Row

__all__ = ["Cost", "costs_of", "timed_threads"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a codec takes. Speeds in megapixels a second, memory in bytes above what its process held before.

    timed   whether speeds come from runs that had the machine to themselves; otherwise each is that of single runs
            beside others, good for orders of magnitude
    """

    encode_mp_s: float | None
    decode_mp_s: float | None
    encode_peak_bytes: float | None
    decode_peak_bytes: float | None
    timed: bool


def timed_threads(measured: Measured) -> list[int]:
    """Numbers of threads that there are timings with."""
    return sorted({int(row.get("threads", 1)) for row in measured.timings})


def costs_of(measured: Measured, codecs: Sequence[Codec], threads: int = 1) -> dict[str, Cost]:
    """The cost of every codec, by name.

    Timings go first (medians over pictures and levels); with one thread, rows stand in for them. Memory is the
    largest of any picture.
    """
    found: dict[str, Cost] = {}
    for codec in codecs:
        timings = [r for r in measured.timings if r["codec"] == codec.name and int(r.get("threads", 1)) == threads]
        rows = [row for by_level in codec.cells.values() for row in by_level.values()]
        if timings:
            found[codec.name] = Cost(
                _median(timings, "encode_mp_s"),
                _median(timings, "decode_mp_s"),
                _most(timings, "encode_peak_bytes") or _most(rows, "encode_peak_bytes"),
                _most(timings, "decode_peak_bytes") or _most(rows, "decode_peak_bytes"),
                True,
            )
        elif rows and threads == 1:
            peaks = (_most(rows, "encode_peak_bytes"), _most(rows, "decode_peak_bytes"))
            found[codec.name] = Cost(_through(rows, "encode_s"), _through(rows, "decode_s"), *peaks, False)
    return found


def _median(rows: Sequence[Row], key: str) -> float | None:
    known = [row[key] for row in rows if row.get(key)]
    return statistics.median(known) if known else None


def _most(rows: Sequence[Row], key: str) -> float | None:
    known = [row[key] for row in rows if row.get(key) is not None]
    return float(max(known)) if known else None


def _through(rows: Sequence[Row], key: str) -> float | None:
    """Megapixels a second over all rows together."""
    known = [row for row in rows if row.get(key)]
    seconds = sum(row[key] for row in known)
    return sum(row["width_px"] * row["height_px"] for row in known) / 1e6 / seconds if seconds else None
