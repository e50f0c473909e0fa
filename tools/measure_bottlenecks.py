#!/usr/bin/env python3
"""What the trainers of small networks reach: error of luma blocks through 16 units that are not quantized, and seconds.

    python tools/measure_bottlenecks.py --data PICTURES

Beside them principal components, the best of all linear codes. Writes results/systems/bottlenecks.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, table

from calotype.blocks import LUMA_CHROMA
from calotype.dense import SCALE
from calotype.train import bottlenecks, design
from calotype.train.block_contexts import coefficients

UNITS, BLOCKS = 16, 20_000
RUNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("back-propagation, tanh", "backpropagation", {}),
    ("back-propagation, 48 rectified units on each side", "backpropagation", {"wide": 48, "activation": "none"}),
    ("Levenberg-Marquardt, tanh", "levenberg-marquardt", {}),
    ("Kalman filter, tanh", "kalman", {}),
    ("Boltzmann machine, then back-propagation", "boltzmann", {}),
    ("genetic search", "genetic", {}),
)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, required=True, help="pictures to train on and to measure")
    args = flags.parse_args()
    crops = design.pictures(args.data, most_px=2_000_000)
    parts = coefficients(crops, np.eye(64, dtype=np.float32), LUMA_CHROMA, 32)
    blocks = np.concatenate([part[0].reshape(64, -1) for part in parts], 1).astype(float)
    blocks = (blocks - blocks.mean(0)) / SCALE
    some = blocks[:, np.random.default_rng(0).permutation(blocks.shape[1])]
    train, held = some[:, :BLOCKS], some[:, BLOCKS : 2 * BLOCKS]
    _, vectors = np.linalg.eigh(train @ train.T)
    kept = vectors[:, -UNITS:]
    error = float(np.square(held - kept @ (kept.T @ held)).mean())
    rows = [{"trainer": "principal components", "error": round(error * SCALE**2, 2), "seconds": 0.0}]
    data: dict[str, Any] = {"units": UNITS, "variance": round(float(held.var()) * SCALE**2, 1), "rows": rows}
    with load_of_machine(data):
        for title, name, settings in RUNS:
            began = time.process_time()
            net = bottlenecks.TRAINERS[name](train, UNITS, **settings)
            seconds = time.process_time() - began
            found = bottlenecks.error(net, held) * SCALE**2
            rows.append({"trainer": title, "error": round(found, 2), "seconds": round(seconds, 1)})
    data["machine"] = machine()
    print(table(["trainer", "squared error", "processor s"], [list(row.values()) for row in rows]))
    print(f"variance of the held-out blocks: {data['variance']}")
    (RESULTS / "systems").mkdir(parents=True, exist_ok=True)
    (RESULTS / "systems" / "bottlenecks.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
