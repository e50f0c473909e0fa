"""Everything the report says, worked out once: curves, BD-rates, costs, and the answers to the four questions.

The four questions are those that every survey of the field ends with: which codec is best in rate-distortion, which
looks best, which needs least memory, which is fastest. Answers are sentences about what was measured, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calotype.bench import anchors
from calotype.bench.anchors import Curve
from calotype.bench.datasets import DATASETS
from calotype.bench.report import reading
from calotype.bench.report.comparing import Matrix, compare, reference_of
from calotype.bench.report.costs import Cost, costs_of, timed_costs
from calotype.bench.report.curves import Codec, Metric, codecs_of, metrics_of
from calotype.bench.report.reading import Measured, Row

__all__ = ["Answer", "Study", "bytes_said", "rate_said", "study"]

_MINUS, _SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Answer:
    """question, the codec's title (or why there is none), the sentence with the figures, and the runners-up.

    codec    its name, or "" where there is none;  measure   the title of the metric that it was decided by
    """

    question: str
    answer: str
    evidence: str
    others: str = ""
    codec: str = ""
    measure: str = ""


@dataclass(frozen=True)
class Study:
    """All that pages, pictures and summaries are made from.

    costs   of every codec with one thread    timed   by number of threads, from runs of --time only
    """

    measured: Measured
    codecs: list[Codec]
    published: tuple[Curve, ...]
    metrics: list[Metric]
    matrices: dict[str, Matrix]
    reference: Codec | None
    costs: dict[str, Cost]
    timed: dict[int, dict[str, Cost]]

    @cached_property
    def titles(self) -> dict[str, str]:
        """What people read, by name."""
        timed = {row["codec"]: row.get("title") or row["codec"] for row in self.measured.timings}
        return timed | {thing.name: thing.title for thing in (*self.codecs, *self.published)}

    @property
    def lossy(self) -> list[Codec]:
        """Codecs with a curve."""
        return [codec for codec in self.codecs if not codec.lossless]

    @property
    def lossless(self) -> list[Codec]:
        """Codecs that give back what they got, the smallest files first."""
        found = [codec for codec in self.codecs if codec.lossless and codec.cells]
        return sorted(found, key=mean_bpp)

    @cached_property
    def metric(self) -> Metric | None:
        """The one that codecs are ranked by: PSNR, or else the first that was measured."""
        return self.metrics[0] if self.metrics else None

    @cached_property
    def shown(self) -> set[str]:
        """What figures show before anybody chooses: ours, the best of every family, and some published curves."""
        found = {codec.name for codec in self.lossy if codec.family == "calotype"}
        if self.metric and self.reference:
            for name, _ in reversed(self.matrices[self.metric.name].ranking(self.reference.name)):
                family = self.by_name[name].family
                found -= {other for other in found if family != "calotype" and self.family_of(other) == family}
                found.add(name)
            found.add(self.reference.name)
        else:
            found |= {codec.name for codec in self.lossy}
        return found | {"vtm", "compressai-bmshj2018-hyperprior-mse", "paper-elic2022-mse"} & set(self.titles)

    @cached_property
    def by_name(self) -> dict[str, Codec]:
        """Measured codecs."""
        return {codec.name: codec for codec in self.codecs}

    @cached_property
    def comparable_speeds(self) -> list[Codec]:
        """Lossy codecs whose speeds were taken in the same way: those with --time where there are some, or else all."""
        timed = [codec for codec in self.lossy if self.costs[codec.name].timed]
        return timed if len(timed) > 1 else [codec for codec in self.lossy if not self.costs[codec.name].timed]

    def leaders(self) -> list[str]:
        """Lossy codecs, the best first by the metric that codecs are ranked by; those without a figure are left out."""
        if not self.metric or not self.reference:
            return []
        return [name for name, _ in self.matrices[self.metric.name].ranking(self.reference.name)]

    def family_of(self, name: str) -> str:
        """The family of a measured codec, or "published"."""
        return self.by_name[name].family if name in self.by_name else "published"

    def why_no_published(self) -> str:
        """Why there are no published curves beside these, or nothing."""
        if self.published:
            return ""
        name, count = self.measured.dataset, len(self.measured.pictures)
        if name not in DATASETS or not anchors.drawn(name):
            return "Published curves are left out: nobody published any of these pictures."
        whole = f"all {DATASETS[name].count} pictures of {name}"
        return f"Published curves are left out: they are means of {whole}, these are {count}."

    @cached_property
    def answers(self) -> list[Answer]:
        """The four questions."""
        return [self._distortion(), self._looks(), self._memory(), self._speed()]

    def _distortion(self) -> Answer:
        question = "Which is best in rate-distortion?"
        if not self.metric or not self.reference:
            return Answer(question, "Not measured", "No lossy codec has four points of a curve.")
        ranking = self.matrices[self.metric.name].ranking(self.reference.name)
        if len(ranking) < 2:
            return Answer(question, "Not to be said", "Fewer than two curves overlap.")
        return self._by(question, self.metric, ranking)

    def _by(self, question: str, metric: Metric, ranking: list[tuple[str, float]]) -> Answer:
        """The first of a ranking, with what it saves and how it does against the second."""
        assert self.reference
        matrix = self.matrices[metric.name]
        (best, rate), (second, _) = ranking[:2]
        there = matrix.get(best, self.reference.name)
        scale = f"{there.low:.1f} to {there.high:.1f} {metric.unit}".rstrip().replace("-", _MINUS)
        said = f"{less_said(rate)} bytes than {self.reference.title} at equal {metric.title} ({scale})."
        duel = matrix.get(best, second)
        if duel.percent is not None and duel.by_picture:
            wins = sum(value < 0 for value in duel.by_picture.values())
            said += (
                f" {less_said(duel.percent)} than the next, {self.titles[second]};"
                f" it wins on {wins} of {len(duel.by_picture)} pictures."
            )
        # Against the best itself: intervals differ, so figures against the reference need not be in order.
        rivals = [(name, matrix.get(name, best).percent) for name, _ in ranking[1:4]]
        others = ", ".join(f"{self.titles[name]} {rate_said(value)}" for name, value in rivals if value is not None)
        return Answer(question, self.titles[best], said, others and f"Next, against it: {others}", best, metric.title)

    def _looks(self) -> Answer:
        question = "Which looks best?"
        perceptual = [metric for metric in self.metrics if metric.perceptual]
        known = {metric.name: metric for metric in perceptual}
        first = known.get("ssimulacra2") or (perceptual[0] if perceptual else None)
        ranking = self.matrices[first.name].ranking(self.reference.name) if first and self.reference else []
        if not first:
            return Answer(question, "Not measured", "No metric that follows eyes was asked for; try ssimulacra2.")
        if len(ranking) < 2:
            return Answer(question, "Not to be said", "Fewer than two curves of four points overlap.")
        answer = self._by(question, first, ranking)
        said = f"By {first.title}; nobody looked. " + answer.evidence
        for other in perceptual:
            rival = self.matrices[other.name].ranking(self.reference.name) if self.reference else []
            if other is not first and len(rival) > 1:
                agrees = rival[0][0] == answer.codec
                said += f" {other.title} {'agrees' if agrees else 'puts ' + self.titles[rival[0][0]] + ' first'}."
                break
        return Answer(question, answer.answer, said, answer.others, answer.codec, first.title)

    def _memory(self) -> Answer:
        question = "Which needs least memory?"
        known = [
            (cost.decode_peak_bytes + cost.encode_peak_bytes, codec)
            for codec in self.lossy
            if (cost := self.costs.get(codec.name))
            and cost.decode_peak_bytes is not None
            and cost.encode_peak_bytes is not None
        ]
        if not known:
            return Answer(question, "Not measured", "Rows carry no peak memory.")
        known.sort(key=lambda pair: pair[0])
        best = known[0][1]
        cost = self.costs[best.name]
        largest = max(row["width_px"] * row["height_px"] for levels in best.cells.values() for row in levels.values())
        said = (
            f"{bytes_said(cost.encode_peak_bytes)} to encode and {bytes_said(cost.decode_peak_bytes)} to decode "
            f"{largest / 1e6:.2g} megapixels, above what the process held before."
        )
        others = ", ".join(f"{codec.title} {bytes_said(total)}" for total, codec in known[1:4])
        return Answer(question, best.title, said, others and f"Next, both together: {others}", best.name)

    def _speed(self) -> Answer:
        question = "Which is fastest?"
        costs = {codec.name: self.costs[codec.name] for codec in self.comparable_speeds} or self.timed.get(1, {})
        encoding = {name: cost.encode_mp_s for name, cost in costs.items() if cost.encode_mp_s and cost.decode_mp_s}
        decoding = {name: cost.decode_mp_s for name, cost in costs.items() if name in encoding and cost.decode_mp_s}
        if not decoding:
            return Answer(question, "Not measured", "Rows carry no times.")
        best, *next_ones = sorted(decoding, key=lambda name: -decoding[name])
        quick = max(encoding, key=encoding.__getitem__)
        said = f"Decodes {decoding[best]:.3g} and encodes {encoding[best]:.3g} megapixels a second on one thread."
        if quick != best:
            said += f" {self.titles[quick]} encodes faster, {encoding[quick]:.3g}."
        if not costs[best].timed:
            said += " Taken beside other work: good for orders of magnitude."
        others = ", ".join(f"{self.titles[name]} {decoding[name]:.3g}" for name in next_ones[:3])
        return Answer(question, self.titles[best], said, others and f"Next, decoding: {others}", best)


def study(source: Path | Iterable[Row], *, anchor_names: tuple[str, ...] = anchors.DRAWN) -> Study:
    """Work everything out from rows.

    source         a file of rows, a folder with one, or rows
    anchor_names   the published curves that are drawn and compared with, where the whole data set was measured
    errors         those of reading.read
    """
    measured = reading.read(source)
    codecs = codecs_of(measured)
    name = measured.dataset or ""
    # A part of a set must not be compared with curves of the whole.
    whole = name in DATASETS and DATASETS[name].count == len(measured.pictures)
    published = anchors.drawn(name, anchor_names) if whole else ()
    metrics = metrics_of(codecs)
    matrices = {metric.name: compare(metric, codecs, published, len(measured.pictures)) for metric in metrics}
    return Study(
        measured,
        codecs,
        published,
        metrics,
        matrices,
        reference_of(codecs),
        costs_of(measured, codecs),
        timed_costs(measured),
    )


def mean_bpp(codec: Codec) -> float:
    """Bits per pixel of a lossless codec, mean over its pictures."""
    rows = [row for levels in codec.cells.values() for row in levels.values()]
    return sum(row["bpp"] for row in rows) / len(rows)


def rate_said(percent: float) -> str:
    """A BD-rate with its sign and one digit, which stay on one line: "−12.3 %"."""
    return f"{percent:+.1f}{_SPACE}%".replace("-", _MINUS)


def less_said(percent: float) -> str:
    """The same in words: "12.3 % fewer"."""
    return f"{abs(percent):.1f}{_SPACE}% {'fewer' if percent < 0 else 'more'}"


def bytes_said(count: float | None) -> str:
    """A size in MB for people."""
    if count is None:
        return "–"
    return f"{count / 1e6:.3g}{_SPACE}MB" if count < 1e9 else f"{count / 1e9:.3g}{_SPACE}GB"
