"""Float densities become integer frequencies, once, when a model is frozen; nothing here runs when a picture is coded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype.coding.layout import CLASS_BITS, PRECISION_BITS
from calotype.coding.tables import TableBank
from calotype.errors import UsageError

__all__ = ["bank_from_probabilities", "integer_frequencies", "laplace_bank", "shifted_laplace_bank"]


def laplace_bank(steps: int = 64, per_log: float = 7.0, low: float = -3.5, certain: int = 1) -> TableBank:
    """Laplace tables around 0 with ln b = low + i / per_log; the first `certain` ones code nothing.

    source   P(0) = 1 - exp(-1/2b), P(+-k) = exp(-(k - 1/2)/b) (1 - exp(-1/b)) / 2 (docs/training.md, "Distribution")
    """
    if not 0 <= certain <= steps:
        raise UsageError("certain", value=certain, allowed=f"0..{steps}")
    tables = [(0, np.empty(0))] * certain
    for i in range(certain, steps):
        centre, side = _laplace(float(np.exp(low + i / per_log)))
        tables.append((-len(side), np.concatenate([side[::-1], [centre], side])))
    return bank_from_probabilities(tables)


def shifted_laplace_bank(steps: int, per_log: float, low: float, fractions: int) -> TableBank:
    """Laplace tables around fractions of a symbol: table 0 codes nothing, then `fractions` for each of `steps` scales.

    Table 1 + fractions * i + j has ln b = low + i / per_log and its mean at j / fractions - 1 / 2.
    """
    tables: list[tuple[int, np.ndarray]] = [(0, np.empty(0))]
    for i in range(steps):
        b = float(np.exp(low + i / per_log))
        half = max(1, len(_laplace(b)[1]))
        ends = np.arange(-half, half + 2) - 0.5
        for j in range(fractions):
            away = ends - (j / fractions - 0.5)
            # Both tails as they are small: differences of what is near 1 would have no digits left.
            lower = np.where(away < 0, 0.5 * np.exp(-np.abs(away) / b), 1 - 0.5 * np.exp(-np.abs(away) / b))
            upper = np.where(away > 0, 0.5 * np.exp(-np.abs(away) / b), 1 - 0.5 * np.exp(-np.abs(away) / b))
            inside = np.where(away[:-1] >= 0, upper[:-1] - upper[1:], lower[1:] - lower[:-1])
            tables.append((-half, np.maximum(inside, 0)))
    return bank_from_probabilities(tables)


def _laplace(b: float) -> tuple[float, np.ndarray]:
    """The probability of 0, and those of 1, 2, ... as far as they deserve entries of their own."""
    # Beyond this even a frequency of one is a hundred times too much.
    reach = 1 + int(b * max(0.0, np.log(2.0**PRECISION_BITS * 100 / max(b, 1e-3))))
    k = np.arange(1, reach + 1)
    centre, side = float(-np.expm1(-0.5 / b)), 0.5 * np.exp(-(k - 0.5) / b) * -np.expm1(-1 / b)
    return centre, side[: _reach(centre, side, low_bits=max(0.0, float(np.log2(b))))]


def bank_from_probabilities(tables: Sequence[tuple[int, np.ndarray]]) -> TableBank:
    """One table per (smallest symbol, probabilities of it and the following); what is missing to 1 escapes.

    An empty array makes a certain zero. Deterministic; the rounding is the one with the least expected code length.
    """
    rows = [integer_frequencies(np.asarray(p, np.float64)) if len(p) else np.empty(0, np.int32) for _, p in tables]
    width = max((len(row) for row in rows), default=0)
    frequencies = np.zeros((len(rows), max(width, 1)), np.int32)
    for k, row in enumerate(rows):
        frequencies[k, : len(row)] = row
    sizes = np.array([max(len(row) - 1, 0) for row in rows], np.int32)
    return TableBank(frequencies, sizes, np.array([offset for offset, _ in tables], np.int32))


def integer_frequencies(probabilities: np.ndarray, precision: int = PRECISION_BITS) -> np.ndarray:
    """int32 [s + 1] frequencies >= 1 that sum to 2**precision for s symbols and, last, the escape.

    They minimise the expected code length -sum(p log f): it is convex in each frequency, so frequencies are best when
    no single one can be moved from one entry to another with profit. Ties go to the smaller index.
    """
    total = 1 << precision
    if probabilities.ndim != 1 or not len(probabilities) < total or not np.isfinite(probabilities).all():
        raise UsageError("probabilities", value=probabilities.shape, allowed=f"finite, one axis, below {total} entries")
    if probabilities.min(initial=0) < 0 or probabilities.sum() > 1 + 1e-6:
        raise UsageError("probabilities", value=float(probabilities.sum()), allowed="none negative, together at most 1")
    p = np.append(probabilities, max(0.0, 1 - probabilities.sum()))
    f = np.maximum(1, np.round(p * total / p.sum())).astype(np.int64)
    gain, loss = np.empty(len(f)), np.empty(len(f))  # expected nats, of one more and of one less

    def update(i: np.ndarray | slice) -> None:
        gain[i] = p[i] * np.log1p(1 / f[i])
        loss[i] = np.where(f[i] > 1, -p[i] * np.log1p(-1 / np.maximum(f[i], 2)), np.inf)

    update(slice(None))
    while True:
        missing = total - int(f.sum())
        up, down = int(np.argmax(gain)), int(np.argmin(loss))
        if missing == 0 and gain[up] <= loss[down] * (1 + 1e-9):  # the margin, so that rounding cannot turn in a circle
            return f.astype(np.int32)
        if missing >= 0:
            f[up] += 1
        if missing <= 0:
            f[down] -= 1
        update(np.array([up, down]))


def _reach(centre: float, side: np.ndarray, low_bits: float) -> int:
    """How many symbols on each side deserve an entry of their own: the reach with the least expected bits."""
    total = 2.0**PRECISION_BITS
    kept = 2 * np.concatenate([[0.0], np.cumsum(side)])  # mass of +-1..+-r, for each r
    tail = np.maximum(1 - centre - kept, 0)
    # An entry below one slot is lifted to one, which all others pay for; an escape costs its class, low bits and sign.
    lifted = 2 * np.concatenate([[0.0], np.cumsum(np.maximum(1 / total - side, 0))]) + np.maximum(1 / total - tail, 0)
    cost = 2 * np.concatenate([[0.0], np.cumsum(-side * np.log2(np.maximum(side, 1 / total)))])
    escape_bits = -np.log2(np.maximum(tail, 1 / total)) + CLASS_BITS + 1 + low_bits
    return int(np.argmin(cost + tail * escape_bits + lifted / np.log(2)))
