"""The exactness proof: no sum in a network can leave the integers that float32 holds, whatever the picture.

Every value is a multiple of 2**-g; every sum, in whatever order a runtime takes it, stays within 2**24 of these units.
Then each intermediate result is exact, and onnxruntime, torch, any number of threads and any instruction set that
really computes in float32 give the same integers (DESIGN 5). Bounds come from the weights' values, for each channel;
unlisted operators are refused by the node's name. Sessions and files are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calotype.errors import ModelError
from calotype.model.bundle import Model
from calotype.model.folding import FOLDED, fold, shape_of
from calotype.model.graph import Input, Node, parse
from calotype.model.intervals import ACCUMULATOR, NEVER, Refusal, Values
from calotype.model.movements import CASTS
from calotype.model.operators import OPERATORS, SUMS

__all__ = ["Proof", "Step", "prove", "prove_model", "ranges_of"]

SIXTEENTHS_BITS = 4
SMALLEST_BITS = 64  # far from subnormal numbers, which a processor may flush to zero

Range = tuple[Any, Any, int]  # low and high, one number or one for each channel; fraction bits


@dataclass(frozen=True, slots=True)
class Step:
    """One node that sums.

    bound      of all partial sums, in units of 2**-bits, at the channel that comes nearest to 2**24
    headroom   2**24 / bound
    """

    node: str
    kind: str
    channel: int
    bits: int
    bound: int

    @property
    def headroom(self) -> float:
        """How many times larger the sums might be."""
        return ACCUMULATOR / max(1, self.bound)

    def __str__(self) -> str:
        reached = f"{self.bound:_} units of 2^-{self.bits} in channel {self.channel}"
        return f"{self.node} ({self.kind}): {reached}, {self.headroom:.1f}x below 2^24"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown of a network.

    steps     nodes that sum, in the graph's order
    outputs   output name -> knowledge of its values, for each channel
    """

    network: str
    steps: tuple[Step, ...]
    outputs: Mapping[str, Values]

    @property
    def tightest(self) -> Step | None:
        """The step with the least headroom."""
        return min(self.steps, key=lambda step: step.headroom, default=None)

    def __str__(self) -> str:
        return "\n".join([f"{self.network}: {len(self.steps)} sums, all exact", *(f"  {step}" for step in self.steps)])


def prove(data: bytes, ranges: Mapping[str, Range], *, name: str = "network") -> Proof:
    """Prove that the ONNX graph `data` computes exactly, or raise ModelError with the node and the reason.

    ranges   for every input (low, high, fraction bits): values are multiples of 2**-bits within it, as the caller ensures
    raises   also LimitError and UnsupportedError (structure), ExtraMissing without the package onnx
    """
    graph = parse(data, name)
    if set(ranges) != set(graph.inputs):
        raise ModelError(f"ranges of {name}", wanted=", ".join(graph.inputs), found=", ".join(ranges))
    known: dict[str, Values | np.ndarray] = dict(graph.constants)
    for key, entry in graph.inputs.items():
        known[key] = _input(f"{name}.{key}", entry, ranges[key])
    steps = []
    for node in graph.nodes:
        results = _results(name, node, known)
        for output, result in zip(node.outputs, results, strict=False):
            known[output] = result
            if isinstance(result, Values):
                step = _checked(name, node, result)
                if node.kind in SUMS:
                    steps.append(step)
    return Proof(name, tuple(steps), {key: _output(name, key, known[key]) for key in graph.outputs})


def prove_model(model: Model) -> dict[str, Proof]:
    """A proof for every exact network of a model, in the ranges that its manifest declares."""
    return {name: prove(model.graphs[name], ranges_of(model, name), name=name) for name in model.manifest.exact_nets}


def ranges_of(model: Model, name: str) -> dict[str, Range]:
    """The ranges of a network's inputs in numbers: "latents/<name>" and "rows/<name>" looked up in the model."""
    ranges: dict[str, Range] = {}
    for key, value in model.manifest.nets[name].ranges.items():
        if not isinstance(value, str):
            ranges[key] = value
            continue
        kind, _, of = value.partition("/")
        if kind == "latents":
            latent = model.manifest.latents[of]
            ranges[key] = (latent.low, latent.high, SIXTEENTHS_BITS)
        elif value not in model.tables:
            raise ModelError(f"range of {name}.{key} names rows that the model lacks", found=value)
        else:
            # Interpolation between anchors stays between them (bundle.py), so their extremes bound every rate.
            ranges[key] = (model.tables[value].min(0), model.tables[value].max(0), 0)
    return ranges


def _results(name: str, node: Node, known: Mapping[str, Values | np.ndarray]) -> Sequence[Values | np.ndarray]:
    arguments = [known[key] if key else None for key in node.inputs]
    computed = [argument for argument in arguments if isinstance(argument, Values)]
    try:
        if node.kind == "Shape" and computed:
            return [shape_of(node, computed[0])]
        if not computed and node.kind in FOLDED and len(node.outputs) == 1:
            return [fold(node, *arguments)]  # type: ignore[arg-type]
        if node.kind not in OPERATORS or not computed:
            raise Refusal(f"only {', '.join(_known_operators())} are allowed in exact networks")
        made = OPERATORS[node.kind](node, *arguments)
        results = made if isinstance(made, list) else [made]
        if len(results) < len(node.outputs):
            raise Refusal(f"{len(node.outputs)} outputs")
        return results
    except Refusal as exc:
        raise _refused(name, node, str(exc)) from None
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError, ZeroDivisionError) as exc:
        # A malformed node: arguments missing, of another kind, or attributes that fit no tensor.
        raise _refused(name, node, f"arguments that make no sense ({exc})") from exc


def _checked(name: str, node: Node, values: Values) -> Step:
    """The step of this node; raises if its channel nearest to the bound is beyond it."""
    units = values.units
    channel = int(units.argmax())
    bits = max(int(values.bits[channel]), NEVER)
    if not units[channel] <= ACCUMULATOR:
        reached = f"{units[channel]:_.0f} units of 2^-{bits} in channel {channel}"
        reason = f"a sum may reach {reached}; float32 is exact up to {ACCUMULATOR:_}"
        raise _refused(name, node, reason)
    if bool(((values.bits > SMALLEST_BITS) & (values.magnitude > 0)).any()):
        raise _refused(
            name,
            node,
            f"values in steps of 2^-{int(values.bits.max())}; at most {SMALLEST_BITS} fraction bits are allowed",
        )
    return Step(node.name, node.kind, channel, bits, int(units[channel]))


def _refused(name: str, node: Node, reason: str) -> ModelError:
    return ModelError(f"network {name} is not exact: node {node.name} ({node.kind}): {reason}")


def _input(place: str, entry: Input, limits: Range) -> Values:
    rank, channels = len(entry.shape), entry.shape[1] if len(entry.shape) > 1 else None
    low, high = (np.atleast_1d(np.asarray(limit, np.float64)) for limit in limits[:2])
    low, high = np.broadcast_arrays(low, high)
    bits = np.full(low.shape, limits[2], np.int64)
    if entry.dtype not in ("float32", *CASTS):
        raise ModelError(f"input {place}", wanted=f"float32 or one of {', '.join(CASTS)}", found=entry.dtype)
    if (
        low.ndim != 1
        or len(low) not in (1, channels)
        or not (np.isfinite(low) & np.isfinite(high) & (low <= high)).all()
    ):
        raise ModelError(
            f"range of {place}", wanted="finite, low before high, one or one for each channel", found=limits
        )
    magnitude = np.maximum(np.abs(low), np.abs(high))
    values = Values(low, high, bits, magnitude, rank, channels, entry.dtype)
    if (values.units > ACCUMULATOR).any() or limits[2] > 23 or (entry.dtype != "float32" and limits[2] > 0):
        raise ModelError(f"range of {place} is more than {entry.dtype} holds exactly", found=limits)
    if entry.dtype != "float32" and (low.min() < np.iinfo(entry.dtype).min or high.max() > np.iinfo(entry.dtype).max):
        raise ModelError(f"range of {place} is more than {entry.dtype} holds", found=limits)
    return values


def _output(name: str, key: str, values: Values | np.ndarray) -> Values:
    if not isinstance(values, Values):
        raise ModelError(f"output {key} of {name} does not depend on the inputs")
    return values


def _known_operators() -> Iterable[str]:
    return sorted(OPERATORS)
