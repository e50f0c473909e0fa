"""One pass: all samples of a phase of a level at once, predicted from what is known around them. Integers in floats.

Every sum stays below 2**24 in float32 (samples of 8 bits) or 2**53 in float64 (deeper ones), so it is exact in any
order and both give the same: the bounds MAX_WEIGHT_SUM and MAX_ENERGY_SUM see to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from calotype.lossless import shapes
from calotype.lossless.layout import (
    BLOCK,
    CONSTANT_BITS,
    CONTEXT_STEPS,
    CONTEXTS,
    ENERGY_BITS,
    ENERGY_CONSTANT,
    ENERGY_SCALE,
    MAX_CLASSES,
    MAX_REGIONS,
    PREDICTION_BITS,
    SCALES,
    WEIGHT_BITS,
)
from calotype.lossless.neighbours import OWN, REFERENCE, Phased
from calotype.lossless.products import multiply

__all__ = ["Parameters", "Pass", "Reference", "contexts_of", "default"]

AT_ONCE = 1 << 13  # samples predicted at once: their neighbours stay in the cache


@dataclass(frozen=True, slots=True)
class Reference:
    """A level of a plane that is known as a whole: samples, magnitudes of errors, and these smoothed."""

    samples: Phased
    magnitudes: Phased
    smooth: Phased


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the writer says of a pass.

    weights    int [kinds * classes, features], in 256ths
    coarse     all weights are multiples of two to this
    energies   int [energy features], in 256ths
    bounds     first context of each class but the first, ascending
    scales     int [CONTEXTS], shapes int [CONTEXTS]
    """

    weights: np.ndarray
    coarse: int
    energies: np.ndarray
    bounds: tuple[int, ...]
    scales: np.ndarray
    shapes: np.ndarray
    is_default: bool = False


class Pass:
    """A phase of one level of one plane: what is known around its samples.

    samples, magnitudes   of the same plane, the phases known so far
    references            planes that are known as a whole, the nearest first
    regions               uint8 [rows, columns] of blocks: the kind of each; None where there is one
    """

    def __init__(
        self,
        samples: Phased,
        magnitudes: Phased,
        references: Sequence[Reference],
        phase: tuple[int, int],
        depth: int,
        regions: np.ndarray | None = None,
    ) -> None:
        self.samples, self.magnitudes, self.references = samples, magnitudes, references
        self.phase, self.depth, self.regions = phase, depth, regions
        self.shape = samples.size(phase)
        self.mixing = _mixing(phase, len(references)).astype(samples.dtype)

    @property
    def features(self) -> int:
        """Weights of a predictor."""
        return len(self.mixing)

    @property
    def energy_features(self) -> int:
        """Weights of an energy."""
        return 6 + 2 * len(self.references)

    def strips(self) -> Iterator[tuple[int, int]]:
        """Rows first..last that are worked on at once."""
        step = max(1, AT_ONCE // self.shape[1])
        for first in range(0, self.shape[0], step):
            yield first, min(self.shape[0], first + step)

    @property
    def kinds(self) -> int:
        """Kinds of regions."""
        return 1 if self.regions is None else MAX_REGIONS

    def kind_of(self, first: int, last: int) -> np.ndarray:
        """int64 [n]: the kind of region of the samples of some rows."""
        if self.regions is None:
            return np.zeros((last - first) * self.shape[1], np.int64)
        rows = self.regions[np.arange(first, last) // BLOCK]
        return rows[:, np.arange(self.shape[1]) // BLOCK].reshape(-1).astype(np.int64)

    def around(self, first: int, last: int) -> np.ndarray:
        """[neighbours, n]: samples around those of some rows, of this plane and of the references; last a constant."""
        wanted = [(self.samples, offset) for offset in OWN[self.phase]]
        wanted += [(plane.samples, offset) for plane in self.references for offset in REFERENCE[self.phase]]
        out = np.empty((len(wanted) + 1, last - first, self.shape[1]), self.samples.dtype)
        for row, (plane, offset) in zip(out, wanted, strict=False):
            row[...] = plane.near(self.phase, offset, first, last)
        out[-1] = 1 << max(0, self.depth - CONSTANT_BITS)
        return out.reshape(len(wanted) + 1, -1)

    def energy_inputs(self, around: np.ndarray, first: int, last: int) -> np.ndarray:
        """[energy features, n]: how uneven it is, and how wrong predictions were around."""
        near = around[:4]
        out = np.empty((self.energy_features, near.shape[1]), near.dtype)
        across = ((0, 3), (1, 2)) if self.phase == (1, 1) else ((0, 1), (2, 3))
        for row, (a, b) in zip(out, across, strict=False):
            np.abs(near[a] - near[b], out=row)
        shape = (last - first, self.shape[1])
        for row, some in ((out[2], OWN[self.phase][:4]), (out[3], OWN[self.phase][4:8])):
            total = row.reshape(shape)
            total[...] = self.magnitudes.near(self.phase, some[0], first, last)
            for offset in some[1:]:
                total += self.magnitudes.near(self.phase, offset, first, last)
        np.abs(4 * near - near.sum(0), out=(deviations := np.empty_like(near)))
        deviations.sum(0, out=out[4])
        for i, plane in enumerate(self.references):
            out[5 + 2 * i].reshape(shape)[...] = plane.magnitudes.near(self.phase, (0, 0), first, last)
            out[6 + 2 * i].reshape(shape)[...] = plane.smooth.near(self.phase, (0, 0), first, last)
        out[-1] = ENERGY_CONSTANT
        return out

    def predict(
        self, around: np.ndarray, contexts: np.ndarray, kinds: np.ndarray, parameters: Parameters
    ) -> np.ndarray:
        """int32 [n]: predictions in eighths of a sample, inside the range of samples."""
        weights = parameters.weights.astype(around.dtype) @ self.mixing
        weights[:, :4] += 1 << WEIGHT_BITS
        found = multiply(weights, around)
        if len(weights) > 1:
            of_context = np.searchsorted(parameters.bounds, np.arange(CONTEXTS), side="right")
            place = of_context.take(contexts)
            place += kinds * (len(parameters.bounds) + 1)
            place *= found.shape[1]
            place += np.arange(found.shape[1])
            found = found.reshape(-1).take(place)
        else:
            found = found[0]
        shift = 2 + WEIGHT_BITS - PREDICTION_BITS
        found += 1 << (shift - 1)
        found *= 2.0**-shift
        np.floor(found, out=found)
        return np.clip(found, 0, ((1 << self.depth) - 1) << PREDICTION_BITS).astype(np.int32)


def contexts_of(inputs: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """uint8 [n]: contexts of energies."""
    energy = multiply(energies.astype(inputs.dtype), inputs) * inputs.dtype.type(2.0 ** (4 - ENERGY_BITS))
    np.clip(energy, 0, (1 << 20) - 1, out=energy)
    whole = energy.astype(np.int32)
    fine, coarse = _context_tables()
    return np.where(whole < 4096, fine.take(whole, mode="clip"), coarse.take(whole >> 6))


@lru_cache(maxsize=1)
def _context_tables() -> tuple[np.ndarray, np.ndarray]:
    """Contexts of energies below 4096, and of 64ths of greater ones."""
    thresholds = [(step << octave) * ENERGY_SCALE >> 6 for octave in range(16) for step in CONTEXT_STEPS]
    found = np.searchsorted(thresholds[: CONTEXTS - 1], np.arange(1 << 20), side="right").astype(np.uint8)
    return found[:4096].copy(), found[::64].copy()


@lru_cache(maxsize=32)
def _mixing(phase: tuple[int, int], references: int) -> np.ndarray:
    """int64 [features, neighbours]: features are neighbours, four times, less the sum of their plane's nearest four.

    One of the nearest four is left out, because the four differences from their mean are not independent.
    """
    rows, at = [], 0
    total = len(OWN[phase]) + references * len(REFERENCE[phase])
    for count in (len(OWN[phase]), *[len(REFERENCE[phase])] * references):
        for k in (*range(3), *range(4, count)):
            row = np.zeros(total + 1, np.int64)
            row[at : at + 4] = -1
            row[at + k] += 4
            rows.append(row)
        at += count
    rows.append(np.eye(1, total + 1, total, dtype=np.int64)[0])
    return np.array(rows)


def default(a_pass: Pass) -> Parameters:
    """What holds for a pass of which the writer says nothing."""
    weights = np.zeros((a_pass.kinds, a_pass.features), np.int64)
    own, count = len(OWN[a_pass.phase]) - 1, len(a_pass.references)
    for i in range(count):
        weights[:, own + i * (len(REFERENCE[a_pass.phase]) - 1) + 3] = (1 << WEIGHT_BITS) // count
    energies = np.zeros(a_pass.energy_features, np.int64)
    energies[2], energies[4], energies[-1] = 32, 32, 2
    scales = np.minimum(np.arange(CONTEXTS) // 2, SCALES - 1)
    return Parameters(weights, 0, energies, (), scales, np.zeros(CONTEXTS, np.int64), is_default=True)


def tables_and_signs(
    predictions: np.ndarray, contexts: np.ndarray, parameters: Parameters
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """(nearest samples, whether residuals are mirrored, tables, low bits or None) of predictions in eighths."""
    half = 1 << (PREDICTION_BITS - 1)
    nearest = (predictions + half) >> PREDICTION_BITS
    mean = predictions - (nearest << PREDICTION_BITS)
    mirrored = mean < 0
    row = shapes.table_of()[parameters.shapes, parameters.scales].reshape(-1)
    place = contexts * np.int32(5)
    place += np.abs(mean)
    bits = shapes.low_bits().take(parameters.scales).astype(np.uint8)
    used = bits.take(contexts) if bits.any() else None
    return nearest, mirrored, row.take(place), used


assert MAX_CLASSES <= CONTEXTS
