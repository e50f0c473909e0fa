#!/usr/bin/env python
"""What is built of the surveyed systems: src/calotype/literature/figures.json, docs/systems/catalogue.md and trained.md.

    python tools/write_systems.py            points from results/systems, networks counted where they are new
    python tools/write_systems.py --count    networks of all recipes counted again (needs torch; seconds each)
    python tools/write_systems.py --check    say what is stale, and fail; nothing is written, nothing is counted

Points are those of tools/measure_system.py. Parameters, multiplications and passes are counted at the default size.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import trained_systems

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "src" / "calotype" / "literature" / "figures.json"
PAGE = ROOT / "docs" / "systems" / "catalogue.md"
TRAINED = ROOT / "docs" / "systems" / "trained.md"
BEGIN, END = "<!-- written by tools/write_systems.py from here -->\n", "<!-- to here -->\n"
SIDE = 512  # of the crop on which multiplications and passes are counted, pixels
BOTH_WAYS = "lifting.", "analysis.flow."  # layers that run once forwards and once backwards
COUNTED = ("parameters", "kmac_decode", "kmac_encode", "passes")


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--check", action="store_true", help="write nothing; exit code 1 where something is stale")
    flags.add_argument("--count", action="store_true", help="count the networks of all recipes again")
    args = flags.parse_args()

    from calotype import literature

    before = json.loads(FIGURES.read_text("utf-8"))
    now = figures(before, count=args.count, only_known=args.check)
    stale = [] if now == before else [FIGURES]
    if stale and not args.check:
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in now.items())
        FIGURES.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        literature.figures.cache_clear()
    for path, text in ((PAGE, page()), (TRAINED, with_table(TRAINED.read_text("utf-8")))):
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not args.check:
            path.write_text(text, encoding="utf-8")
            if path == TRAINED:
                trained_systems.draw()
    for path in stale:
        said = "stale, run tools/write_systems.py" if args.check else "written"
        print(f"{path.relative_to(ROOT)}: {said}")
    if args.check and stale:
        sys.exit(1)


def figures(before: dict[str, Any], *, count: bool, only_known: bool) -> dict[str, Any]:
    """figures.json as it should be; with `only_known`, what was counted before is taken for right."""
    from calotype import zoo
    from calotype.model import store

    shipped = {entry.recipe for entry in store.installed() if entry.source == "packaged"}
    found = {}
    for name in zoo.names():
        recipe, known = zoo.recipe(name), before.get(name, {})
        entry: dict[str, Any] = {key: known[key] for key in COUNTED if key in known}
        if recipe.build is not None and (count or not entry) and not only_known:
            entry = counted(recipe)
            print(f"{name}: {entry}", file=sys.stderr)
        measured = ROOT / "results" / "systems" / f"{name}.json"
        trained = name in shipped or measured.exists()
        entry["made"] = "designed" if recipe.design is not None else "trained" if trained else "untrained"
        if measured.exists():
            said = json.loads(measured.read_text("utf-8"))
            entry["points"] = [
                [p["level"], p["bpp"], p["psnr"]] for p in said["points"] if p["psnr"] not in (None, math.inf)
            ]
            if said["bd_rate"].get("psnr"):
                entry["bd_rate"] = said["bd_rate"]["psnr"]["percent"]
        entry |= speed(name)
        found[name] = entry
    return found


def speed(name: str) -> dict[str, Any]:
    """Megapixels a second on two threads, of tools/measure_speeds.py or else of tools/measure_system.py; {} if neither.

    Where a recipe was only timed on a busy machine, they are those of one thread by processor time, and say so.
    """
    folder = ROOT / "results" / "systems"
    if (folder / "speeds.json").exists():
        said = json.loads((folder / "speeds.json").read_text("utf-8"))
        if row := said["recipes"].get(name):
            return {"encode_mp_s": row["encode_2"], "decode_mp_s": row["decode_2"]}
        if row := said.get("processor", {}).get("recipes", {}).get(name):
            return {"encode_mp_s": row["encode_1"], "decode_mp_s": row["decode_1"], "clock": "processor"}
    if (folder / f"{name}.json").exists():
        row = json.loads((folder / f"{name}.json").read_text("utf-8")).get("speed", {}).get("threads_2")
        if row:
            return {key: row[key] for key in ("encode_mp_s", "decode_mp_s")}
    return {}


def counted(recipe: Any) -> dict[str, Any]:
    """Parameters, thousands of multiplications a pixel, and passes of the default size, on one crop of noise."""
    import torch

    from calotype.nets.counting import kmac_per_pixel
    from calotype.train import pyramid_system, system
    from calotype.train.port import TrainingPort

    calls = []

    class Counting(TrainingPort):
        def code(self, *arguments: Any, **named: Any) -> Any:
            calls.append(arguments[0])
            return super().code(*arguments, **named)

        def settle(self, name: str, values: Any, predict: Any, fronts: int) -> Any:
            calls.extend([name] * (fronts - 1))
            return self.code(name, values, predict(values.round()))  # once, where training may take several rounds

    torch.manual_seed(0)
    built = recipe.system().eval()
    if hasattr(walk := getattr(built, "walk", None), "rounds"):  # blocks in a loop: seen once, coded in waves
        walk.rounds = 0, 0
        if hasattr(walk, "count"):
            calls.extend(["q"] * (walk.count(SIDE // walk.side, SIDE // walk.side) - 1))
    crop = torch.rand(1, 3, SIDE, SIDE) * 255
    kept = system.TrainingPort, pyramid_system.TrainingPort
    system.TrainingPort = pyramid_system.TrainingPort = Counting
    try:
        costs = kmac_per_pixel(built, lambda: built(crop, torch.tensor([0.5])), SIDE * SIDE)
    finally:
        system.TrainingPort, pyramid_system.TrainingPort = kept
    declared = getattr(built, "declared", {})
    encoders = "analysis", "branch", *(f"nets.{name}" for name, net in declared.items() if net.part == "encoder")
    groups = getattr(built, "walk_parameters", {}).get("order", (1,))[-1]
    for key in costs:
        if key.startswith(("nets.context.", "nets.query.", "nets.tokens.")):
            costs[key] *= groups  # the codec visits a position once for each group of channels
    shares = {key: 0.5 if key.startswith(BOTH_WAYS) else float(key.startswith(encoders)) for key in costs}
    encode = sum(cost * shares[key] for key, cost in costs.items())
    return {
        "parameters": sum(p.numel() for p in built.parameters()),
        "kmac_decode": round(sum(costs.values()) - encode, 2),
        "kmac_encode": round(encode, 2),
        "passes": walk.passes(SIDE, SIDE) if hasattr(walk, "passes") else len(calls),
    }


def with_table(text: str) -> str:
    """The page of trained systems with its table as it should be."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + trained_systems.page_table() + END + rest.split(END)[1]


def page() -> str:
    """docs/systems/catalogue.md."""
    from calotype import literature, zoo

    rows = literature.rows()
    built = [row for row in rows if row.built]
    lines = [
        "# Catalogue of surveyed systems",
        "",
        "<!-- written by tools/write_systems.py -->",
        f"{len(rows)} systems that five surveys describe (numbered 000 to 004); {len(built)} of them are here, with a recipe,",
        "a command or a codec of the benchmark.",
        "The same as a list or as JSON: `calotype systems [--family F] [--survey S] [--json]`. Weights: A trains on a CPU in",
        "an hour or needs no training, B wants an accelerator, C wants data of its domain. Figures of the surveys are quoted",
        "as printed, plausible or not. *Untrained* recipes run, but nothing was measured of their compression. Speeds: two",
        "threads of a machine that was not always at rest (results/systems); for orders of magnitude. Those with a star: one",
        "thread by processor time, on a machine that was busy, which reads a tenth to a half too slow (five recipes have both).",
        "",
    ]
    head = ("recipe", "rows", "state", "parameters", "kMAC/px decode, encode", "passes", "MP/s encode, decode", "Kodak")
    lines += ["## Recipes", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in zoo.names():
        known = literature.figures().get(name)
        if known is None:
            continue
        of = ", ".join(f"`{row}`" for row in literature.built_by(name))
        points = " · ".join(f"{psnr:.2f} dB at {bpp:.3f}" for _, bpp, psnr in known.points[1:-1:2])
        rate = "" if known.bd_rate is None else f"{known.bd_rate:+.1f} % against JPEG; "
        cost = "" if known.kmac_decode is None else f"{known.kmac_decode:.1f}, {known.kmac_encode:.1f}"
        size = "" if known.parameters is None else f"{known.parameters / 1e6:.2f} M"
        pace = "" if known.encode_mp_s is None else f"{known.encode_mp_s:.2g}, {known.decode_mp_s:.2g}"
        pace += " \\*" if known.clock else ""
        cells = [f"`{name}`", of, known.made, size, cost, str(known.passes or ""), pace, rate + points]
        lines.append("| " + " | ".join(cells) + " |")
    for family, title in literature.families().items():
        members = [row for row in rows if row.family == family]
        lines += ["", f"## {family} {title}", "", "| row | what it is | surveys | their figures | weights | here |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        for row in members:
            ours = [f"`{name}`" for name in row.recipes] + [f"`calotype {row.verb}`"] * bool(row.verb)
            theirs = ["benchmark: " + ", ".join(f"`{name}`" for name in row.codecs)] * bool(row.codecs)
            here = ", ".join(ours + theirs) or ("" if row.status == "must" else "selectable")
            cells = [f"`{row.id}`", row.method, row.references, row.figures, row.weights, here]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
