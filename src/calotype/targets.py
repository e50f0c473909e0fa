"""Files of a wanted size, rate or quality: encode, look, encode again; at most six times. The search is in rates.py.

Every value is that of a whole file or of the pixels our decoder makes of it; nothing is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calotype import codec, rates
from calotype.errors import TargetMissed, UsageError
from calotype.limits import DEFAULT
from calotype.metrics import registry as metrics
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.rates import MEASURES, Found, Target

__all__ = ["Reached", "encode"]

_METRICS = {"psnr": "psnr", "ms-ssim": "ms-ssim-db", "ssimulacra2": "ssimulacra2"}
_EXACT_DB = 120.0  # stands for infinite: more than any lossy file of 8-bit samples has
# Our own files, decoded to see what they look like: the picture is in memory already.
_OWN = replace(DEFAULT, max_pixels=2**62, max_samples=2**62, max_tiles=2**32, max_chunks=2**33)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A file for a target.

    value    what was reached, in the unit of the target's measure
    quality  as the file states it: `codec.encode` with this quality gives the same bytes
    hit      within the tolerance of the target; False only for `best_effort`, and for what is better than asked:
             nothing larger fits below a size, or the smallest file there is exceeds the quality
    tried    (quality, value) of every encode, in order
    """

    data: bytes
    target: Target
    value: float
    quality: float
    hit: bool
    tried: tuple[tuple[float, float], ...]

    @property
    def said(self) -> str:
        """One sentence for people."""
        reached = MEASURES[self.target.measure].said(self.value)
        encodes = f"{len(self.tried)} encode{'s' if len(self.tried) > 1 else ''}"
        return f"{self.target}: reached {reached} at quality {self.quality:g} in {encodes}"


def encode(
    picture: Picture,
    model: Model,
    target: Target,
    *,
    threads: int | None = None,
    best_effort: bool = False,
    **options: Any,
) -> Reached:
    """The file of a picture that comes nearest to a target.

    best_effort  the nearest file that is allowed instead of TargetMissed; never one above a size
    options      handed to `codec.encode`
    errors       TargetMissed; UsageError for a picture too small for its metric, ExtraMissing; those of codec.encode
    """
    metric = _METRICS.get(target.measure)
    if metric is not None:
        _check(metric, picture)
    pixels, manifest = picture.width_px * picture.height_px, model.manifest
    per_unit = {"size": pixels / 8}.get(target.measure, 1.0)
    metadata = len(picture.exif) + len(picture.icc) + len(picture.xmp) + sum(map(len, picture.comments))
    fixed = metadata * (8 / pixels if target.measure == "bpp" else 1)
    files: dict[int, bytes] = {}

    def value_at(rate: int) -> float:
        quality = rates.quality_of(rate, manifest)
        data = files[rate] = codec.encode(picture, model, quality=quality, threads=threads, **options)
        if metric is None:
            return len(data) if target.measure == "size" else 8 * len(data) / pixels
        decoded = codec.decode(data, limits=_OWN, threads=threads, model=model)
        return min(metrics.measure([metric], _as_rgb(picture), _as_rgb(decoded))[metric], _EXACT_DB)

    found = rates.search(target, value_at, unit=per_unit, fixed=fixed)
    rate = _best(target, found)
    hit = rate is not None and abs(rates.off(target, found.values[rate])) <= MEASURES[target.measure].tolerance
    if rate is None or not (hit or best_effort or _better(target, found)):
        raise _missed(target, found, rate, model)
    return Reached(
        data=files[rate],
        target=target,
        value=found.values[rate],
        quality=rates.quality_of(rate, manifest),
        hit=hit,
        tried=tuple((rates.quality_of(at, manifest), value) for at, value in found.values.items()),
    )


def _best(target: Target, found: Found) -> int | None:
    """The rate index of the nearest file that is allowed; None if none is."""
    allowed = [at for at, value in found.values.items() if target.measure != "size" or value <= target.value]
    return min(allowed, key=lambda at: abs(rates.off(target, found.values[at])), default=None)


def _better(target: Target, found: Found) -> bool:
    """Whether the file does better than was asked because the dial offers nothing nearer."""
    if target.measure == "size":  # nothing larger fits below it: neighbours, or the end of the dial
        return found.low >= 0 and found.high - found.low == 1
    return target.measure in _METRICS and found.high == 0


def _missed(target: Target, found: Found, rate: int | None, model: Model) -> TargetMissed:
    """What to say when nothing was near enough."""
    measure = MEASURES[target.measure]

    def said(at: int) -> str:
        return f"{measure.said(found.values[at])} (quality {rates.quality_of(at, model.manifest):g})"

    if found.low < 0:
        around = f"the lowest quality of model {model.name} gives {said(found.high)}"
    elif found.high not in found.values:
        around = f"no quality of model {model.name} gives more"
    else:
        near = "neighbours" if found.high - found.low == 1 else f"after {len(found.values)} encodes"
        around = f"it lies between {said(found.low)} and {said(found.high)}, {near}"
    reached = None if rate is None else measure.said(found.values[rate])
    quality = None if rate is None else rates.quality_of(rate, model.manifest)
    return TargetMissed(str(target), reached=reached, quality=quality, around=around)


def _check(metric: str, picture: Picture) -> None:
    """Raise before any work what would stop the metric afterwards."""
    metrics.check([metric])
    smallest = metrics.get(metric).smallest_side_px
    if min(picture.width_px, picture.height_px) < smallest:
        size = f"{picture.width_px}x{picture.height_px} pixels"
        raise UsageError(
            "picture", value=size, allowed=f"sides of {smallest} px or more for {metrics.get(metric).title}"
        )


def _as_rgb(picture: Picture) -> np.ndarray:
    """What metrics compare, uint8 [h, w, 3]: grey three times, alpha left out, 16 bits rounded to 8."""
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]
