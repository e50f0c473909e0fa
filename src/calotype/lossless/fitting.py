"""The writer's choices for a pass: weights by least squares, classes by energy, tables by cost. Not normative."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from calotype.lossless import passes, shapes
from calotype.lossless.layout import (
    BLOCK,
    CONTEXTS,
    ENERGY_BITS,
    MAX_ENERGY_SUM,
    MAX_REGIONS,
    MAX_WEIGHT_SUM,
    PREDICTION_BITS,
    SCALES,
    SHAPES,
    WEIGHT_BITS,
)
from calotype.lossless.neighbours import PHASES, Phased
from calotype.lossless.passes import Parameters, Pass, Reference
from calotype.lossless.products import gram, multiply

__all__ = ["fit", "regions"]

LEAST = 500  # samples of a pass that are worth parameters
A_CLASS = 5000  # and another predictor
MOST_CLASSES = 6
# Of a context's scale from the default: flat parts of noisy pictures need far less than their energy says.
MOVES = np.array([-48, -40, -33, -27, -22, -18, -15, -12, -10, -8, *range(-6, 7)])
LARGE = 128  # sides of a level that is worth regions
ROUNDS = 5  # of fitting predictors and choosing among them
WORTH = 0.6  # share of the bits that regions seem to save which they do save
FEW = 1 << 14  # samples of a pass; of more, every other one decides on regions
PROBED = 1000  # samples of a context that its table is chosen by
AT_FIRST = 6000  # samples that the energy is fitted to


def fit(a_pass: Pass, values: np.ndarray) -> Parameters:
    """Parameters of a pass whose samples, int32 [h, w], are known."""
    start = passes.default(a_pass)
    n = values.size
    if n < LEAST:
        return start
    target = values.reshape(-1).astype(np.float64)
    around, inputs = _all(a_pass)
    features = multiply(a_pass.mixing, around)
    base = around[:4].sum(0).astype(np.float64) / 4
    wanted = target - base
    some = slice(None, None, max(1, n // AT_FIRST))
    first = _weights(features[:, some], wanted[some], 0)
    missed = np.abs(wanted[some] - multiply(first.astype(np.float64), features[:, some]) * 2.0 ** -(2 + WEIGHT_BITS))
    energies = _energies(inputs[:, some], missed * (1 << PREDICTION_BITS))
    contexts = passes.contexts_of(inputs, energies)
    bounds = _bounds(contexts, min(MOST_CLASSES if a_pass.kinds == 1 else 2, 1 + n // (A_CLASS * a_pass.kinds)))
    of_context = np.searchsorted(bounds, np.arange(CONTEXTS), side="right")
    labels = of_context.take(contexts) + a_pass.kind_of(0, a_pass.shape[0]) * (len(bounds) + 1)
    coarse = _coarse(n)
    weights = np.tile(first >> coarse << coarse, (a_pass.kinds * (len(bounds) + 1), 1))
    for k in range(len(weights)):
        (mine,) = (labels == k).nonzero()
        if len(mine) > 3 * len(features):
            weights[k] = _weights(features[:, mine], wanted[mine], coarse)
    said = Parameters(weights, coarse, energies, bounds, start.scales, start.shapes)
    scales, chosen = _tables(
        a_pass.predict(around, contexts, a_pass.kind_of(0, a_pass.shape[0]), said), contexts, values.reshape(-1), said
    )
    return Parameters(weights, coarse, energies, bounds, scales, chosen)


def regions(values: np.ndarray, references: Sequence[Reference], depth: int) -> np.ndarray | None:
    """Kinds of the blocks of a level, [h, w], by what predicts them best; None where it is too small to gain.

    As k-means does: predictors are fitted to the blocks of a kind, then each block takes the kind that suits it best.
    """
    if min(values.shape) < LARGE:
        return None
    whole = Phased(values.shape, np.float64, values)
    rows, columns = (-(-side // (2 * BLOCK)) for side in values.shape)
    blocks, worked = rows * columns, []
    for phase in PHASES:
        a_pass = Pass(whole, whole, references, phase, depth)
        around = a_pass.around(0, a_pass.shape[0]).astype(np.float64)
        features = multiply(a_pass.mixing, around) * 0.25
        wanted = values[phase[0] :: 2, phase[1] :: 2].reshape(-1) - around[:4].sum(0) / 4
        trust = 1 / np.sqrt(np.abs(features[:3]).sum(0) + 1)
        y, x = np.arange(a_pass.shape[0]) // BLOCK, np.arange(a_pass.shape[1]) // BLOCK
        block = (y[:, None] * columns + x).reshape(-1)
        some = slice(None, None, 2) if features.shape[1] > FEW else slice(None)
        worked.append(_Blocks(blocks, features[:, some], wanted[some], block[some], trust[some]))
    uneven = np.sum([one.summed(1 / one.trust**2) / one.counts.clip(1) for one in worked], 0)
    kinds = np.argsort(np.argsort(uneven)) * MAX_REGIONS // blocks
    alike = np.sum([one.costs(one.solved(np.ones((1, blocks), bool)))[0] for one in worked], 0)
    costs = alike[None]
    for _ in range(ROUNDS):
        chosen = kinds == np.arange(MAX_REGIONS)[:, None]
        costs = np.sum([one.costs(one.solved(chosen)) for one in worked], 0)
        kinds = costs.argmin(0)
    # Classes by energy win part of it as well, and more predictors must be said.
    gain = WORTH * float((alike - costs.min(0)).sum()) * (values.size * 0.75 / sum(len(one.wanted) for one in worked))
    price = 2 * blocks + 6 * (MAX_REGIONS - 1) * sum(len(one.features) for one in worked)
    return kinds.astype(np.uint8).reshape(rows, columns) if gain > price else None


class _Blocks:
    """The samples of a phase, block after block, and what least squares over any of the blocks are made of.

    features  float64 [features, n]; wanted, trust: [n], the weight of each sample; block: [n], the block it lies in
    """

    def __init__(
        self, blocks: int, features: np.ndarray, wanted: np.ndarray, block: np.ndarray, trust: np.ndarray
    ) -> None:
        order = np.argsort(block, kind="stable")
        self.features, self.wanted, self.trust = features.take(order, 1), wanted[order], trust[order]
        self.counts = np.bincount(block, minlength=blocks)  # zero at borders that a phase does not reach
        self._starts = (np.cumsum(self.counts) - self.counts)[self.counts > 0]
        scaled = np.concatenate([self.features, self.wanted[None]]) * self.trust
        ends = pairwise([0, *np.cumsum(self.counts).tolist()])
        # A block has a few hundred samples: no BLAS starts threads for them.
        self._products = np.stack([scaled[:, a:b] @ scaled[:-1, a:b].T for a, b in ends])

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sums over each block, [..., blocks], of [..., n] values in the order of the samples."""
        found = np.zeros((*values.shape[:-1], len(self.counts)))
        found[..., self.counts > 0] = np.add.reduceat(values, self._starts, axis=-1)
        return found

    def solved(self, chosen: np.ndarray) -> np.ndarray:
        """Weights [kinds, features] fitted to the blocks of each kind, bool [kinds, blocks]; nan where they are too few."""
        known = np.tensordot(chosen.astype(np.float64), self._products, 1)  # [kinds, features + 1, features]
        enough = chosen @ self.counts >= 4 * len(self.features)
        found = np.full((len(chosen), len(self.features)), np.nan)
        for kind in np.flatnonzero(enough):
            found[kind] = _ridged(known[kind])
        return found

    def costs(self, weights: np.ndarray) -> np.ndarray:
        """[kinds, blocks]: about how many bits the errors of each predictor take in each block; infinite for nan."""
        found = self.summed(np.log2(np.abs(self.wanted - multiply(weights, self.features)) + 0.5))
        found[np.isnan(weights).any(1)] = np.inf
        return found


def _all(a_pass: Pass) -> tuple[np.ndarray, np.ndarray]:
    around, inputs = [], []
    for first, last in a_pass.strips():
        around.append(a_pass.around(first, last))
        inputs.append(a_pass.energy_inputs(around[-1], first, last))
    return np.concatenate(around, 1), np.concatenate(inputs, 1)


def _solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Least squares with a ridge that keeps weights of features that say nothing at zero. a [features, n]"""
    return _ridged(gram(np.concatenate([a, b[None]]), a))


def _ridged(known: np.ndarray) -> np.ndarray:
    """Solve products [features + 1, features], the last row of them with what is wanted."""
    count = known.shape[1]
    ridge = 1e-6 * np.trace(known[:-1]) / count + 1e-3
    return np.linalg.solve(known[:-1] + ridge * np.eye(count), known[-1])


def _coarse(n: int) -> int:
    """How many bits of weights are not worth their place in a pass of n samples."""
    return 0 if n > 40000 else 1 if n > 8000 else 2 if n > 2000 else 3


def _weights(features: np.ndarray, wanted: np.ndarray, coarse: int) -> np.ndarray:
    """int64 weights that make the sum of magnitudes of errors small: least squares, then once more reweighted."""
    a = features.astype(np.float64) * 0.25
    found = _solve(a, wanted)
    trust = 1 / np.sqrt(np.abs(wanted - multiply(found, a)) + 1.5)
    found = _solve(a * trust, wanted * trust)
    whole = np.round(found * (1 << WEIGHT_BITS) / (1 << coarse)).astype(np.int64) << coarse
    total = np.abs(whole).sum()
    return whole if total <= MAX_WEIGHT_SUM else (whole * MAX_WEIGHT_SUM // (2 * total)) >> coarse << coarse


def _energies(inputs: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """int64 weights that predict magnitudes of errors, relative errors counting alike."""
    a = inputs.astype(np.float64)
    found = _solve(a, missed)
    trust = 1 / (np.maximum(multiply(found, a), 0.2) + 1)
    found = _solve(a * trust, missed * trust)
    whole = np.round(found * (1 << ENERGY_BITS)).astype(np.int64)
    total = np.abs(whole).sum()
    return whole if total <= MAX_ENERGY_SUM else whole * MAX_ENERGY_SUM // (2 * total)


def _bounds(contexts: np.ndarray, classes: int) -> tuple[int, ...]:
    """First contexts of classes of about as many samples each."""
    reached = np.cumsum(np.bincount(contexts, minlength=CONTEXTS)) / len(contexts)
    found = {int(np.searchsorted(reached, k / classes)) + 1 for k in range(1, classes)}
    return tuple(sorted(bound for bound in found if 1 <= bound < CONTEXTS and reached[bound - 1] < 1))


def _tables(
    predictions: np.ndarray, contexts: np.ndarray, values: np.ndarray, said: Parameters
) -> tuple[np.ndarray, np.ndarray]:
    """The scale and the shape of every context with the least bits."""
    nearest, mirrored, _, _ = passes.tables_and_signs(predictions, contexts, said)
    residuals = values - nearest
    residuals = np.where(mirrored, -residuals, residuals)
    mean = np.abs(predictions - (nearest << PREDICTION_BITS))
    order = np.argsort(contexts, kind="stable")
    ends = np.cumsum(np.bincount(contexts, minlength=CONTEXTS))
    costs = np.zeros((CONTEXTS, len(MOVES), SHAPES))
    for context in range(CONTEXTS):
        mine = order[ends[context - 1] if context else 0 : ends[context]]
        if len(mine):
            part = mine[:: max(1, len(mine) // PROBED)]
            found = _costs(residuals[part], mean[part], np.clip(said.scales[context] + MOVES, 0, SCALES - 1))
            costs[context] = found * (len(mine) / len(part))
    moved, chosen = _cheapest(costs)
    return np.clip(said.scales + MOVES[moved], 0, SCALES - 1), chosen


def _cheapest(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The path through [contexts, moves, shapes] with the least bits, those that say a change included."""
    count, moves, kinds = costs.shape
    step = np.abs(np.subtract.outer(MOVES, MOVES))
    change = np.where(step == 0, 0.2, 2.0 + 5.8 * np.minimum(step, 3))
    change = change[:, None, :, None] + np.where(np.eye(kinds, dtype=bool), 0.2, 7.8)[None, :, None, :]
    change = change.reshape(moves * kinds, -1)
    start = np.full((moves, kinds), 7.8)
    start += 5.8 * np.minimum(np.abs(MOVES), 3)[:, None]
    start[MOVES == 0, 0] = 0.4
    total, came = start.reshape(-1) + costs[0].reshape(-1), []
    for context in range(1, count):
        ways = total[:, None] + change
        came.append(ways.argmin(0))
        total = ways.min(0) + costs[context].reshape(-1)
    path = [int(total.argmin())]
    for before in reversed(came):
        path.append(int(before[path[-1]]))
    found = np.array(path[::-1])
    return found // kinds, found % kinds


def _costs(residuals: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """float64 [scales, SHAPES]: bits of residuals."""
    known, low = shapes.bank(), shapes.low_bits()[scales][:, None, None]
    tables = shapes.table_of()[:, scales][:, :, means].transpose(1, 0, 2)  # [scales, SHAPES, n]
    symbols = np.where(low > 0, -(residuals >> low), residuals)
    sizes, column = known.sizes.take(tables), symbols - known.offsets.take(tables)
    outside = (column < 0) | (column >= sizes)
    column = np.where(outside, sizes, column)
    bits = known.code_lengths[tables, column].sum(-1, dtype=np.float64)
    # An escape: class and sign, and about the bits of how far outside it is.
    beyond = np.where(outside, 6 + np.log2(1 + np.abs(symbols) / 4), 0).sum(-1)
    return bits + beyond + low[:, :, 0] * len(residuals)
