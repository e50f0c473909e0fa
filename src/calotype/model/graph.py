"""ONNX bytes -> plain nodes and arrays, structure checked; what the operators mean is operators.py, what is allowed trust.py.

The only reader of ONNX protobufs besides storage.py. It needs the package onnx, and reads no other file whatever the bytes say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calotype.errors import ExtraMissing, LimitError, ModelError, UnsupportedError

__all__ = ["Graph", "Input", "Node", "load", "parse"]

MAX_NODES = 4096
MAX_CONSTANTS = 8192
OPSETS = range(13, 27)  # below 13 several operators carry their arguments elsewhere


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: `name` is what a user can find in a viewer, "" among `inputs` an argument left out."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """A graph input: its type as a NumPy name, and its shape with None where a dimension is open."""

    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which they can run, constants by name, inputs and output names."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]


def load(data: bytes, name: str) -> Any:
    """The onnx.ModelProto of `data`, structure checked: no other domains, files, functions or graphs inside nodes.

    raises   ModelError, LimitError, UnsupportedError; ExtraMissing without the package onnx
    """
    onnx = _onnx()
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, RuntimeError, ValueError) as exc:
        raise ModelError(f"network {name} is not ONNX", found=exc) from exc
    graph = model.graph
    for quantity, value, limit in (
        (f"nodes of {name}", len(graph.node), MAX_NODES),
        (f"constants of {name}", len(graph.initializer), MAX_CONSTANTS),
    ):
        if value > limit:
            raise LimitError(quantity, value=value, limit=limit)
    if model.functions or model.training_info or graph.sparse_initializer:
        raise ModelError(
            f"network {name} has functions, training graphs or sparse constants; only plain graphs are allowed"
        )
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            raise ModelError(f"network {name} uses another operator domain", found=entry.domain)
        if entry.version not in OPSETS:
            raise UnsupportedError(f"opset of {name}", found=entry.version, supported=f"{OPSETS[0]} to {OPSETS[-1]}")
    for node in graph.node:
        _check_node(onnx, name, node)
    for tensor in graph.initializer:
        _check_tensor(onnx, f"{name}/{tensor.name}", tensor)
    _check_names(name, graph)
    return model


def parse(data: bytes, name: str = "network") -> Graph:
    """The graph in plain data; raises what `load` raises."""
    model = load(data, name)
    onnx = _onnx()
    graph = model.graph
    constants = {tensor.name: _array(onnx, f"{name}/{tensor.name}", tensor) for tensor in graph.initializer}
    nodes = []
    for k, node in enumerate(graph.node):
        attributes = {}
        for attribute in node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            if isinstance(value, onnx.TensorProto):
                value = _array(onnx, name, value)
            elif node.op_type == "Cast" and attribute.name == "to":
                value = _type(onnx, f"{name}/{node.name}", value)
            attributes[attribute.name] = value
        label = node.name or f"{node.op_type} {k}"
        nodes.append(Node(label, node.op_type, tuple(node.input), tuple(node.output), attributes))
    inputs = {entry.name: _input(onnx, name, entry) for entry in graph.input}
    return Graph(tuple(nodes), constants, inputs, tuple(entry.name for entry in graph.output))


def _onnx() -> Any:
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as exc:
        raise ExtraMissing("Checking a network", package="onnx", extra="models") from exc
    return onnx


def _check_node(onnx: Any, name: str, node: Any) -> None:
    if node.domain not in ("", "ai.onnx"):
        raise ModelError(
            f"{name}: node {node.name} is of another operator domain", found=f"{node.domain}.{node.op_type}"
        )
    for attribute in node.attribute:
        kinds = onnx.AttributeProto
        if attribute.type in (kinds.GRAPH, kinds.GRAPHS) or attribute.ref_attr_name:
            raise ModelError(f"{name}: node {node.name} ({node.op_type}) holds a graph of its own")
        if attribute.type == kinds.TENSOR:
            _check_tensor(onnx, f"{name}/{node.name}", attribute.t)


def _check_tensor(onnx: Any, name: str, tensor: Any) -> None:
    # Before anybody converts it: converting would open the file it names.
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"constant {name} lies in another file, which no model may ask for")


def _check_names(name: str, graph: Any) -> None:
    """Every name is made once and before it is used; a constant is not also an input, which could override it."""
    made = [entry.name for entry in (*graph.input, *graph.initializer)]
    known = set(made)
    for node in graph.node:
        for used in node.input:
            if used and used not in known:
                raise ModelError(
                    f"{name}: node {node.name} ({node.op_type}) uses a value that nothing made", found=used
                )
        outputs = [output for output in node.output if output]
        made += outputs
        known.update(outputs)
    if len(known) != len(made):
        raise ModelError(f"{name}: a value is made twice", found=next(m for m in made if made.count(m) > 1))
    for entry in graph.output:
        if entry.name not in known:
            raise ModelError(f"{name}: an output is never made", found=entry.name)


def _array(onnx: Any, name: str, tensor: Any) -> np.ndarray:
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, NotImplementedError) as exc:
        raise ModelError(f"constant {name} can't be read", found=exc) from exc


def _input(onnx: Any, name: str, entry: Any) -> Input:
    kind = entry.type.tensor_type
    dtype = _type(onnx, f"{name}.{entry.name}", kind.elem_type)
    if not kind.HasField("shape"):
        raise ModelError(f"{name}: input {entry.name} has no shape")
    return Input(dtype, tuple(side.dim_value if side.HasField("dim_value") else None for side in kind.shape.dim))


def _type(onnx: Any, place: str, kind: int) -> str:
    """The NumPy name of an ONNX element type."""
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind)).name
    except (KeyError, TypeError, ValueError) as exc:
        raise ModelError(f"{place} is of an unknown type", found=kind) from exc
