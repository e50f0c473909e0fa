"""Speed and memory of codecs out of rows and timings; quality is not looked at here."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from calotype.bench.report.curves import Codec
from calotype.bench.report.reading import Measured, Row

__all__ = ["Cost", "costs_of", "timed_costs"]


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


def costs_of(measured: Measured, codecs: Sequence[Codec]) -> dict[str, Cost]:
    """The cost of every codec with one thread, by name: speeds out of timings where there are any (medians), or else
    out of all rows together; memory out of rows, the largest of any picture, so that all codecs had the same pictures.
    """
    found: dict[str, Cost] = {}
    for codec in codecs:
        rows = [row for by_level in codec.cells.values() for row in by_level.values()]
        timings = _timings(measured, codec.name, 1)
        speeds = (
            (_median(timings, "encode_mp_s"), _median(timings, "decode_mp_s"))
            if timings
            else (_through(rows, "encode_s"), _through(rows, "decode_s"))
        )
        found[codec.name] = Cost(
            *speeds, _most(rows, "encode_peak_bytes"), _most(rows, "decode_peak_bytes"), bool(timings)
        )
    return found


def timed_costs(measured: Measured) -> dict[int, dict[str, Cost]]:
    """Speed and memory of --time by number of threads and codec: medians and largest over the timed pictures."""
    names = dict.fromkeys(row["codec"] for row in measured.timings)
    return {
        threads: {
            name: Cost(
                _median(timings, "encode_mp_s"),
                _median(timings, "decode_mp_s"),
                _most(timings, "encode_peak_bytes"),
                _most(timings, "decode_peak_bytes"),
                True,
            )
            for name in names
            if (timings := _timings(measured, name, threads))
        }
        for threads in sorted({int(row.get("threads", 1)) for row in measured.timings})
    }


def _timings(measured: Measured, codec: str, threads: int) -> list[Row]:
    return [row for row in measured.timings if row["codec"] == codec and int(row.get("threads", 1)) == threads]


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
