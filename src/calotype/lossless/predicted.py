"""The coding PREDICTED: planes from coarse to fine, each pass predicted and coded at once. One walk, two ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from calotype.errors import CorruptError
from calotype.lossless import passes, shapes
from calotype.lossless.layout import (
    BLOCK,
    CONTEXTS,
    MAX_CLASSES,
    MAX_ENERGY_SUM,
    MAX_REGIONS,
    MAX_WEIGHT_SUM,
    NUMBER_SCALES,
    PREDICTION_BITS,
    REFERENCES,
    SCALES,
    SHAPES,
    WEIGHT_BITS,
)
from calotype.lossless.neighbours import PHASES, Phased, join, levels_of
from calotype.lossless.passes import Parameters, Pass, Reference
from calotype.lossless.symbols import MeasuringSymbolReader, SymbolReader, SymbolWriter

__all__ = ["decode", "encode", "spent"]

Shape = tuple[int, int, int]


class _Port(Protocol):
    """A `SymbolWriter` or a `SymbolReader`; one that measures has `spent`."""

    spent: np.ndarray

    def code(self, tables: np.ndarray, bits: np.ndarray | None, values: Any) -> np.ndarray: ...

    def plain(self, bits: np.ndarray, values: Any) -> np.ndarray: ...


def encode(samples: np.ndarray, depth: int) -> bytes:
    """The stream of int32 samples [c, h, w]."""
    port = SymbolWriter()
    _walk(port, samples.shape, depth, samples)
    return port.finish()


def decode(data: bytes, shape: Shape, depth: int) -> np.ndarray:
    """int32 [c, h, w]; TruncatedError or CorruptError."""
    port = SymbolReader(data)
    samples = _walk(port, shape, depth, None)
    port.finish()
    return samples


def spent(data: bytes, shape: Shape, depth: int) -> np.ndarray:
    """float32 [h, w]: bits of each pixel, all planes together, without what is said of whole passes."""
    port, heat = MeasuringSymbolReader(data), np.zeros(shape[1:], np.float32)
    _walk(port, shape, depth, None, heat)
    port.finish()
    return heat


def _walk(
    port: _Port, shape: Shape, depth: int, samples: np.ndarray | None, heat: np.ndarray | None = None
) -> np.ndarray:
    """Code all planes; `samples` is None when reading. Returns the samples; `heat` gets what a measuring port spent."""
    order = (1, 0, *range(2, shape[0])) if shape[0] >= 3 else tuple(range(shape[0]))
    out = np.empty(shape, np.int32)
    known: list[list[Reference]] = []
    for plane in order:
        references = known[: -REFERENCES - 1 : -1]
        values = None if samples is None else samples[plane]
        levels, out[plane] = _plane(port, shape[1:], depth, references, values, heat)
        known.append(levels)
        if len(known) > REFERENCES:
            known[-REFERENCES - 1] = []
    return out


def _plane(
    port: _Port,
    size: tuple[int, int],
    depth: int,
    references: Sequence[list[Reference]],
    values: np.ndarray | None,
    heat: np.ndarray | None,
) -> tuple[list[Reference], np.ndarray]:
    """Code a plane: (its levels, as a reference for later planes; int32 [h, w])."""
    dtype = np.float32 if depth <= 8 else np.float64
    sizes = levels_of(*size)
    coarsest = len(sizes) - 1
    now = _base(port, sizes[-1], depth, [levels[coarsest] for levels in references],
                None if values is None else values[:: 1 << coarsest, :: 1 << coarsest])  # fmt: skip
    if heat is not None:
        heat[:: 1 << coarsest, :: 1 << coarsest] += port.spent.reshape(sizes[-1])
    errors = np.full(sizes[-1], 1 << (depth - 1), dtype)
    found = [_reference(now, errors, dtype)]
    for level in range(coarsest - 1, -1, -1):
        step = 1 << level
        beside = [levels[level] for levels in references]
        known, wrong = Phased(sizes[level], dtype), Phased(sizes[level], dtype)
        known.put((0, 0), now)
        wrong.put((0, 0), errors)
        parts, misses = {(0, 0): now}, {(0, 0): errors}
        regions = _regions(port, sizes[level], beside, depth, None if values is None else values[::step, ::step])
        for phase in PHASES:
            a_pass = Pass(known, wrong, beside, phase, depth, regions)
            if not all(a_pass.shape):
                known.put(phase, np.empty(a_pass.shape, dtype))
                wrong.put(phase, np.empty(a_pass.shape, dtype))
                continue
            wanted = None
            if values is not None:
                wanted = values[step * phase[0] :: 2 * step, step * phase[1] :: 2 * step]
            parts[phase], misses[phase] = _code_pass(port, a_pass, wanted)
            if heat is not None:
                heat[step * phase[0] :: 2 * step, step * phase[1] :: 2 * step] += port.spent.reshape(a_pass.shape)
            known.put(phase, parts[phase])
            wrong.put(phase, misses[phase])
        now, errors = join(sizes[level], parts, np.int32), join(sizes[level], misses, dtype)
        found.append(_reference(now, errors, dtype))
    return found[::-1], now


def _reference(samples: np.ndarray, errors: np.ndarray, dtype: type) -> Reference:
    """A level for later planes: smoothing is 1 2 1 in both directions, a quarter of the sum."""
    wide = np.pad(errors, 1, "edge")
    wide = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    smooth = np.floor((wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) * errors.dtype.type(0.25))
    return Reference(*(Phased(samples.shape, dtype, whole) for whole in (samples, errors, smooth)))


def _base(
    port: _Port, size: tuple[int, int], depth: int, references: Sequence[Reference], values: np.ndarray | None
) -> np.ndarray:
    """The coarsest level, int32: differences from the plane before it, or from the middle of the range."""
    middle = np.full(size, 1 << (depth - 1), np.int32)
    if references:
        first = references[0].samples
        middle = join(size, {p: _all(first, p) for p in ((0, 0), *PHASES) if all(first.size(p))}, np.int32)
    wanted = None if values is None else (values - middle).reshape(-1)
    scale = None
    if wanted is not None:
        scale = np.array([_scale_of(np.abs(wanted).mean())])
    scale = int(_numbers(port, 2, scale, 1)[0])
    _demand("scale of a base", 0, scale, SCALES - 1)
    residuals = _residuals(port, scale, wanted, size[0] * size[1])
    return _legal(middle + residuals.reshape(size), depth)


def _regions(
    port: _Port, size: tuple[int, int], references: Sequence[Reference], depth: int, values: np.ndarray | None
) -> np.ndarray | None:
    """The kind of each block of a level, uint8, or None if all are alike."""
    blocks = -(-size[0] // (2 * BLOCK)), -(-size[1] // (2 * BLOCK))
    fitted = said = None
    if values is not None:
        from calotype.lossless import fitting

        fitted = fitting.regions(values, references, depth)
        said = np.array([int(fitted is not None)])
    several = int(_numbers(port, 4, said, 1)[0])
    _demand("regions of a level", 0, several, 1)
    if not several:
        return None
    bits = np.full(blocks[0] * blocks[1], MAX_REGIONS.bit_length() - 1)
    found = port.plain(bits, None if fitted is None else fitted.reshape(-1))
    return found.reshape(blocks).astype(np.uint8)


def _code_pass(port: _Port, a_pass: Pass, values: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(samples int32 [h, w], magnitudes of the errors in eighths) of a pass."""
    fitted = None
    if values is not None:
        from calotype.lossless import fitting

        fitted = fitting.fit(a_pass, values)
    parameters = _parameters(port, a_pass, fitted)
    predictions, contexts = np.empty(a_pass.shape, np.int32), np.empty(a_pass.shape, np.uint8)
    for first, last in a_pass.strips():
        around = a_pass.around(first, last)
        found = passes.contexts_of(a_pass.energy_inputs(around, first, last), parameters.energies)
        contexts[first:last] = found.reshape(-1, a_pass.shape[1])
        predictions[first:last] = a_pass.predict(around, found, a_pass.kind_of(first, last), parameters).reshape(
            -1, a_pass.shape[1]
        )
    flat = predictions.reshape(-1)
    nearest, mirrored, tables, bits = passes.tables_and_signs(flat, contexts.reshape(-1), parameters)
    residuals = None
    if values is not None:
        residuals = values.reshape(-1) - nearest
        residuals = np.where(mirrored, -residuals, residuals)
    residuals = port.code(tables, bits, residuals)
    samples = _legal(np.where(mirrored, -residuals, residuals) + nearest, a_pass.depth).reshape(a_pass.shape)
    missed = np.abs((samples << PREDICTION_BITS) - predictions)
    return samples, missed.astype(a_pass.samples.dtype)


def _parameters(port: _Port, a_pass: Pass, fitted: Parameters | None) -> Parameters:
    """What the writer says of a pass; `fitted` is None when reading, and the default is said in one number."""
    start = passes.default(a_pass)
    said = None
    if fitted is not None:
        said = np.array([0 if fitted.is_default else len(fitted.bounds) + 1])
    classes = int(_numbers(port, 0, said, 1)[0])
    _demand("classes of a pass", 0, classes, MAX_CLASSES)
    if not classes:
        return start
    used = (0, 0)
    moved = np.zeros(CONTEXTS, np.int64)
    if fitted is not None:
        moved = fitted.scales - start.scales
        (some,) = ((np.diff(moved, prepend=0) != 0) | (np.diff(fitted.shapes, prepend=0) != 0)).nonzero()
        used = (int(some[0]), int(some[-1] - some[0] + 1)) if some.size else (0, 0)
    bounds = _numbers(port, 0, None if fitted is None else np.diff(fitted.bounds, prepend=0), classes - 1)
    first, count, coarse = _numbers(port, 1, None if fitted is None else np.array([*used, fitted.coarse]), 3).tolist()
    _demand("coarseness of weights", 0, coarse, WEIGHT_BITS)
    weights = None if fitted is None else fitted.weights.reshape(-1) >> coarse
    weights = _numbers(port, 2, weights, a_pass.kinds * classes * a_pass.features) << coarse
    energies = _numbers(port, 3, None if fitted is None else fitted.energies, a_pass.energy_features)
    _demand("contexts of a pass", 0, first, CONTEXTS)
    _demand("contexts of a pass", 0, count, CONTEXTS - first)
    steps = None
    if fitted is not None:
        steps = np.concatenate([np.diff(moved, prepend=0)[first : first + count],
                                np.diff(fitted.shapes, prepend=0)[first : first + count]])  # fmt: skip
    steps = _numbers(port, 4, steps, 2 * count)
    changes = np.zeros((2, CONTEXTS), np.int64)
    changes[:, first : first + count] = steps.reshape(2, -1)
    moved, chosen = np.cumsum(changes, 1)
    scales = start.scales + moved
    _demand("bounds of classes", 1, int(bounds.min(initial=1)), CONTEXTS)
    _demand("bounds of classes", 0, int(bounds.sum()), CONTEXTS - 1)
    weights = weights.reshape(a_pass.kinds * classes, -1)
    _demand("weights of a pass", 0, int(np.abs(weights).sum(1).max()), MAX_WEIGHT_SUM)
    _demand("weights of an energy", 0, int(np.abs(energies).sum()), MAX_ENERGY_SUM)
    for value in (scales.min(), scales.max()):
        _demand("scale of a context", 0, int(value), SCALES - 1)
    for value in (chosen.min(), chosen.max()):
        _demand("shape of a context", 0, int(value), SHAPES - 1)
    return Parameters(weights, coarse, energies, tuple(np.cumsum(bounds).tolist()), scales, chosen)


def _numbers(port: _Port, kind: int, values: np.ndarray | None, count: int) -> np.ndarray:
    """Some parameters, each kind with a scale of its own."""
    return _residuals(port, NUMBER_SCALES[kind], values, count)


def _residuals(port: _Port, scale: int, values: np.ndarray | None, count: int) -> np.ndarray:
    """Integers around zero with one scale; int64."""
    tables = np.full(count, shapes.table_of()[0, scale, 0])
    low = int(shapes.low_bits()[scale])
    found = port.code(tables, np.full(count, low, np.uint8) if low else None, values)
    # Symbols of damaged streams are below 2**33; sums of some of them must not overflow either.
    return np.asarray(found, np.int64)


def _scale_of(magnitude: float) -> int:
    """The scale of a Laplace distribution of that mean magnitude."""
    return int(np.clip(np.round(3 * (np.log2(max(magnitude, 0.0625)) + 4)), 0, SCALES - 1))


def _all(phased: Phased, phase: tuple[int, int]) -> np.ndarray:
    return phased.near(phase, (0, 0), 0, phased.size(phase)[0])


def _legal(samples: np.ndarray, depth: int) -> np.ndarray:
    """int32; raises CorruptError where a sample is out of its range."""
    if samples.size and (samples.min() < 0 or samples.max() >> depth):
        _demand("sample of a lossless tile", 0, int(samples.max()), (1 << depth) - 1)
        _demand("sample of a lossless tile", 0, int(samples.min()), (1 << depth) - 1)
    return samples.astype(np.int32)


def _demand(field: str, low: int, found: int, high: int) -> None:
    if not low <= found <= high:
        raise CorruptError(field, found=found, expected=f"{low}..{high}")
