"""Published rate-distortion curves with their sources (curves.json beside this file); nothing is measured here.

They were read from authors' repositories and tables; `source` says where, `notes` how. "measured" ones are earlier runs
of this project. Curves of different picture sets must not be compared: each names its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calotype.errors import UsageError
from calotype.metrics import ms_ssim_db

__all__ = ["DRAWN", "REFERENCE", "Curve", "datasets", "drawn", "find", "load"]

# What a report shows unless it is told otherwise: what each family of the literature reached, best known last.
DRAWN = (
    "vtm",
    "bpg",
    "av1",
    "compressai-bmshj2018-hyperprior-mse",
    "compressai-mbt2018-mean-mse",
    "compressai-cheng2020-anchor-mse",
    "paper-elic2022-mse",
    "c3",
    "coolchic-v5.0",
    "hpcm-large",
)
# The curve that BD-rates of the literature are given against.
REFERENCE = "vtm"


@dataclass(frozen=True)
class Curve:
    """A published curve: means over the pictures of a data set, one point for each setting, in order of the rate.

    name, title     unique within a data set; what people read
    kind            "conventional", "learned", or "measured" (an earlier run of this project)
    dataset         as bench.datasets names them; besides kodak-6 (six of them) and clic-compressai, a set that
                    CompressAI calls "clic2020-professional" and nobody else has
    bpp             bits per pixel
    psnr            dB of RGB samples, or None
    ms_ssim         0..1, or None
    source, notes   where it was read, and what a reader must know
    settings        of the encoder, where they were given
    """

    name: str
    title: str
    kind: str
    dataset: str
    bpp: tuple[float, ...]
    psnr: tuple[float, ...] | None
    ms_ssim: tuple[float, ...] | None
    source: str
    notes: str = ""
    settings: tuple[Any, ...] = ()

    def quality(self, metric: str) -> tuple[float, ...] | None:
        """The values of a metric as reports name it: "psnr", "ms-ssim" or "ms-ssim-db"; None where there are none."""
        if metric == "psnr":
            return self.psnr
        if self.ms_ssim is None or metric not in ("ms-ssim", "ms-ssim-db"):
            return None
        return self.ms_ssim if metric == "ms-ssim" else tuple(ms_ssim_db(value) for value in self.ms_ssim)


@cache
def load() -> tuple[Curve, ...]:
    """All curves, Kodak's first."""
    said = json.loads((files(__name__) / "curves.json").read_text(encoding="utf-8"))
    return tuple(_curve(entry) for entry in said["curves"])


def _curve(entry: dict[str, Any]) -> Curve:
    """One of the file's entries; its points in order of the rate."""
    order = sorted(range(len(entry["bpp"])), key=entry["bpp"].__getitem__)

    def column(key: str) -> tuple[Any, ...] | None:
        return tuple(entry[key][i] for i in order) if entry.get(key) else None

    return Curve(
        **{key: entry[key] for key in ("name", "title", "kind", "dataset", "source")},
        bpp=column("bpp") or (),
        psnr=column("psnr"),
        ms_ssim=column("ms_ssim"),
        notes=entry.get("notes", ""),
        settings=column("settings") or (),
    )


def datasets() -> tuple[str, ...]:
    """Names of the picture sets that there are curves of."""
    return tuple(dict.fromkeys(curve.dataset for curve in load()))


def find(name: str, dataset: str = "kodak") -> Curve:
    """One curve.

    errors   UsageError where the data set has no such curve
    """
    for curve in load():
        if (curve.name, curve.dataset) == (name, dataset):
            return curve
    known = [curve.name for curve in load() if curve.dataset == dataset]
    raise UsageError("anchor", value=f"{name} of {dataset}", allowed=", ".join(known or datasets()))


def drawn(dataset: str, names: Sequence[str] = DRAWN) -> tuple[Curve, ...]:
    """Those of `names` that a data set has, in their order; none for a data set that nobody published curves of."""
    here = {curve.name: curve for curve in load() if curve.dataset == dataset}
    return tuple(here[name] for name in names if name in here)
