#!/usr/bin/env python
"""README's figures and the pages of results/kodak and results/photos, from the summaries that `calotype bench` leaves there.

    python tools/write_results.py            write them
    python tools/write_results.py --check    say which are stale, and fail; nothing is written

A summary follows from the rows beside it: `calotype bench --report-only results/kodak` makes it anew.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import table

from calotype.bench import anchors

ROOT = Path(__file__).resolve().parents[1]
OURS = "swift"
# What README compares with; the pages have all of them.
IN_README = (
    "jpeg-420", "webp", "jpegxl-e7", "jpeg2000", "heic-444", "avif-444", "avif-444-psnr", "vvc-420", "vtm",
)  # fmt: skip
TIMED_IN_README = (OURS, "jpeg-420", "webp", "avif-444", "avif-444-psnr", "jpegxl-e7")
METRICS = {"psnr": "PSNR", "ms-ssim-db": "MS-SSIM", "ssimulacra2": "SSIMULACRA 2"}
EARLIER = {c.name.removeprefix("measured-"): c for c in anchors.load() if c.kind == "measured" and c.dataset == "kodak"}
BEGIN, END = "<!-- figures: tools/write_results.py writes from here -->\n", "<!-- to here -->\n"

Summary = dict[str, Any]


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--check", action="store_true", help="write nothing; exit code 1 where something is stale")
    check = flags.parse_args().check
    stale = [path for path, said in pages(ROOT).items() if not path.exists() or path.read_text("utf-8") != said]
    for path in stale:
        if not check:
            path.write_text(pages(ROOT)[path], encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'stale, run tools/write_results.py' if check else 'written'}")
    if check and stale:
        sys.exit(1)


def pages(root: Path) -> dict[Path, str]:
    """What each page should be."""
    kodak, photos = (_summary(root / "results" / name) for name in ("kodak", "photos"))
    assert kodak, "results/kodak/summary.json is missing"
    found = {
        root / "README.md": readme((root / "README.md").read_text(encoding="utf-8"), kodak, photos),
        root / "results" / "kodak" / "README.md": kodak_page(kodak),
    }
    if photos:
        found[root / "results" / "photos" / "README.md"] = photos_page(photos)
    return found


def _summary(folder: Path) -> Summary | None:
    """What a folder's rows come to; None where nothing was measured."""
    path = folder / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def readme(said: str, kodak: Summary, photos: Summary | None = None) -> str:
    """README with the figures between its marks made anew."""
    tables = _on_photos(photos) + _speed_block(kodak)
    block = f"""
On the {kodak["pictures"]} Kodak pictures, whole files, at equal quality averaged over the range that both cover: the default
model `{OURS}` needs, against

{differences(kodak, IN_README)}
Minus is fewer bytes. SSIMULACRA 2 was made to agree with eyes; `swift` is trained for PSNR. Published curves carry no
SSIMULACRA 2.{_without_loss(kodak)}

{tables}All codecs, single pictures, settings, machine and commands: [results/kodak/](results/kodak/README.md), and
[the page](results/kodak/report.html) that `calotype bench` makes of them.

![PSNR over bits per pixel on Kodak](results/kodak/rd-psnr.png)
"""
    if BEGIN not in said or END not in said:
        sys.exit(f"README.md has lost its marks {BEGIN.strip()} and {END.strip()}")
    before, rest = said.split(BEGIN)
    return before + BEGIN + block + "\n" + END + rest.split(END)[1]


def _on_photos(photos: Summary | None) -> str:
    """The same on large photographs, where they were measured."""
    if not photos:
        return ""
    return f"""On {photos["pictures"]} photographs of 8 to 9 megapixels ([results/photos/](results/photos/README.md)), against

{differences(photos, IN_README)}
"""


def _speed_block(kodak: Summary) -> str:
    """The table of speeds and what it is, where something was timed."""
    if not kodak["timings"]:
        return ""
    return f"""{speeds(kodak, TIMED_IN_README)}
{_timed(kodak)}: medians of runs that had the machine to themselves, codecs in turn, each at the level nearest to the same
PSNR. Memory is what encoding or decoding, the larger, takes above what the process held.

"""


def differences(kodak: Summary, names: Iterable[str] | None = None) -> str:
    """BD-rates of ours against others, a column for each metric."""
    rates = {metric: kodak["bd_rates"].get(metric, {}).get(OURS, {}) for metric in METRICS}
    known = [name for name in names or rates["psnr"] if name in rates["psnr"] and name != OURS]
    known.sort(key=lambda name: _or_last(rates["psnr"][name].get("percent")))
    rows = [[_title(kodak, name), *(percent(rates[metric].get(name)) for metric in METRICS)] for name in known]
    return table(["against", *METRICS.values()], rows)


def _or_last(value: float | None) -> float:
    return 1e9 if value is None else value


def percent(entry: dict[str, Any] | None) -> str:
    """A BD-rate; a dash where there is none."""
    if not entry or entry.get("percent") is None:
        return "–"
    value = entry["percent"]
    return f"{value:+.0f} %" if abs(value) >= 10 else f"{value:+.1f} %"


def _title(summary: Summary, name: str) -> str:
    if name in summary["codecs"]:
        return summary["codecs"][name]["title"]
    return f"{summary['published'][name]['title']}, published"


def _without_loss(kodak: Summary) -> str:
    """A sentence about lossless files, where ours was measured."""
    rates = {name: codec["bpp"] for name, codec in kodak["codecs"].items() if codec.get("bpp")}
    ours = rates.get("calotype-lossless")
    others = {name: rates[name] for name in ("png", "webp-lossless", "jpegxl-e7-lossless") if name in rates}
    if not ours or not others:
        return ""
    said = ", ".join(f"{_title(kodak, name).split(', ')[0]} {rate:.2f}" for name, rate in others.items())
    return f" Without loss `--lossless` takes {ours:.2f} bits a pixel ({said})."


def speeds(kodak: Summary, names: Iterable[str] | None = None) -> str:
    """Megapixels a second with one and two threads, and memory."""
    threads = sorted(kodak["timings"], key=int)
    known = dict.fromkeys(name for by in kodak["timings"].values() for name in by)
    rows = []
    for name in names or known:
        if name not in known:
            continue
        costs = [kodak["timings"][count].get(name) for count in threads]
        row = [next(cost["title"] for cost in costs if cost)] + [
            _figure(c, key) for key in ("encode_mp_s", "decode_mp_s") for c in costs
        ]
        peaks = [c[key] or 0 for c in costs if c for key in ("encode_peak_bytes", "decode_peak_bytes")]
        rows.append([*row, f"{max(peaks) / 1e6:.3g} MB" if max(peaks, default=0) else "–"])
    words = [f"{word} MP/s, {n} thread{'s' * (n != '1')}" for word in ("encode", "decode") for n in threads]
    return table(["codec", *words, "memory"], rows)


def _figure(cost: dict[str, Any] | None, key: str) -> str:
    return f"{cost[key]:.3g}" if cost and cost[key] else "–"


def _timed(kodak: Summary) -> str:
    """What was timed."""
    return "Timed on " + ", ".join(re.sub(r"\.\w+$", "", name) for name in kodak["timed_on"])


def kodak_page(kodak: Summary) -> str:
    """results/kodak/README.md."""
    lossless = sorted((codec["bpp"], codec["title"]) for codec in kodak["codecs"].values() if codec.get("bpp"))
    return f"""# Kodak

Written by `python tools/write_results.py` from `summary.json`, which follows from the rows beside it. `report.html` is
the same as a page, with spreads over pictures and pieces to look at; it opens offline.

{_answers(kodak)}
{_curves_and_differences(kodak)}
## Against this project's earlier runs

The largest difference to the curves `measured-*` of `src/calotype/bench/anchors`, of the same libraries and settings, at any
level. Where a library has moved on, its files differ.

{reproduced(kodak)}
{_speed_section(kodak)}## Without loss

{table(["codec", "bpp"], [[title, f"{rate:.3f}"] for rate, title in lossless])}
{_where(kodak)}"""


def photos_page(photos: Summary) -> str:
    """results/photos/README.md."""
    return f"""# Photographs of 8 to 9 megapixels

{photos["pictures"]} photographs that no model was trained on, decoded once and from then on the originals. Written by `python
tools/write_results.py` from `summary.json`, which follows from the rows beside it; `calotype bench --report-only
results/photos` makes the page with single pictures. Five levels a codec; nothing was timed, the rows' seconds are those of
a busy machine.

Nobody published curves of these pictures, so that there is no VTM and no BPG here. They were kept as AVIF of quality 86 to
91, at 39 to 46 dB: what that took away no codec has to code, and AVIF least of all.

{_curves_and_differences(photos)}
{_where(photos)}"""


def _answers(summary: Summary) -> str:
    """The report's questions with its answers, as a list."""
    return "\n".join(
        f"* {answer['question']} **{answer['answer']}.** {answer['evidence']}" for answer in summary["answers"]
    ).replace("\N{NO-BREAK SPACE}", " ")


def _curves_and_differences(summary: Summary) -> str:
    """Pictures of the curves, the points of ours, and BD-rates of ours and of everyone."""
    curves = summary["codecs"][OURS]["curves"]
    points = [
        [f"{level:g}", f"{rate:.4f}", *(f"{curves[metric][place][2]:.3f}" for metric in METRICS if metric in curves)]
        for place, (level, rate, _) in enumerate(curves["psnr"])
    ]
    return f"""
![PSNR over bits per pixel](rd-psnr.png)
![MS-SSIM over bits per pixel](rd-ms-ssim-db.png)
![SSIMULACRA 2 over bits per pixel](rd-ssimulacra2.png)

## Calotype {OURS}

Means over {summary["pictures"]} pictures; MS-SSIM in decibels.

{table(["quality", "bpp", *(title for metric, title in METRICS.items() if metric in curves)], points)}
Bytes at equal quality against every other codec, minus is fewer ({summary["bd_rate_method"]}):

{differences(summary)}
## Every codec against {_title(summary, summary["reference"])}

{_everyone(summary)}"""


def _speed_section(kodak: Summary) -> str:
    """Speeds of all codecs that were timed."""
    if not kodak["timings"]:
        return ""
    return f"""## Speed

{_timed(kodak)}, each codec at the level nearest to the same PSNR, warmed up, in random turns; medians.

{speeds(kodak)}
"""


def _everyone(kodak: Summary) -> str:
    """BD-rates of all codecs against the reference with their spread in PSNR, and what they cost."""
    rows = []
    for name, codec in kodak["codecs"].items():
        rates = [kodak["bd_rates"].get(metric, {}).get(name, {}).get(kodak["reference"]) for metric in METRICS]
        if codec["lossless"] or not rates[0]:
            continue
        five = rates[0].get("spread")
        spread = f"{five[0]:+.0f} .. {five[4]:+.0f} %" if five else "–"
        memory = max(codec["cost"][key] or 0 for key in ("encode_peak_bytes", "decode_peak_bytes")) / 1e6
        rows.append([codec["title"], percent(rates[0]), spread, *map(percent, rates[1:]), f"{memory:.3g} MB"])
    rows.sort(key=lambda row: float(row[1].split()[0]) if row[1] != "–" else 1e9)
    return table(["codec", "PSNR", "single pictures", "MS-SSIM", "SSIMULACRA 2", "memory"], rows)


def reproduced(kodak: Summary) -> str:
    """The largest relative difference in rate and the largest difference in PSNR, by codec."""
    rows = []
    for name, codec in kodak["codecs"].items():
        earlier = EARLIER.get(name)
        now = {level: (rate, quality) for level, rate, quality in codec.get("curves", {}).get("psnr", [])}
        if not earlier or not now:
            continue
        pairs = [
            (now[level], (rate, quality))
            for setting, rate, quality in zip(earlier.settings, earlier.bpp, earlier.psnr or (), strict=True)
            if (level := float(re.sub("[^0-9.]", "", str(setting)))) in now
        ]
        if pairs:
            rate = max((100 * (new[0] / old[0] - 1) for new, old in pairs), key=abs)
            quality = max((new[1] - old[1] for new, old in pairs), key=abs)
            rows.append([codec["title"], str(len(pairs)), f"{rate:+.2f} %", f"{quality:+.3f} dB"])
    return table(["codec", "levels", "rate", "PSNR"], rows)


def _where(summary: Summary) -> str:
    """The machines, as a last line."""
    said = []
    for machine in summary["machines"]:
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
        said.append(f"{machine['processor']}; {machine['cores']} cores; Python {machine['python']}; {versions}.")
    return "\n\n".join(dict.fromkeys(said)) + "\n"


if __name__ == "__main__":
    main()
