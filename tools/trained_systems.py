"""Trained systems of the literature beside what was published: the rows and the picture of docs/systems/trained.md.

Written by tools/write_systems.py. Points are those of results/systems (tools/measure_system.py), training is that of
results/training, published curves are the benchmark's anchors. Nothing is measured here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import table

ROOT = Path(__file__).resolve().parents[1]
SYSTEMS, TRAINING = ROOT / "results" / "systems", ROOT / "results" / "training"
PICTURE = ROOT / "docs" / "systems" / "trained.png"

# The curve that was published for the same system, where the benchmark has it: full width, a model for each rate.
PUBLISHED = {
    "balle2018-factorized": "paper-bmshj2018-factorized",
    "balle2018-hyperprior": "paper-bmshj2018-hyperprior",
    "cheng2020-gmm": "cheng2020-authors",
    "cui2021-gained": "gainedvae-mshyper",
    "he2021-checkerboard": "paper-minnen2018-checkerboard-mse",
    "minnen2018-hyperprior": "paper-mbt2018-mean",
    "minnen2018-joint": "paper-mbt2018",
    "minnen2020-charm": "paper-minnen2020-cc10-mse",
    "theis2017-cae": "tfc-theis-2017-iclr",
}
LEAST_OVERLAP = 0.2  # of the quality that both curves reach; a comparison over less says nothing
DRAWN = (
    ("simple priors", ("balle2016-gdn", "theis2017-cae", "balle2018-factorized", "brummer2021-priors",
                       "cheng2018-cae-pca", "ashok2018-varlatent")),
    ("hyperpriors and contexts", ("balle2018-hyperprior", "minnen2018-hyperprior", "he2021-checkerboard-quad-tree",
                                  "minnen2018-joint", "minnen2020-charm", "cheng2020-gmm")),
)  # fmt: skip
BESIDE = ("jpeg-420", "swift", "bpg")  # drawn in grey, to see where one is


def measured() -> dict[str, dict[str, Any]]:
    """Name, with the size if it is not the default -> results/systems of trained recipes."""
    from calotype import zoo

    found = {}
    for name in zoo.names():
        if zoo.recipe(name).build is None:
            continue
        for path in sorted(SYSTEMS.glob(f"{name}*.json")):
            said = json.loads(path.read_text("utf-8"))
            if said.get("recipe") == name and "points" in said:
                found[path.stem] = said
    return found


def training(name: str) -> str:
    """What results/training says of the run: minutes, steps, megapixels, and what it gained on its validation crops."""
    folder = TRAINING / name
    if not (folder / "run.json").exists():
        return ""
    run = json.loads((folder / "run.json").read_text("utf-8"))
    settings, phase = run["settings"], run["phases"][-1]
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    end = next(event for event in reversed(events) if event["event"] == "end")
    batch, side = settings.get("batch") or phase["batch"], settings.get("crop_px") or phase["crop_px"]
    said = f"{end['seconds'] / 60:.0f} min, {end['step']} steps, {end['step'] * batch * side**2 / 1e6:.0f} Mpx"
    return said + (f", from `{Path(settings['init']).name}`" if settings.get("init") else "")


def against(curve: tuple[Any, Any], said: dict[str, Any]) -> str:
    """Percent of rate at equal PSNR over the range that both have, or a dash."""
    from calotype.errors import UsageError
    from calotype.metrics.bjontegaard import bd_rate

    ours = [p["bpp"] for p in said["points"]], [p["psnr"] for p in said["points"]]
    try:
        found = bd_rate((list(curve[0]), list(curve[1])), ours, least_overlap=LEAST_OVERLAP)
    except UsageError:
        return "–"
    return f"{found.percent:+.0f} % ({found.low:.1f} to {found.high:.1f} dB)"


def rows() -> list[list[str]]:
    """A row for each trained system: name, training, points, against JPEG, against its own published curve, the survey."""
    from calotype import literature
    from calotype.bench import anchors

    curves = {curve.name: curve for curve in anchors.load() if curve.dataset == "kodak"}
    printed = {row.id: row.figures for row in literature.rows()}
    path = SYSTEMS / "speeds.json"
    timed = json.loads(path.read_text("utf-8")) if path.exists() else {"recipes": {}}
    paces = {name: row | {"mark": " \\*"} for name, row in timed.get("processor", {"recipes": {}})["recipes"].items()}
    paces |= timed["recipes"]
    found = []
    for name, said in measured().items():
        points = said["points"]
        shown = " · ".join(
            f"{p['psnr']:.2f} at {p['bpp']:.3f}" for p in (points[0], points[len(points) // 2], points[-1])
        )
        rate = said["bd_rate"].get("psnr")
        jpeg = f"{rate['percent']:+.0f} %" if rate else "–"
        curve = curves.get(PUBLISHED.get(said["recipe"], ""))
        theirs = f"{against((curve.bpp, curve.psnr), said)}" if curve else ""
        survey = "; ".join(dict.fromkeys(printed[row] for row in literature.built_by(said["recipe"]) if row in printed))
        pace = paces.get(name)
        speeds = f"{pace['encode_1']:.1f}, {pace['decode_1']:.1f}{pace.get('mark', '')}" if pace else ""
        found.append([f"`{name}`", training(name), shown, jpeg, theirs, speeds, survey.replace("|", "\\|")])
    return found


def page_table() -> str:
    """The rows as Markdown."""
    head = ["system", "training", "Kodak, dB at bpp", "against JPEG", "against its published curve",
            "encode, decode MP/s of a thread", "what the surveys print"]  # fmt: skip
    return table(head, rows())


def draw() -> None:
    """docs/systems/trained.png: two panels over rate, JPEG, swift and BPG beside them."""
    import gzip

    import matplotlib

    matplotlib.use("agg")
    import numpy as np
    from matplotlib import pyplot

    from calotype.bench import anchors

    found, beside = measured(), {}
    levels: dict[tuple[str, float], list[tuple[float, float]]] = {}
    with gzip.open(ROOT / "results" / "kodak" / "rows.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row.get("kind") == "row" and row["codec"] in BESIDE and row["metrics"]:
                levels.setdefault((row["codec"], row["level"]), []).append((row["bpp"], row["metrics"]["psnr"]))
    for (codec, _), pairs in sorted(levels.items()):
        beside.setdefault(codec, []).append(tuple(np.mean(pairs, axis=0)))
    beside |= {
        c.name: list(zip(c.bpp, c.psnr, strict=True))
        for c in anchors.load()
        if c.name in BESIDE and c.dataset == "kodak"
    }
    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
    for panel, (title, names) in zip(panels, DRAWN, strict=True):
        for name, dash in zip(BESIDE, (":", "-", "--"), strict=True):
            pairs = sorted(beside.get(name, []))
            panel.plot(*zip(*pairs, strict=True), color="#999999", linestyle=dash, linewidth=1.2, label=name)
        for name in names:
            if name in found:
                points = found[name]["points"]
                panel.plot([p["bpp"] for p in points], [p["psnr"] for p in points], marker="o", markersize=3,
                           linewidth=1.3, label=name)  # fmt: skip
        panel.set_title(title, fontsize=10)
        panel.set_xlim(0, 1.6)
        panel.set_ylim(25, 40)
        panel.set_xlabel("bits per pixel")
        panel.grid(color="#eeeeee")
        panel.legend(fontsize=8, loc="lower right", framealpha=0.9, edgecolor="none")
    panels[0].set_ylabel("PSNR, dB (mean over Kodak)")
    figure.savefig(PICTURE, dpi=110)
