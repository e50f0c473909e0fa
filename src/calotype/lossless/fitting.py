"""The writer's choices for a pass: weights by least squares, classes by energy, tables by cost. Not normative."""

from __future__ import annotations

import numpy as np

from calotype.lossless import passes, shapes
from calotype.lossless.layout import (
    CONTEXTS,
    ENERGY_BITS,
    MAX_ENERGY_SUM,
    MAX_WEIGHT_SUM,
    PREDICTION_BITS,
    SCALES,
    SHAPES,
    WEIGHT_BITS,
)
from calotype.lossless.passes import Parameters, Pass

__all__ = ["fit"]

LEAST = 500  # samples of a pass that are worth parameters
A_CLASS = 5000  # and another predictor
MOST_CLASSES = 6
AT_FIRST = 6000  # samples that the energy is fitted to


def fit(a_pass: Pass, values: np.ndarray) -> Parameters:
    """Parameters of a pass whose samples, int32 [h, w], are known."""
    start = passes.default(a_pass)
    n = values.size
    if n < LEAST:
        return start
    target = values.reshape(-1).astype(np.float64)
    around, inputs = _all(a_pass)
    features = a_pass.mixing @ around
    base = around[:4].sum(0).astype(np.float64) / 4
    wanted = target - base
    some = slice(None, None, max(1, n // AT_FIRST))
    first = _weights(features[:, some], wanted[some])
    missed = np.abs(wanted[some] - first @ features[:, some] * 2.0 ** -(2 + WEIGHT_BITS))
    energies = _energies(inputs[:, some], missed * (1 << PREDICTION_BITS))
    contexts = passes.contexts_of(inputs, energies)
    bounds = _bounds(contexts, min(MOST_CLASSES, 1 + n // A_CLASS))
    of_context = np.searchsorted(bounds, np.arange(CONTEXTS), side="right")
    labels = of_context.take(contexts)
    weights = np.stack([_weights(features[:, mine], wanted[mine]) for mine in
                        ((labels == k).nonzero()[0] for k in range(len(bounds) + 1))])  # fmt: skip
    said = Parameters(weights, energies, bounds, start.scales, start.shapes)
    scales, chosen = _tables(a_pass.predict(around, contexts, said), contexts, values.reshape(-1), said)
    return Parameters(weights, energies, bounds, scales, chosen)


def _all(a_pass: Pass) -> tuple[np.ndarray, np.ndarray]:
    around, inputs = [], []
    for first, last in a_pass.strips():
        around.append(a_pass.around(first, last))
        inputs.append(a_pass.energy_inputs(around[-1], first, last))
    return np.concatenate(around, 1), np.concatenate(inputs, 1)


def _solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Least squares with a ridge that keeps weights of features that say nothing at zero. a [features, n]"""
    gram = a @ a.T
    ridge = 1e-3 * np.trace(gram) / max(1, len(gram)) / 1000 + 1e-3
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), a @ b)


def _weights(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int64 weights that make the sum of magnitudes of errors small: least squares, then once more reweighted."""
    a = features.astype(np.float64) * 0.25
    if a.shape[1] < 4 * len(a):
        a, wanted = np.tile(a, 1), wanted
    found = _solve(a, wanted)
    trust = 1 / np.sqrt(np.abs(wanted - found @ a) + 1.5)
    found = _solve(a * trust, wanted * trust)
    whole = np.round(found * (1 << WEIGHT_BITS)).astype(np.int64)
    total = np.abs(whole).sum()
    return whole if total <= MAX_WEIGHT_SUM else whole * MAX_WEIGHT_SUM // (2 * total)


def _energies(inputs: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """int64 weights that predict magnitudes of errors, relative errors counting alike."""
    a = inputs.astype(np.float64)
    found = _solve(a, missed)
    trust = 1 / (np.maximum(found @ a, 0.2) + 1)
    found = _solve(a * trust, missed * trust)
    # An energy is in 128ths of a sample, four times finer than 64ths of an eighth.
    whole = np.round(found * 64).astype(np.int64)
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
    scales, chosen = np.full(CONTEXTS, -1), np.zeros(CONTEXTS, np.int64)
    for context in range(CONTEXTS):
        mine = order[ends[context - 1] if context else 0 : ends[context]]
        if len(mine) < 30:
            continue
        mine = mine[:: max(1, len(mine) // 4000)]
        costs = _costs(residuals[mine], mean[mine])
        k = int(np.argmin(costs))
        scales[context], chosen[context] = k // SHAPES, k % SHAPES
    have = (scales >= 0).nonzero()[0]
    if not have.size:
        return said.scales, said.shapes
    # A context with few samples is as far from the default as the one below it.
    moved = scales - said.scales
    source = have[np.maximum(np.searchsorted(have, np.arange(CONTEXTS), side="right") - 1, 0)]
    return np.clip(said.scales + moved[source], 0, SCALES - 1), chosen[source]


def _costs(residuals: np.ndarray, means: np.ndarray) -> np.ndarray:
    """float64 [SCALES * SHAPES] bits of residuals with each scale and shape; far ones are left at infinity."""
    known, table_of, low = shapes.bank(), shapes.table_of(), shapes.low_bits()
    magnitude = np.abs(residuals - means / 8).mean()
    centre = 3 * (np.log2(max(magnitude, 0.02)) + 4)
    out = np.full((SCALES, SHAPES), np.inf)
    for scale in range(max(0, int(centre) - 5), min(SCALES, int(centre) + 5)):
        symbols = -(residuals >> low[scale]) if low[scale] else residuals
        for shape in range(SHAPES):
            tables = table_of[shape, scale].take(means)
            sizes, column = known.sizes.take(tables), symbols - known.offsets.take(tables)
            outside = (column < 0) | (column >= sizes)
            column = np.where(outside, sizes, column)
            bits = known.code_lengths[tables, column].sum(dtype=np.float64)
            # An escape: class and sign, and about the bits of how far outside it is.
            bits += (6 + np.log2(1 + np.abs(symbols[outside]) / 4)).sum()
            out[scale, shape] = bits + low[scale] * len(symbols)
    if not np.isfinite(out).any():
        out[0 if centre < 0 else SCALES - 1, 0] = 0
    return out.reshape(-1)


assert ENERGY_BITS == 6
