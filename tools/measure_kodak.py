#!/usr/bin/env python
"""Rate and distortion on Kodak from whole files, BD-rates against other codecs' curves, and a chart.

    python tools/measure_kodak.py FOLDER [--model FILE.calomodel] [--anchors FOLDER] [--workers 2] [--out results]

Every picture is encoded to a .calo file in memory and decoded again; bytes are those of the file, PSNR and MS-SSIM
those of the 8-bit RGB pixels; a point of the curve is the mean over the pictures of bpp and of the metric.
The other codecs' curves lie in results/anchors.json with their sources; --anchors collects them from a folder anew.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measuring

from calotype import codec, metrics
from calotype.errors import UsageError
from calotype.picture import Picture

QUALITIES = (7.0, 18.0, 30.0, 42.0, 55.0, 68.0, 82.0, 97.0)
# File of the folder: name, kind. "installable": a user gets it with pip, measured by this project on real files;
# "published": reference software and learned codecs, as their sources report them.
ANCHORS = {
    "measured-jpeg-420": ("JPEG 4:2:0", "installable"),
    "measured-jpeg-444": ("JPEG 4:4:4", "installable"),
    "measured-webp": ("WebP m6", "installable"),
    "measured-jpeg2000": ("JPEG 2000", "installable"),
    "measured-jpegxr": ("JPEG XR", "installable"),
    "measured-jpegxl-e7": ("JPEG XL e7", "installable"),
    "measured-heic-420": ("HEIC 4:2:0", "installable"),
    "measured-heic-444": ("HEIC 4:4:4", "installable"),
    "measured-avif-420": ("AVIF 4:2:0", "installable"),
    "measured-avif-444": ("AVIF 4:4:4", "installable"),
    "measured-avif-420-psnr": ("AVIF 4:2:0, tune psnr", "installable"),
    "measured-avif-444-psnr": ("AVIF 4:4:4, tune psnr", "installable"),
    "bpg": ("BPG 4:4:4", "published"),
    "hm": ("HM (HEVC)", "published"),
    "av1": ("AV1 (2021, slow)", "published"),
    "vtm": ("VTM 9.1 (VVC)", "published"),
    "compressai-bmshj2018-hyperprior-mse": ("hyperprior 2018", "published"),
    "compressai-mbt2018-mse": ("mbt2018", "published"),
    "compressai-cheng2020-anchor-mse": ("cheng2020-anchor", "published"),
    "paper-elic2022-mse": ("ELIC 2022", "published"),
    "coolchic-v3.4": ("Cool-chic 3.4", "published"),
}
REFERENCE = "VTM 9.1 (VVC)"


def anchors_from(folder: Path) -> dict[str, dict[str, Any]]:
    """The curves named above, from a folder of JSON files: bpp, psnr, ms_ssim, source and notes of each."""
    found = {}
    for stem, (name, kind) in ANCHORS.items():
        said = json.loads((folder / f"{stem}.json").read_text())
        kept = {key: said[key] for key in ("bpp", "psnr", "ms_ssim", "settings", "source", "notes") if said.get(key)}
        found[name] = {"kind": kind, **kept}
    return found


def measure_picture(file: Path, model_file: Path | None, qualities: tuple[float, ...]) -> list[dict[str, float]]:
    """One picture at all qualities: bytes, bpp, PSNR in dB, MS-SSIM."""
    model = measuring.load_model(model_file)
    pixels, points = measuring.pixels_of(file), []
    for quality in qualities:
        data = codec.encode(Picture.of(pixels), model, quality=quality, threads=1)
        decoded = codec.decode(data, model=model, threads=1).pixels
        points.append(
            {
                "quality": quality,
                "file_bytes": len(data),
                "bpp": metrics.bpp(len(data), pixels.shape[1], pixels.shape[0]),
                "psnr_db": metrics.psnr(pixels, decoded),
                "ms_ssim": metrics.ms_ssim(pixels, decoded),
            }
        )
    return points


def curve(said: dict[str, Any], metric: str) -> tuple[list[float], list[float]] | None:
    """(bpp, quality in dB) of an anchor, or None where it lacks the metric."""
    values = said.get(metric)
    if not values:
        return None
    return said["bpp"], [metrics.ms_ssim_db(v) for v in values] if metric == "ms_ssim" else values


def compared(ours: dict[str, Any], anchors: dict[str, dict[str, Any]], metric: str) -> dict[str, Any]:
    """BD-rates: ours against each anchor, and each anchor against the reference; percent and the interval in dB."""

    def rate(anchor: Any, test: Any) -> dict[str, float] | None:
        try:
            found = metrics.bd_rate(anchor, test)
        except UsageError:  # no overlap, or fewer than four points
            return None
        return {"percent": round(found.percent, 2), "low_db": round(found.low, 2), "high_db": round(found.high, 2)}

    mine, reference = curve(ours, metric), curve(anchors[REFERENCE], metric)
    found = {}
    for name, said in anchors.items():
        theirs = curve(said, metric)
        if theirs is not None:
            found[name] = {"ours_against_it": rate(theirs, mine), "it_against_reference": rate(reference, theirs)}
    return found


def page(result: dict[str, Any], anchors: dict[str, dict[str, Any]]) -> str:
    """results/kodak.md."""
    model = result["model"]
    formats = {"quality": "g", "bpp": ".4f", "psnr_db": ".3f", "ms_ssim": ".5f", "file_bytes": ",.0f"}
    points = [[format(p[key], kind) for key, kind in formats.items()] for p in result["points"]]

    def said(metric: str, name: str, key: str) -> tuple[str, str]:
        entry = result["bd_rates"][metric].get(name, {}).get(key)
        return (f"{entry['percent']:+.1f} %", f"{entry['low_db']:.1f}..{entry['high_db']:.1f}") if entry else ("–", "–")

    def percent(name: str) -> float:
        entry = result["bd_rates"]["psnr"].get(name, {}).get("ours_against_it")
        return entry["percent"] if entry else 0.0

    names = sorted(anchors, key=percent)
    rows = [
        [
            name,
            anchors[name]["kind"],
            *said("psnr", name, "ours_against_it"),
            *said("ms_ssim", name, "ours_against_it"),
            said("psnr", name, "it_against_reference")[0],
            said("ms_ssim", name, "it_against_reference")[0],
        ]
        for name in names
    ]
    head = ["against", "kind", "PSNR", "over dB", "MS-SSIM", "over dB", f"its PSNR to {REFERENCE}", "its MS-SSIM"]
    return f"""# Kodak

Model {model["name"]} ({model["identity"]}); whole files, 8-bit RGB pixels, means over {result["pictures"]} pictures.

{measuring.table(["quality", "bpp", "PSNR dB", "MS-SSIM", "mean bytes"], points)}
![PSNR over bits per pixel](kodak-psnr.png)

BD-rate of Calotype against other codecs: negative where Calotype needs fewer bytes for the same quality. PCHIP on the
logarithm of the rate over the interval that both curves cover; MS-SSIM in decibels. "installable" codecs were measured
by this project from real files; "published" curves are as their sources give them (`anchors.json`).

{measuring.table(head, rows)}
{measuring.where(result["machine"])}; {result["seconds"]:.0f} s in all.
"""


def chart(result: dict[str, Any], anchors: dict[str, dict[str, Any]], target: Path) -> None:
    """PSNR over bpp, ours thick, each curve named at its end."""
    import matplotlib

    matplotlib.use("Agg")
    import numpy as np
    from matplotlib import pyplot

    shown = {
        "VTM 9.1 (VVC)": ("#3d405b", "-"),
        "AVIF 4:4:4, tune psnr": ("#2a9d8f", "-"),
        "HEIC 4:4:4": ("#7b6d8d", "--"),
        "JPEG 2000": ("#8ab17d", "--"),
        "WebP m6": ("#b08968", "-"),
        "JPEG XL e7": ("#a0a0a0", "--"),
        "JPEG 4:2:0": ("#6c757d", ":"),
    }
    figure, axes = pyplot.subplots(figsize=(9.6, 6), dpi=130)
    top = 2.1
    lines = [("Calotype swift", [p["bpp"] for p in result["points"]], [p["psnr_db"] for p in result["points"]])]
    lines += [(name, anchors[name]["bpp"], anchors[name]["psnr"]) for name in shown if name in anchors]
    labels = []
    for name, rate, quality in lines:
        ours = name.startswith("Calotype")
        colour, style = ("#d1495b", "-") if ours else shown[name]
        marker = "o" if ours else None
        axes.plot(
            rate, quality, style, color=colour, lw=2.8 if ours else 1.6, marker=marker, ms=5.5, zorder=5 if ours else 3
        )
        end = float(np.interp(top, rate, quality))
        if rate[-1] < top:  # follow the last stretch to the border
            end = quality[-1] + (top - rate[-1]) * (quality[-1] - quality[-2]) / (rate[-1] - rate[-2])
        labels.append([end, name, colour, ours])
    # Names at the right border, pushed apart where curves end close together.
    labels.sort()
    gap = 0.72
    places = [entry[0] for entry in labels]
    for _ in range(200):
        for i in range(1, len(places)):
            short = gap - (places[i] - places[i - 1])
            if short > 1e-6:
                places[i - 1] -= short / 2
                places[i] += short / 2
    for place, (_, name, colour, ours) in zip(places, labels, strict=True):
        weight = "bold" if ours else "normal"
        axes.annotate(name, (top, place), (6, 0), "data", "offset points", color=colour, va="center", weight=weight)
    axes.set_xlim(0, top)
    axes.set_ylim(24, 44)
    axes.set_xlabel("bits per pixel, whole files")
    axes.set_ylabel("PSNR of RGB, dB")
    axes.set_title("Kodak, mean of 24 pictures", loc="left", weight="bold")
    axes.grid(color="#e6e6e6", lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Software": None})
    pyplot.close(figure)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("folder", type=Path, help="the pictures")
    flags.add_argument("--model", type=Path, help="a .calomodel file; the installed swift by default")
    flags.add_argument("--anchors", type=Path, help="collect the other codecs' curves from these JSON files")
    flags.add_argument("--qualities", type=float, nargs="+", default=QUALITIES)
    flags.add_argument("--workers", type=int, default=2, help="processes, each with one thread")
    flags.add_argument("--out", type=Path, default=measuring.RESULTS)
    said = flags.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    kept = said.out / "anchors.json"
    if said.anchors:
        kept.write_text(json.dumps(anchors_from(said.anchors), indent=1) + "\n")
    anchors = json.loads((kept if kept.exists() else measuring.RESULTS / "anchors.json").read_text())

    files, began = measuring.pictures(said.folder), time.perf_counter()
    result: dict[str, Any] = {"model": measuring.model_said(measuring.load_model(said.model)), "pictures": len(files)}
    result["machine"] = measuring.machine()
    with measuring.load_of_machine(result["machine"]), ProcessPoolExecutor(said.workers) as pool:
        jobs = [pool.submit(measure_picture, file, said.model, tuple(said.qualities)) for file in files]
        by_picture = {}
        for file, job in zip(files, jobs, strict=True):
            by_picture[file.stem] = job.result()
            print(f"{file.stem} {len(by_picture)}/{len(files)}", end="\r", file=sys.stderr, flush=True)
    columns = zip(*by_picture.values(), strict=True)
    result["points"] = [{key: statistics.fmean(p[key] for p in column) for key in column[0]} for column in columns]
    ours = {key: [p[of] for p in result["points"]] for key, of in (("bpp", "bpp"), ("psnr", "psnr_db"))}
    # The mean over pictures first, decibels after, as the anchors do.
    ours["ms_ssim"] = [p["ms_ssim"] for p in result["points"]]
    result["bd_rates"] = {metric: compared(ours, anchors, metric) for metric in ("psnr", "ms_ssim")}
    result["seconds"] = round(time.perf_counter() - began, 1)
    result["by_picture"] = by_picture
    chart(result, anchors, said.out / "kodak-psnr.png")
    measuring.write("kodak", result, page(result, anchors), said.out)


if __name__ == "__main__":
    main()
