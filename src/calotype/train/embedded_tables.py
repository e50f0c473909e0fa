"""Designs of embedded recipes: tables of the walk of zero-trees, from its decisions on pictures. Nothing runs in coding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from calotype import blocks, colour, pyramid
from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.tables import TableBank
from calotype.model.manifest import Latent
from calotype.tiles import Region
from calotype.train.design import Design
from calotype.walks.learned_trees import ACROSS, OWN, LearnedTrees, features
from calotype.walks.trees import KINDS, PLANES, Trees, classes

__all__ = ["bands_of", "banks", "designed", "embedded", "padded_planes", "weights"]

TABLES = 64
CHROMA = 1.15  # steps of chroma, as in dct-threshold
_LOGITS = np.linspace(-7.2, 4.4, TABLES)
_TRUST = 30.0  # decisions that the mean of a bin counts for
Units: TypeAlias = Callable[[Mapping[str, np.ndarray], float], dict[str, np.ndarray]]


def in_steps(bands: Mapping[str, np.ndarray], step: float) -> dict[str, np.ndarray]:
    """Bands in units of a step."""
    return {name: band / np.float32(step) for name, band in bands.items()}


def banks(coded: bool) -> dict[str, TableBank]:
    """ "bits" of 0 and 1, "signs" of 0, plus, minus, both by the chance of a significant one; and "planes", 0 to 15.

    coded   False: one table each, a bit for a decision and a bit for a sign
    """
    chances = 1 / (1 + np.exp(-_LOGITS)) if coded else np.array([0.5])
    return {
        "bits": bank_from_probabilities([(0, np.array([1 - p, p])) for p in chances]),
        "signs": bank_from_probabilities([(0, np.array([1 - p, p / 2, p / 2])) for p in chances]),
        "planes": bank_from_probabilities([(0, np.full(PLANES + 1, 1 / (PLANES + 1)))]),
    }


def embedded(
    pyramids: Callable[[np.ndarray], Sequence[Mapping[str, np.ndarray]]],
    *,
    transform: Mapping[str, Any],
    strides: Mapping[str, int],
    orientations: int,
    bits: int,
    steps: Sequence[float],
    coded: bool = True,
    counted: int = 3,
    colours: np.ndarray | None = None,
    floats: Mapping[str, np.ndarray] | None = None,
    learned: bool = False,
    units: Units | None = None,
) -> Design:
    """The design of a recipe whose bands the walk codes.

    pyramids      (float [3, 3], from colours to planes) -> bands of the pictures, {name: [1, c, h, w]}
    strides       of "ll" and "l1" ...      orientations   bands of a plane in each level but "ll"
    bits          of a magnitude, at most   steps          of the quantizer at the first and the last rate
    coded         tables by context; else one bit for every decision
    counted       at how many steps decisions are counted
    colours       orthonormal axes of the planes, float [3, 3], in place of Y Cb Cr
    learned       contexts of walks/learned_trees.py; then `coded` says nothing
    units         (bands, step) -> what is coded of them at a step of the quantizer; bands / step where left out
    """
    factor, largest, levels = np.array([1.0, CHROMA, CHROMA]), 1 << bits, len(strides) - 1
    planes, back = blocks.LUMA_CHROMA / factor, blocks.CHROMA_BACK * factor
    if colours is not None:  # an error of such a plane weighs one in R G B; one of Y weighs three
        planes, back = colours / np.sqrt(3), colours * np.sqrt(3)
    inverse = np.log(np.array(steps, np.float32))[:, None] * np.ones(3, np.float32)
    sample, at = pyramids(planes), np.geomspace(*steps, counted).tolist()
    of_walk = {"weights": weights(sample, at, levels)} if learned else {}
    walk = LearnedTrees(levels) if learned else Trees(levels)
    return Design(
        walk="learned-trees" if learned else "trees",
        walk_parameters={"levels": levels, "planes": bits} | ({} if learned else {"coded": coded}),
        latents={
            name: Latent(3 * (1 if name == "ll" else orientations), stride, -largest, largest)
            for name, stride in strides.items()
        },
        transform=transform,
        align_px=strides["ll"],
        tile_px=1024,
        banks=banks(coded),
        rows=of_walk
        | {
            "octave": np.round(16 * np.log2(steps)).astype(np.int64)[:, None],
            **designed(sample, at, levels, walk, of_walk, units or in_steps),
        },
        floats={"colours": back.astype(np.float32), "anchors/inverse": inverse, **(floats or {})},
        encoder={"planes": planes.astype(np.float32), "anchors/gain": -inverse},
    )


def bands_of(crops: Sequence[np.ndarray], planes: np.ndarray, levels: int) -> Iterator[dict[str, np.ndarray]]:
    """The pyramid of each picture uint8 [h, w, 3], padded by repeating its edges: {name: [1, c, h, w]}."""
    for whole in padded_planes(crops, planes, levels):
        yield {name: band[None] for name, band in pyramid.analyse(whole, levels).items()}


def padded_planes(crops: Sequence[np.ndarray], planes: np.ndarray, levels: int) -> Iterator[np.ndarray]:
    """The planes of each picture, float32 [p, H, W], padded by repeating its edges; planes float [3, p]."""
    unit = 1 << levels
    for crop in crops:
        height, width = (-(-side // unit) * unit for side in crop.shape[:2])
        whole = np.empty((planes.shape[1], height, width), np.float32)
        colour.planes_of(crop, planes, unit=1)(Region(0, height, 0, width), whole)
        yield whole


def designed(
    sample: Sequence[Mapping[str, np.ndarray]],
    steps: Sequence[float],
    levels: int,
    walk: Trees | None = None,
    tables: Mapping[str, np.ndarray] | None = None,
    units: Units = in_steps,
) -> dict[str, np.ndarray]:
    """ "trees" and "middle" of the walk, counted on pyramids in units of one level, at some steps of the quantizer.

    walk     whose decisions are counted; `Trees` where left out      tables   others that it asks for
    """
    walk = walk or Trees(levels)
    count, bins = classes(levels, KINDS, 0, 0), walk.bins
    number, ones = np.zeros((2, count * bins))
    for step in steps:
        for bands in sample:
            probe = _Probe({name: band.shape for name, band in bands.items()}, number, ones)
            walk(
                _Numbered(count * bins, step, tables or {}),
                probe,
                units(bands, step),
            )
    number, ones = number.reshape(KINDS, -1, bins), ones.reshape(KINDS, -1, bins)
    expected = (ones.sum(1, keepdims=True) + 0.5) / (number.sum(1, keepdims=True) + 1)
    chance = ((ones + _TRUST * expected) / (number + _TRUST)).clip(1e-4, 1 - 1e-4)
    logit = np.log(chance / (1 - chance))
    nearest = np.abs(logit.ravel()[:, None] - _LOGITS).argmin(1)
    return {"trees": nearest.reshape(count, bins).astype(np.int64), "middle": _middle(sample, steps, units)}


def weights(sample: Sequence[Mapping[str, np.ndarray]], steps: Sequence[float], levels: int) -> np.ndarray:
    """ "weights" of learned contexts: what is known around a place that best predicts its magnitude, by least squares.

    For each plane of colour and orientation, where nothing is known of the place itself; none is negative. Those of its
    own band are scaled so that equal magnitudes all around count 16, those of the other bands likewise.
    """
    colours = sample[0]["ll"].shape[1]
    squares, products = np.zeros((colours, 3, OWN + ACROSS, OWN + ACROSS)), np.zeros((colours, 3, OWN + ACROSS))
    for step, bands in ((step, bands) for step in steps for bands in sample):
        sizes = {name: (np.abs(band) / step).astype(np.int32) for name, band in bands.items()}
        for level in range(1, levels + 1):
            own, coarser = sizes[f"l{level}"], sizes.get(f"l{level + 1}")
            for plane in range(8):
                parents = None if coarser is None else coarser >> plane << plane  # their level has been passed
                seen = features(own >> (plane + 1) << (plane + 1), parents, colours)
                _add(squares, products, np.stack(seen[0] + seen[1]), own, plane)
    found = np.zeros((colours, 3, OWN + ACROSS))
    for place in np.ndindex(colours, 3):
        found[place] = _not_negative(squares[place], products[place])
    scale = np.array([2.0, 2.0, 4.0])
    found[..., :OWN] *= 16 / np.maximum((found[..., :OWN] * scale).sum(-1, keepdims=True), 1e-9)
    found[..., OWN:] *= 16 / np.maximum(found[..., OWN:].sum(-1, keepdims=True), 1e-9)
    return np.round(found).astype(np.int64).reshape(colours * 3, -1)


def _add(squares: np.ndarray, products: np.ndarray, seen: np.ndarray, sizes: np.ndarray, plane: int) -> None:
    """Sums for the normal equations, of places of which nothing is known, in thresholds; small surroundings count most."""
    part = np.minimum(seen / (1 << plane), 32.0).astype(np.float32)  # [f, b, o, colours, h, w]
    wanted = np.minimum(sizes / (1 << plane), 4.0).astype(np.float32).reshape(part.shape[1:])
    share = (wanted < 2) & (part.sum(0) > 0)
    share = share / np.square(1 + part.mean(0))
    for orientation, plane in np.ndindex(*part.shape[2:4]):  # plane: of colour
        columns = part[:, :, orientation, plane].reshape(len(part), -1).astype(np.float64)
        weighted = columns * share[:, orientation, plane].ravel()
        squares[plane, orientation] += weighted @ columns.T
        products[plane, orientation] += weighted @ wanted[:, orientation, plane].ravel()


def _not_negative(squares: np.ndarray, products: np.ndarray) -> np.ndarray:
    """The least squares solution without the features whose weight would be negative, worst first."""
    used = np.flatnonzero(np.diag(squares) > 0)
    while len(used):
        found = np.linalg.lstsq(squares[np.ix_(used, used)], products[used], rcond=None)[0]
        if found.min() >= 0:
            break
        used = np.delete(used, found.argmin())
    weights = np.zeros(len(products))
    if len(used):
        weights[used] = found
    return weights


def _middle(sample: Sequence[Mapping[str, np.ndarray]], steps: Sequence[float], units: Units) -> np.ndarray:
    """Where, on average, a magnitude lies that is known down to a plane: sixteenths of a step above it, [PLANES, 1]."""
    found = np.zeros((PLANES, 2))
    for step in steps:
        for bands in sample:
            sizes = np.concatenate([np.abs(band).ravel() for band in units(bands, step).values()])
            for plane in range(PLANES):
                large = sizes[sizes >= 1 << plane] / (1 << plane)
                found[plane] += large.size, (large - np.floor(large)).sum()
    share = (found[:, 1] + 0.45) / (found[:, 0] + 1)
    return np.round(16 * share * 2.0 ** np.arange(PLANES)).astype(np.int64)[:, None]


class _Numbered:
    """What the walk asks of `nets` while decisions are counted: every class and bin is a table of its own."""

    def __init__(self, count: int, step: float, tables: Mapping[str, np.ndarray]) -> None:
        self._tables = {"trees": np.arange(count), "middle": np.zeros((PLANES, 1), np.int64), **tables}
        self._octave = np.full((1, 1, 1, 1), round(16 * np.log2(step)), np.float32)

    def table(self, name: str) -> np.ndarray:
        return self._tables[name]

    def rows(self, name: str) -> np.ndarray:
        return self._octave


class _Probe:
    """A port that codes nothing: it counts how often each table was asked, and how often the answer was not zero."""

    def __init__(self, shapes: Mapping[str, Any], number: np.ndarray, ones: np.ndarray) -> None:
        self._shapes, self._number, self._ones = shapes, number, ones

    def shape(self, name: str) -> Any:
        return self._shapes[name]

    def segment(self) -> None:
        pass

    def run(self, name: str, symbols: Any, bank: str, tables: np.ndarray, ends: np.ndarray) -> Any:
        if bank != "planes":
            self._number += np.bincount(tables, minlength=self._number.size)
            self._ones += np.bincount(tables[symbols > 0], minlength=self._ones.size)
        return np.asarray(symbols), np.diff(ends)
