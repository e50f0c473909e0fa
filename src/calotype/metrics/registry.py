"""Every metric by name, and `measure`, which takes several of one pair of pictures; no formula stands here.

Names are those of the command line. A metric that can't be taken of a picture (too small, say) does not fail the
others: it is missing from the result, and `Measured.reasons` says why.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calotype.errors import ExtraMissing, UsageError
from calotype.metrics import distortion, hvs, sizes, ssimulacra2, structure, vmaf

__all__ = ["NAMES", "Measured", "Metric", "available", "check", "describe", "get", "measure"]


class Pair:
    """An original and its decoded copy, uint8 [h, w, 3] of one shape, with what several metrics share."""

    def __init__(self, original: np.ndarray, decoded: np.ndarray, file_bytes: int | None = None) -> None:
        distortion.check_pair(original, decoded)
        self.a, self.b, self.file_bytes = original, decoded, file_bytes

    @cached_property
    def mse(self) -> float:
        return distortion.mse(self.a, self.b)

    @cached_property
    def ms_ssim(self) -> float:
        return structure.ms_ssim(self.a, self.b)

    @cached_property
    def hvs(self) -> tuple[float, float]:
        return hvs.psnr_hvs_both(self.a, self.b)

    @property
    def size(self) -> tuple[int, int, int]:
        """Bytes of the file, width and height."""
        if self.file_bytes is None:
            raise UsageError("file_bytes", value=None, allowed="the size of the file for bpp, ratio and saving")
        return self.file_bytes, self.a.shape[1], self.a.shape[0]


@dataclass(frozen=True)
class Metric:
    """One metric.

    title              what people read on an axis           unit     "dB", "" where there is none
    higher_is_better   False for errors and sizes            perfect  its value for equal pictures (inf: dB of no error)
    extra, package     what to install, "" if nothing; `module` is what that package is imported as
    smallest_side_px   both sides must have as many pixels
    needs_file         whether it is one of the file's size, so that `measure` wants `file_bytes`
    settings           what a reader needs to repeat it
    """

    name: str
    title: str
    function: Callable[[Pair], float]
    unit: str = ""
    higher_is_better: bool = True
    perfect: float | None = None
    package: str = ""
    module: str = ""
    smallest_side_px: int = 1
    needs_file: bool = False
    settings: str = ""

    @property
    def extra(self) -> str:
        """The extra of calotype that installs its package."""
        return "bench" if self.package else ""


class Measured(dict[str, float]):
    """Values by metric name, in the order asked for. `reasons` says by name why a metric is missing.

    A dictionary like any other for JSON and pickle; values can be infinite (PSNR of equal pictures), which strict
    JSON has no word for.
    """

    def __init__(self, values: dict[str, float] | None = None, reasons: dict[str, str] | None = None) -> None:
        super().__init__(values or {})
        self.reasons: dict[str, str] = dict(reasons or {})

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self), self.reasons)


_INF = float("inf")
_RGB, _LUMA = "R, G and B together", "luma of BT.601, full range, unrounded"
_GAUSSIAN = "mean over R, G, B; 11x11 Gaussian window, sigma 1.5, valid positions only"


def _hvs(name: str, title: str, which: int) -> Metric:
    """One of the two that psnr-hvsm computes together."""
    return Metric(
        name,
        title,
        lambda p: p.hvs[which],
        "dB",
        perfect=_INF,
        package="psnr-hvsm",
        module="psnr_hvsm",
        smallest_side_px=8,
        settings=_LUMA,
    )


_METRICS = (
    Metric("mse", "MSE", lambda p: p.mse, "levels²", higher_is_better=False, perfect=0, settings=_RGB),
    Metric("psnr", "PSNR (RGB)", lambda p: distortion.in_db(p.mse), "dB", perfect=_INF, settings=_RGB),
    Metric("psnr-y", "PSNR (luma)", lambda p: distortion.psnr_y(p.a, p.b), "dB", perfect=_INF, settings=_LUMA),
    Metric(
        "ssim",
        "SSIM",
        lambda p: structure.ssim(p.a, p.b),
        perfect=1,
        smallest_side_px=structure.SSIM_SIDE_PX,
        settings=_GAUSSIAN,
    ),
    Metric(
        "ms-ssim",
        "MS-SSIM",
        lambda p: p.ms_ssim,
        perfect=1,
        smallest_side_px=structure.MS_SSIM_SIDE_PX,
        settings=f"five scales, {_GAUSSIAN}",
    ),
    Metric(
        "ms-ssim-db",
        "MS-SSIM (dB)",
        lambda p: structure.ms_ssim_db(p.ms_ssim),
        "dB",
        perfect=_INF,
        smallest_side_px=structure.MS_SSIM_SIDE_PX,
        settings="-10 log10(1 - MS-SSIM), per picture",
    ),
    Metric(
        "ssimulacra2",
        "SSIMULACRA2",
        lambda p: ssimulacra2.ssimulacra2(p.a, p.b),
        perfect=100,
        smallest_side_px=ssimulacra2.SMALLEST_SIDE_PX,
        settings="version 2.1 of the metric, as the C++ original",
    ),
    _hvs("psnr-hvs", "PSNR-HVS", 0),
    _hvs("psnr-hvs-m", "PSNR-HVS-M", 1),
    Metric(
        "vmaf",
        "VMAF",
        lambda p: vmaf.vmaf(p.a, p.b),
        package="imageio-ffmpeg",
        module="imageio_ffmpeg",
        smallest_side_px=17,
        settings=f"{vmaf.MODEL}, one frame, luma of BT.601 in limited range",
    ),
    Metric(
        "max-error",
        "Largest error",
        lambda p: distortion.max_error(p.a, p.b),
        "levels",
        higher_is_better=False,
        perfect=0,
        settings=_RGB,
    ),
    Metric("bpp", "Rate", lambda p: sizes.bpp(*p.size), "bpp", higher_is_better=False, needs_file=True),
    Metric("ratio", "Compression ratio", lambda p: sizes.compression_ratio(*p.size), needs_file=True),
    Metric("saving", "Space saving", lambda p: sizes.space_saving(*p.size), needs_file=True),
)
_BY_NAME = {metric.name: metric for metric in _METRICS}

NAMES: tuple[str, ...] = tuple(_BY_NAME)


def get(name: str) -> Metric:
    """The metric of that name; UsageError, which names near ones, if there is none."""
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, NAMES, 3) or NAMES
        raise UsageError("metric", value=name, allowed=", ".join(near))
    return _BY_NAME[name]


def available(name: str) -> bool:
    """Whether the metric's package is installed here; nothing is loaded to find out."""
    module = get(name).module
    return not module or importlib.util.find_spec(module) is not None


def check(names: Iterable[str]) -> None:
    """Raise what `measure` would raise for these names, before any work: UsageError or ExtraMissing."""
    for name in names:
        if not available(name):
            metric = get(name)
            raise ExtraMissing(metric.title, package=metric.package, extra=metric.extra)


def describe(name: str) -> dict[str, str]:
    """What a reader needs to repeat a metric: `library`, `version`, `settings`."""
    metric = get(name)
    library = metric.package or "calotype"
    try:
        version = importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return {"library": library, "version": version, "settings": metric.settings}


def measure(
    names: Iterable[str], original: np.ndarray, decoded: np.ndarray, *, file_bytes: int | None = None
) -> Measured:
    """Take metrics of a decoded picture.

    names      of `NAMES`; what several share is computed once
    original   uint8 [h, w, 3] in sRGB, as `decoded`
    file_bytes the size of the file, for bpp, ratio and saving
    returns    a `Measured`, a dict name -> float. Metrics that this picture is too small for are *missing* from it
               and in `.reasons` (name -> sentence) instead; infinite values are kept (PSNR of equal pictures)
    errors     UsageError for an unknown name, for what is no pair of pictures and for a missing `file_bytes`;
               ExtraMissing where a package is absent (call `check` first to learn that before any work)
    """
    wanted = [get(name) for name in names]
    pair = Pair(original, decoded, file_bytes)
    check(metric.name for metric in wanted)
    result, side = Measured(), min(original.shape[:2])
    for metric in wanted:
        if side < metric.smallest_side_px:
            result.reasons[metric.name] = (
                f"{metric.title} needs sides of {metric.smallest_side_px} px or more, "
                f"this picture has {original.shape[1]}x{original.shape[0]}"
            )
        else:
            result[metric.name] = float(metric.function(pair))
    return result
