"""Files of a wanted size, rate or quality: encode, look, encode again; at most six times. The search is in rates.py.

Every value is that of a whole file or of the pixels our decoder makes of it; nothing is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calotype import checking, codec, cutting, rates
from calotype.errors import CorruptError, TargetMissed, UsageError
from calotype.limits import DEFAULT
from calotype.metrics import registry as metrics
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.rates import MEASURES, Found, Target

__all__ = ["Reached", "encode"]

_METRICS = {"psnr": "psnr", "ms-ssim": "ms-ssim-db", "ssimulacra2": "ssimulacra2"}
_EXACT_DB = 120.0  # stands for infinite: more than any lossy file of 8-bit samples has
# Our own files, decoded to see what they look like: the picture is in memory already.
_OWN = replace(DEFAULT, max_pixels=2**62, max_samples=2**62, max_tiles=2**32, max_chunks=2**33, max_tile_px=2**15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A file for a target.

    value     what was reached, in the unit of the target's measure
    quality   as the file states it: the quality of the dial that means its rate; None for a file that is exact
    hit       within the tolerance of the target; False only for `best_effort`, and for what is better than asked: nothing
              larger fits below a size, the smallest file there is exceeds the quality, an exact file is no larger
    tried     (quality, value) of every encode, in order
    """

    data: bytes
    target: Target
    value: float
    quality: float | None
    hit: bool
    tried: tuple[tuple[float, float], ...]

    @property
    def said(self) -> str:
        """One sentence for people."""
        reached = MEASURES[self.target.measure].said(self.value)
        if self.quality is None:
            return f"{self.target}: coded exactly, in {len(self.data):,} bytes"
        encodes = f"{len(self.tried)} encode{'s' if len(self.tried) > 1 else ''}"
        return f"{self.target}: reached {reached} at quality {self.quality:g} in {encodes}"


def encode(
    picture: Picture,
    model: Model,
    target: Target,
    *,
    threads: int | None = None,
    best_effort: bool = False,
    check: bool = True,
    effort: int = 0,
) -> Reached:
    """The file of a picture that comes nearest to a target; exact coding instead, where that is as good and no larger.

    best_effort  the nearest file that is allowed instead of TargetMissed; never one above a size
    check        decode the file that is kept, where the search did not
    effort       of every encode, as codec.encode has it
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
    alpha: dict[int, bytes] = {}

    def value_of(data: bytes) -> float:
        if metric is None:
            return len(data) if target.measure == "size" else 8 * len(data) / pixels
        decoded = codec.decode(data, limits=_OWN, threads=threads, model=model)
        return min(metrics.measure([metric], *_compared(picture, decoded))[metric], _EXACT_DB)

    def value_at(rate: int) -> float:
        # Checked at the end: a file that is only looked at must not become another one for being bad.
        files[rate] = codec.encode(
            picture, model, rate_index=rate, check=False, threads=threads, alpha=alpha, effort=effort
        )
        return value_of(files[rate])

    # Black and white has no dial: every rate gives the exact file.
    found = Found({}, -1, 0) if picture.bilevel else rates.search(target, value_at, unit=per_unit, fixed=fixed)
    rate = _best(target, found)
    if metric is None and found.values and cutting.embedded(model):
        above = _above(target, found, rate, value_at)
        limit = target.value * pixels / 8 if target.measure == "bpp" else target.value
        if above is not None:
            files[above] = cutting.cut(files[above], int(limit), limits=_OWN, model=model)
            found.values[above] = value_of(files[above])
            rate = above
    tried = tuple((rates.quality_of(at, manifest), value) for at, value in found.values.items())
    hit = rate is not None and abs(rates.off(target, found.values[rate])) <= MEASURES[target.measure].tolerance
    exact = _exact(picture, _room(target, None if rate is None else len(files[rate]), hit, pixels), check, threads)
    if exact is not None:
        perfect = 100.0 if target.measure == "ssimulacra2" else math.inf
        value = {"size": len(exact), "bpp": 8 * len(exact) / pixels}.get(target.measure, perfect)
        return Reached(data=exact, target=target, value=value, quality=None, hit=hit, tried=tried)
    if rate is None or not (hit or best_effort or _better(target, found)):
        raise _missed(target, found, rate, model)
    if check and (metric is None or picture.has_alpha):
        _check_file(files[rate], picture, model, threads)
    quality = rates.quality_of(rate, manifest)
    return Reached(data=files[rate], target=target, value=found.values[rate], quality=quality, hit=hit, tried=tried)


def _above(target: Target, found: Found, rate: int | None, value_at: Callable[[int], float]) -> int | None:
    """A rate index a little above the best, that gives more than the target.

    An embedded file of that rate is cut to the target: nothing coarser has so many of its bits in place.
    """
    if rate is None:
        return min((at for at, value in found.values.items() if value > target.value), default=None)
    for further in (1, 2, 4, 8, 16, 32, 64, 128):
        at = min(rate + further, checking.MAX_RATE)
        if at not in found.values:
            found.values[at] = value_at(at)
        if found.values[at] > target.value:
            return at
    return None


def _room(target: Target, found_bytes: int | None, hit: bool, pixels: int) -> float:
    """How large an exact file may be to be kept: no larger than what was found, or where nothing was, than allowed."""
    if found_bytes is not None:
        return found_bytes if target.measure != "bpp" or hit else 0
    allowed = {"size": target.value, "bpp": target.value * pixels / 8}
    return allowed.get(target.measure, math.inf)


def _exact(picture: Picture, room: float, check: bool, threads: int | None) -> bytes | None:
    """The exact file, if it takes no more bytes than `room`; made only if it may."""
    if checking.exact_bytes_guessed(picture.pixels[..., :3]) >= room:
        return None
    data = codec.encode(picture, None, lossless=True, check=check, threads=threads)
    return data if len(data) <= room else None


def _check_file(data: bytes, picture: Picture, model: Model, threads: int | None) -> None:
    """Decode what was written; CorruptError if it can't be, or if alpha came back otherwise."""
    decoded = codec.decode(data, limits=_OWN, threads=threads, model=model)
    if picture.has_alpha and not np.array_equal(decoded.pixels[..., -1], picture.pixels[..., -1]):
        raise CorruptError("alpha", found="other samples", expected="those of the picture; this is a bug")


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

    if not found.values:
        around = "black and white is coded exactly, and takes more"
    elif found.low < 0:
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


def _compared(picture: Picture, decoded: Picture) -> tuple[np.ndarray, np.ndarray]:
    """What metrics compare, uint8 [h, w, 3] twice: grey three times; no alpha, and no colours that it hides."""
    original, found = picture.pixels, decoded.pixels
    if picture.has_alpha:
        hidden = original[..., -1:] == 0
        original, found = original[..., :-1], np.where(hidden, original[..., :-1], found[..., :-1])
    shape = (picture.height_px, picture.width_px, 3)
    return np.ascontiguousarray(np.broadcast_to(original, shape)), np.ascontiguousarray(np.broadcast_to(found, shape))
