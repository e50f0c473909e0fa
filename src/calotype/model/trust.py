"""What `models add` refuses: operators, sizes and claims of a model that comes from elsewhere. Proofs are proof.py's.

A model is verified once, when it is added; loading only checks digests. Reading a graph here opens no file and runs
nothing; sessions are made from graphs that passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from calotype.errors import LimitError, ModelError
from calotype.model.bundle import Model
from calotype.model.graph import Graph, parse
from calotype.model.operators import OPERATORS
from calotype.model.proof import Proof, prove_model

__all__ = ["FLOAT_OPERATORS", "Verdict", "verify"]

MAX_GRAPH_BYTES = 2**27
MAX_CONSTANT_BYTES = 2**28

# Pure functions of their inputs with outputs of predictable size: no control flow, no random numbers, no strings,
# no sequences, nothing that loops over values. A model may still ask for much time and memory when it runs, as any
# program one installs; it can reach nothing outside its inputs.
FLOAT_OPERATORS = frozenset(OPERATORS) | {
    "And", "AveragePool", "BatchNormalization", "Ceil", "Constant", "ConstantOfShape", "Cos", "Div", "Elu",
    "Equal", "Erf", "Exp", "Expand", "Flatten", "Gather", "GatherElements", "Gelu", "Gemm", "GlobalAveragePool",
    "Greater", "GreaterOrEqual", "GridSample", "GroupNormalization", "HardSigmoid", "HardSwish",
    "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
    "MatMul", "MaxPool", "Mish", "Mod", "Neg", "Not", "Or", "PRelu", "Pow", "Range", "Reciprocal", "ReduceL2",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "ReduceSumSquare", "Round", "Selu", "Shape", "Sigmoid",
    "Sign", "Sin", "Size", "Softmax", "Softplus", "Sqrt", "Squeeze", "Swish", "Tanh", "Tile", "Unsqueeze",
    "Where",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was verified: operator counts of every network, and the proofs of the exact ones."""

    operators: dict[str, dict[str, int]]
    proofs: dict[str, Proof]

    def __str__(self) -> str:
        lines = []
        for name, counts in self.operators.items():
            said = f"{name}: {sum(counts.values())} operators"
            tightest = self.proofs[name].tightest if name in self.proofs else None
            exact = (
                f", exact, {tightest.headroom:.1f}x below the bound" if tightest else ", exact" * (name in self.proofs)
            )
            lines.append(said + exact)
        return "\n".join(lines)


def verify(model: Model) -> Verdict:
    """Verify a model whose digests `bundle.read` has checked; its parts, every network, every proof.

    raises   ModelError, LimitError, UnsupportedError; ExtraMissing without the package onnx
    """
    model.banks  # noqa: B018  tables are checked when banks are built
    counts = {}
    for name, data in model.graphs.items():
        if len(data) > MAX_GRAPH_BYTES:
            raise LimitError(f"bytes of network {name}", value=len(data), limit=MAX_GRAPH_BYTES)
        graph = parse(data, name)
        counts[name] = _counted(name, graph)
        entry = model.manifest.nets[name]
        if set(graph.inputs) != set(entry.inputs) or not set(entry.outputs) <= set(graph.outputs):
            found = f"{tuple(graph.inputs)} -> {graph.outputs}"
            wanted = f"{entry.inputs} -> {entry.outputs}"
            raise ModelError(f"network {name} is not as the manifest describes it", wanted=wanted, found=found)
    return Verdict(counts, prove_model(model))


def _counted(name: str, graph: Graph) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in graph.nodes:
        if node.kind not in FLOAT_OPERATORS:
            raise ModelError(f"network {name}: node {node.name} is an operator that no model may use", found=node.kind,
                             wanted=_some(FLOAT_OPERATORS))  # fmt: skip
        counts[node.kind] = counts.get(node.kind, 0) + 1
    total = sum(math.prod(array.shape) * array.dtype.itemsize for array in graph.constants.values())
    if total > MAX_CONSTANT_BYTES:
        raise LimitError(f"bytes of constants of {name}", value=total, limit=MAX_CONSTANT_BYTES)
    return counts


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
