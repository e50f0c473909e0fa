"""How weights lie in a model's graphs: int8 times 2^-k for exact networks, float16 for others; used once, at freeze.

The graph converts them back with Cast (and Mul) on constants, which onnxruntime folds when it loads: no cost at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.errors import ModelError
from calotype.model.graph import load, parse
from calotype.model.intervals import fraction_bits
from calotype.model.runtime import Network

__all__ = ["compact"]

_CONVOLUTIONS = {"Conv": 0, "ConvTranspose": 1}  # kind -> axis of output channels in its weights
SMALLEST = 64  # float constants with fewer entries stay as they are


def compact(
    data: bytes, *, exact: bool, name: str = "network", sample: Mapping[str, np.ndarray] | None = None
) -> bytes:
    """The same network with small constants and without names of the machine that exported it; deterministic bytes.

    exact    weights that are int8 times a power of two for each output channel become int8, and the result must be
             bit-equal, in its constants and in a run; others stay float32. Otherwise weights are rounded to float16
    sample   inputs to run it on; made up of small integers where left out
    raises   ModelError where an exact network changes or a weight does not fit float16
    """
    import onnx

    model = load(data, name)
    _strip(model)
    graph = model.graph
    axes = {node.input[1]: _CONVOLUTIONS[node.op_type] for node in graph.node if node.op_type in _CONVOLUTIONS}
    kept: list[Any] = []
    made: list[Any] = []
    for tensor in graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        parts = None
        if array.dtype == np.float32 and exact and tensor.name in axes and array.ndim == 4:
            parts = _as_int8(array, axes[tensor.name])
        elif array.dtype == np.float32 and not exact and array.ndim > 1 and array.size >= SMALLEST:
            parts = (_as_float16(f"{name}/{tensor.name}", array), None)
        if parts is None:
            kept.append(tensor)
            continue
        small, scale = parts
        kept.append(onnx.numpy_helper.from_array(small, f"{tensor.name}.small"))
        target = tensor.name if scale is None else f"{tensor.name}.float"
        made.append(onnx.helper.make_node("Cast", [f"{tensor.name}.small"], [target], f"{tensor.name}.cast", to=1))
        if scale is not None:
            kept.append(onnx.numpy_helper.from_array(scale, f"{tensor.name}.scale"))
            made.append(
                onnx.helper.make_node("Mul", [target, f"{tensor.name}.scale"], [tensor.name], f"{tensor.name}.mul")
            )
    nodes = [*made, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    small_data = model.SerializeToString(deterministic=True)
    if exact:
        _check_equal(name, data, small_data, sample)
    return small_data


def _strip(model: Any) -> None:
    """Remove what says where and by whom the graph was made: it is no part of the network, and it may hold paths."""
    model.doc_string = model.producer_name = model.producer_version = ""
    graph = model.graph
    graph.doc_string = ""
    del model.metadata_props[:], graph.value_info[:], graph.quantization_annotation[:]
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]


def _as_int8(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(int8, scale) with int8 * scale == array exactly, scale a power of two for each channel; None if there is none."""
    others = tuple(side for side in range(array.ndim) if side != axis)
    bits = fraction_bits(array).max(axis=others, keepdims=True)
    bits = np.where(np.abs(bits) > 100, 0, bits)  # a channel of zeros
    scale = np.ldexp(np.float32(1), -bits.astype(np.int32)).astype(np.float32)
    whole = array.astype(np.float64) / scale
    if whole.min() < -128 or whole.max() > 127:
        return None
    small = whole.astype(np.int8)
    return (small, scale) if np.array_equal(small.astype(np.float32) * scale, array) else None


def _as_float16(place: str, array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        small = array.astype(np.float16)
    if not np.isfinite(small).all():
        raise ModelError(
            f"constant {place} does not fit float16", wanted="below 65504", found=float(np.abs(array).max())
        )
    return small


def _check_equal(name: str, before: bytes, after: bytes, sample: Mapping[str, np.ndarray] | None) -> None:
    graph = parse(after, name)
    if sample is None:
        rng = np.random.default_rng(0)
        sample = {}
        for k, (key, entry) in enumerate(graph.inputs.items()):
            shape = [side or (1 if axis == 0 else 8) for axis, side in enumerate(entry.shape)]
            sample[key] = rng.integers(0, 16 + k, shape).astype(entry.dtype)
    results = []
    for data in (before, after):
        network = Network(data, name=name, inputs=tuple(sample), outputs=graph.outputs, exact=True)
        results.append(network.run([*sample.values()]))
    if not all(np.array_equal(a, b) for a, b in zip(*results, strict=True)):
        raise ModelError(f"network {name} gives other values with int8 weights")
