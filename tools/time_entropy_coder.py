"""Times the entropy coder: rANS alone and the ports on data like the default model's; no correctness is tested here.

    python tools/time_entropy_coder.py [results/entropy-coder.json]

CPU time of the one thread; repetitions of all tasks are interleaved and medians taken, so that a busy machine disturbs
all of them alike.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from calotype.coding.densities import Laplace
from calotype.coding.frequencies import laplace_bank
from calotype.coding.lattice import Lattice
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.reader import Reader
from calotype.coding.stream import join
from calotype.coding.tables import TableBank
from calotype.coding.taper import Taper
from calotype.coding.writer import Writer

LOW, PER_LOG = -2.82, 7.0
# symbols a row, rows, and the least acceptable encoding and decoding speed in symbols per microsecond
TASKS = {"1e4": (10_000, 1, 0, 0), "1e5": (100_000, 1, 15, 12), "1e6": (1_000_000, 1, 40, 40),
         "16 tiles of 2e4": (20_000, 16, 0, 12)}  # fmt: skip
BATCH, CHANNELS, SIDE = 12, 9, 256


def symbols_like(bank: TableBank, tables: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Entries drawn from the tables themselves: flat indices into their frequencies."""
    slots = rng.integers(0, 1 << bank.precision, tables.size)
    entries = np.empty(tables.size, np.int32)
    for k in map(int, np.unique(tables)):
        (some,) = np.nonzero(tables == k)
        cumulative = bank.cumulative[k, : bank.sizes[k] + 1]
        entries[some] = k * bank.frequencies.shape[1] + np.searchsorted(cumulative, slots[some], side="right") - 1
    return entries


def rans_task(count: int, rows: int) -> dict[str, object]:
    """rANS alone, 64 tables around 2.6 bits a symbol."""
    bank, rng = laplace_bank(64, PER_LOG, LOW), np.random.default_rng(count)
    tables = np.clip(np.round(rng.normal(20, 6, count * rows)), 1, 63).astype(np.uint8)
    entries, ends = symbols_like(bank, tables, rng), np.arange(rows + 1) * count
    bits = bank.code_lengths.reshape(-1)[entries].reshape(rows, count).sum(1, dtype=np.float64)

    def encode() -> list[tuple[Taper, bytes]]:
        encoder = Encoder(rows)
        encoder.push(bank.encoder, entries, ends, bits)
        return encoder.finish()

    streams, lookup = encode(), bank.lookup

    def decode() -> None:
        decoder = Decoder(streams)
        decoder.decode(lookup, tables, ends)
        assert not decoder.finish().any()

    over = max(len(join(t, s, ())) - b / 8 for (t, s), b in zip(streams, bits, strict=True))
    allowed = 16 + 0.01 * float(bits.max()) / 8
    return {"encode": encode, "decode": decode, "symbols": count * rows, "bits": float(bits.sum()) / count / rows,
            "lanes": streams[0][0].lanes, "over": over, "allowed": allowed}  # fmt: skip


def port_task() -> dict[str, object]:
    """Twelve tiles of the finest level: half the channels at a time, four fifths of the positions certain."""
    bank, rng = laplace_bank(64, PER_LOG, LOW), np.random.default_rng(5)
    shape = (BATCH, CHANNELS, SIDE, SIDE)
    smooth = np.kron(rng.normal(0, 9, (BATCH, CHANNELS, SIDE // 16, SIDE // 16)), np.ones((16, 16)))
    index = np.clip(np.round(smooth - 7 + rng.normal(0, 2, shape)), 0, 40).astype(np.float32)
    mean16 = np.clip(np.round(rng.normal(0, 2, shape)), -16, 16).astype(np.float32)
    values = (rng.laplace(0, 1, shape) * np.exp(LOW + index / PER_LOG) + mean16 / 16).astype(np.float32)
    parity = np.array(
        [[[(o + c) % 2, 1 - (o + c) % 2], [1 - (o + c) % 2, (o + c) % 2]] for o in range(3) for c in range(3)]
    )
    lattices = [Lattice.from_steps(parity, step) for step in (0, 1)]
    shapes, banks, ranges = {"l1": shape}, {"laplace": bank}, {"l1": (-1000, 1000)}

    def walk(port: Writer | Reader, given: np.ndarray | None) -> np.ndarray:
        onto = None
        for lattice in lattices:
            onto = port.code("l1", given, Laplace(mean16, index), lattice, onto)
        return onto

    def encode() -> list[tuple[bytes, bytes]]:
        writer = Writer(shapes, banks, ranges)
        walk(writer, values)
        return writer.finish()

    streams, hashes = zip(*encode(), strict=True)

    def decode() -> None:
        reader = Reader(shapes, banks, ranges, streams, hashes)
        walk(reader, None)
        reader.finish()

    def take() -> None:
        for lattice in lattices:
            lattice.take(index), lattice.take(mean16)

    coded = int((index > 0).sum())
    return {"encode": encode, "decode": decode, "take": take, "positions": index.size, "coded": coded,
            "bytes": sum(map(len, streams)), "zeros": float((np.abs(values - mean16 / 16) < 0.5).mean())}  # fmt: skip


def medians(tasks: list[Callable[[], object]], repetitions: int) -> list[float]:
    """CPU seconds of each task, the median over interleaved repetitions."""
    spent: list[list[float]] = [[] for _ in tasks]
    for _ in range(repetitions):
        for task, times in zip(tasks, spent, strict=True):
            begin = time.thread_time()
            task()
            times.append(time.thread_time() - begin)
    return [statistics.median(times) for times in spent]


def main() -> None:
    tasks = {name: rans_task(count, rows) for name, (count, rows, _, _) in TASKS.items()}
    port = port_task()
    calls = [task[what] for task in tasks.values() for what in ("encode", "decode")]
    times = medians([*calls, port["encode"], port["decode"], port["take"]], 9)  # type: ignore[list-item]
    rows = {}
    print("| task | bits | lanes | encode Msym/s | decode Msym/s | least | overhead bytes (allowed) |")
    print("|---|---|---|---|---|---|---|")
    for i, (name, task) in enumerate(tasks.items()):
        encode, decode = (float(task["symbols"]) / t / 1e6 for t in times[2 * i : 2 * i + 2])  # type: ignore[arg-type]
        rows[name] = {"encode_msym_s": round(encode, 1), "decode_msym_s": round(decode, 1),
                      **{k: v for k, v in task.items() if not callable(v)}}  # fmt: skip
        print(f"| {name} | {task['bits']:.2f} | {task['lanes']} | {encode:.1f} | {decode:.1f} "
              f"| {TASKS[name][2]}/{TASKS[name][3]} | {task['over']:.0f} ({task['allowed']:.0f}) |")  # fmt: skip
    coded, positions = int(port["coded"]), int(port["positions"])  # type: ignore[call-overload]
    figures = {k: v for k, v in port.items() if not callable(v)}
    for what, seconds in zip(("write", "read", "take"), times[-3:], strict=True):
        figures[f"{what}_ms"] = round(1e3 * seconds, 1)
    figures["read_budget_ms"] = round((25 * coded + 6 * positions) / 1e6, 1)
    print(f"\nports, {BATCH} tiles of level 1: {positions:_} positions, {coded:_} coded ({coded / positions:.0%}), "
          f"{figures['bytes']:_} bytes; read {figures['read_ms']} ms (take alone {figures['take_ms']}), "
          f"budget {figures['read_budget_ms']}, write {figures['write_ms']} ms")  # fmt: skip
    if len(sys.argv) > 1:
        machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version(),
                   "numpy": np.__version__}  # fmt: skip
        Path(sys.argv[1]).write_text(json.dumps({"machine": machine, "rans": rows, "ports": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
