"""PNG pictures of the report by matplotlib, for pages that show pictures only: README, papers, chats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calotype.bench.report.comparing import Matrix
from calotype.bench.report.study import Study
from calotype.bench.report.style import Style, short, styles
from calotype.bench.report.svg import spaced

__all__ = ["draw"]

_INK, _SOFT, _LINE = "#211f1b", "#645f56", "#e4e0d8"
_MARKERS = {
    "circle": "o", "square": "s", "triangle": "^", "diamond": "D", "down": "v", "hexagon": "h", "cross": "X", "plus": "P",
    "bar": "|", "none": "",
}  # fmt: skip


def draw(study: Study, out: Path) -> list[Path]:
    """rd-METRIC.png for each metric and speed.png; nothing where matplotlib is absent."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    looks = styles(study.lossy, study.published)
    found = [_curves(study, name, matrix, looks, out) for name, matrix in study.matrices.items()]
    if study.metric and study.reference and any(cost.decode_mp_s for cost in study.costs.values()):
        found.append(_speed(study, looks, out))
    return found


def _axes(title: str, size: tuple[float, float] = (9.6, 5.8)) -> tuple[Any, Any]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=size, dpi=130)
    axes.set_title(title, loc="left", weight="bold", color=_INK, fontsize=12, pad=12)
    axes.grid(color=_LINE, lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_SOFT)
    axes.tick_params(colors=_SOFT)
    return figure, axes


def _curves(study: Study, name: str, matrix: Matrix, looks: dict[str, Style], out: Path) -> Path:
    metric = matrix.metric
    lines = [
        (codec.name, [p.bpp for p in codec.curve(name)], [p.quality for p in codec.curve(name)])
        for codec in study.lossy
        if codec.name in study.shown and codec.measures(name)
    ]
    rates = [rate for _, xs, _ in lines for rate in xs]
    low, high = max(min(rates), 0.05), min(max(rates), 2.6)
    if sum(low <= rate <= high for rate in rates) < 4:
        low, high = min(rates) / 1.1, max(rates) * 1.1
    lines += [
        (curve.name, list(curve.bpp), list(curve.quality(name) or ()))
        for curve in study.published
        if curve.name in study.shown and curve.quality(name)
    ]
    count = len(study.measured.pictures)
    title = f"{study.measured.dataset or ''}, mean of {count} pictures".lstrip(", ")
    title = title[0].upper() + title[1:]
    figure, axes = _axes(title)
    ends, heights = [], []
    for codec, xs, ys in lines:
        look = looks[codec]
        axes.plot(
            xs, ys, color=look.light, lw=look.width, marker=_MARKERS[look.marker], ms=4.5,
            ls=(0, tuple(float(n) / look.width for n in look.dash.split())) if look.dash else "-", zorder=3 + look.width,
        )  # fmt: skip
        inside = [(x, y) for x, y in zip(xs, ys, strict=True) if low <= x <= high]
        heights += [y for _, y in inside]
        ends.append(_at(xs, ys, high))
    axes.set_xscale("log")
    axes.set_xlim(low * 0.95, high)
    axes.set_ylim(min(heights) - 0.3, max(heights) + 0.5)
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 2.5) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    bottom, top = axes.get_ylim()
    places = spaced([min(end, top) for end in ends], (top - bottom) / 24, bottom, top)
    for (codec, _, _), place in zip(lines, places, strict=True):
        look = looks[codec]
        axes.annotate(
            short(codec, study.titles[codec]), (high, place), (7, 0), "data", "offset points", color=look.light,
            va="center", fontsize=9.5, weight="bold" if study.family_of(codec) == "calotype" else "normal",
        )  # fmt: skip
    axes.set_xlabel("bits per pixel, whole files (logarithmic)", color=_SOFT)
    axes.set_ylabel(f"{metric.title}, {metric.unit}" if metric.unit else metric.title, color=_SOFT)
    return _save(figure, out / f"rd-{name}.png")


def _at(xs: list[float], ys: list[float], x: float) -> float:
    """The height of a curve at x, or at its end."""
    import numpy as np

    return float(np.interp(np.log(min(x, xs[-1])), np.log(xs), ys))


def _speed(study: Study, looks: dict[str, Style], out: Path) -> Path:
    assert study.metric and study.reference
    rates = dict(study.matrices[study.metric.name].ranking(study.reference.name))
    dots = [
        (name, cost.decode_mp_s, rates[name])
        for name, cost in study.costs.items()
        if name in rates and cost.decode_mp_s
    ]
    figure, axes = _axes("Bytes against decoding speed, one thread")
    for name, speed, rate in dots:
        look = looks[name]
        axes.plot([speed], [rate], color=look.light, marker=_MARKERS[look.marker], ms=8, ls="")
        axes.annotate(
            short(name, study.titles[name], 20), (speed, rate), (8, -3), "data", "offset points", color=_INK, fontsize=9
        )
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("megapixels a second (logarithmic)", color=_SOFT)
    axes.set_ylabel(f"bytes at equal {study.metric.title} against {study.reference.title}, %", color=_SOFT)
    return _save(figure, out / "speed.png")


def _save(figure: Any, target: Path) -> Path:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(target, metadata={"Software": None})
    pyplot.close(figure)
    return target
