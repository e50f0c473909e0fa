#!/usr/bin/env python
"""What each part of the default model is worth: rate at equal PSNR on held-out crops with the part switched off.

    python tools/measure_ablations.py --data PICTURES [--weights results/training/swift-4/weights.npz]

Nothing is trained again, so that each figure is the most that a part can be worth to this model: a model that had
learned without it would lose less. For contexts as a whole that says nothing (without the tables they choose, rates
multiply), but the means they predict can go alone: tables stay as they were, and values are coded around zero.
Writes results/ablations.json and ablations.md. Needs torch.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import load_of_machine, machine, table, where, write

ROOT = Path(__file__).resolve().parents[1]
RATES = 6


def parts() -> dict[str, Callable[[Any], None]]:
    """What is switched off -> how, in the trainable system."""

    def silence(*convs: Any) -> None:
        for conv in convs:
            conv.weight.zero_()
            if conv.bias is not None:
                conv.bias.zero_()

    def nearest(system: Any) -> None:
        system.tradeoffs = lambda rate: {}

    def around_zero(system: Any) -> None:
        for name, net in system.context.items():
            if "_step" in name:
                net.register_forward_hook(lambda net, given, found: (0 * found[0], found[1]))

    return {
        "the analysis branch": lambda system: silence(system.branch.out12, system.branch.out3, system.branch.out4),
        "the post-filter that earlier weights had": lambda system: silence(system.post.out),
        "rate-distortion optimized quantization": nearest,
        "predicted means, their tables kept": around_zero,
    }


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, required=True, help="the pictures of training, whose held-out part is used")
    flags.add_argument("--weights", type=Path, default=ROOT / "results" / "training" / "swift-4" / "weights.npz")
    flags.add_argument("--crops", type=int, default=16)
    args = flags.parse_args()

    import torch

    from calotype import zoo
    from calotype.train import data, resume, validation

    torch.set_num_threads(1)
    weights = resume.load_weights(args.weights)
    held_out = data.load(data.split(data.find(args.data), 0.03)[1], torch.device("cpu"), threads=1)
    crops = held_out.fixed(args.crops, 256)

    size = "filtered" if any(name.startswith("post.") for name in weights) else "default"
    switches = {name: switch for name, switch in parts().items() if size == "filtered" or "post" not in name}

    def curve(switch: Callable[[Any], None] | None) -> validation.Curve:
        system = zoo.recipe("swift").system(size)
        resume.take_weights(system, weights)
        with torch.no_grad():
            if switch:
                switch(system)
        return validation.validate(system, crops, system, RATES)

    began, said = time.monotonic(), {"weights": args.weights.parent.name, "crops": args.crops, "rows": []}
    with load_of_machine(said):
        whole = curve(None)
        for name, switch in switches.items():
            without = curve(switch)
            percent = validation.relative_rate_percent(without, whole)
            said["rows"].append({"without": name, "percent": percent, "curve": without.rows()})
            print(f"without {name}: {percent}", file=sys.stderr, flush=True)
    said |= {"whole": whole.rows(), "seconds": round(time.monotonic() - began), "machine": machine()}
    write("ablations", said, page(said))


def page(said: dict[str, Any]) -> str:
    rows = [
        [row["without"], "no common range" if row["percent"] is None else f"{row['percent']:+.1f} %",
         f"{row['curve'][0][1]:.3f} / {row['curve'][0][2]:.2f}", f"{row['curve'][-1][1]:.3f} / {row['curve'][-1][2]:.2f}"]
        for row in said["rows"]
    ]  # fmt: skip
    whole = said["whole"]
    rows.insert(
        0, ["(nothing)", "0", f"{whole[0][1]:.3f} / {whole[0][2]:.2f}", f"{whole[-1][1]:.3f} / {whole[-1][2]:.2f}"]
    )
    return f"""# What each part of swift is worth

Weights `{said["weights"]}`, {said["crops"]} held-out crops of 256x256, {len(whole)} rates; bits as the coder would spend
them, estimated from the distributions. Each part is switched off in the trained model and nothing is trained again, so
that a figure is the most that the part can be worth.

{table(["without", "rate at equal PSNR", "least rate: bpp / dB", "highest rate: bpp / dB"], rows)}
What integers, tables, tiles and the container cost: [costs.md](costs.md). What more training brings:
[docs/training.md](../docs/training.md#would-more-training-help).

{where(said["machine"])}.
"""


if __name__ == "__main__":
    main()
