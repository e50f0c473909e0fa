"""The page: one HTML file that holds everything it shows, from page.html, page.css and page.js beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template

from calotype import __version__
from calotype.bench.report import chartrows, quality, sections
from calotype.bench.report.crops import Scene
from calotype.bench.report.study import Study

__all__ = ["page"]

# Words in the bar at the top, of the sections that are there.
NAVIGATION = {
    "curves": "Curves",
    "differences": "BD-rates",
    "speed": "Speed",
    "memory": "Memory",
    "crops": "Pieces",
    "lossless": "Lossless",
    "pictures": "Pictures",
    "charts": "Charts",
    "failures": "Failures",
    "repeat": "Repeat",
}


def page(study: Study, scenes: Sequence[Scene] = ()) -> str:
    """The whole page. It asks the network for nothing, and its policy forbids it to."""
    parts = [
        quality.distortion(study),
        quality.differences(study),
        sections.speed(study),
        sections.memory(study),
        sections.crops(study, scenes),
        sections.lossless(study),
        sections.pictures(study),
        chartrows.charts(study),
        sections.repeat(study),
    ]
    body = "\n".join(part for part in parts if part)
    links = "".join(f'<a href="#{name}">{word}</a>' for name, word in NAVIGATION.items() if f'id="{name}"' in body)
    return Template(_file("page.html")).substitute(
        title=escape(f"Benchmark: {_subject(study)}"),
        generator=f"Calotype {__version__}",
        style=_file("page.css"),
        script=_file("page.js"),
        navigation=links,
        eyebrow=escape(f"Calotype benchmark · {_subject(study)}"),
        headline=escape(headline(study)),
        lead=escape(_lead(study)),
        answers="".join(_answer(answer) for answer in study.answers),
        sections=body,
        footer=escape(
            f"Made by calotype bench {__version__}. Every codec was given the same pixels and judged by its own decoder."
        ),
    )


def _file(name: str) -> str:
    return (files(__package__ or __name__) / name).read_text(encoding="utf-8")


def _subject(study: Study) -> str:
    count = len(study.measured.pictures)
    codecs = len(study.codecs) or len(study.timed.get(1, {}))
    words = [study.measured.dataset, f"{count} picture{'s' * (count != 1)}" if count else "", f"{codecs} codecs"]
    return ", ".join(word for word in words if word)


def headline(study: Study) -> str:
    """What was found, in a line."""
    distortion, looks, _, speed = study.answers
    if not distortion.codec:
        return f"{speed.answer} decodes fastest" if speed.codec else "Nothing that can be compared was measured"
    if looks.codec == distortion.codec:
        said = f"{distortion.answer} needs the fewest bytes, in {distortion.measure} and in {looks.measure}"
    elif looks.codec:
        said = f"{distortion.answer} leads in {distortion.measure}; {looks.answer} leads in {looks.measure}"
    else:
        said = f"{distortion.answer} needs the fewest bytes at equal {distortion.measure}"
    return said + (f"; {speed.answer} is fastest" if speed.codec and speed.codec != distortion.codec else "")


def _lead(study: Study) -> str:
    lossy, lossless = len(study.lossy), len(study.lossless)
    words = [f"{lossy} lossy" if lossy else "", f"{lossless} lossless" if lossless else ""]
    said = " and ".join(word for word in words if word)
    if not said:
        return "No picture was measured." if not study.timed else "Timings without rows: nothing is said about quality."
    said += f" codec{'s' * (lossy + lossless > 1)}, whole files encoded and decoded again"
    if study.published:
        said += f", beside {len(study.published)} published curves"
    return said + "."


def _answer(answer) -> str:
    others = f'<p class="next">{escape(answer.others)}</p>' if answer.others else ""
    return (
        f'<div><dt>{escape(answer.question)}</dt><dd><p class="is">{escape(answer.answer)}</p>'
        f"<p>{escape(answer.evidence)}</p>{others}</dd></div>"
    )
