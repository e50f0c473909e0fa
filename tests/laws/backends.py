"""The exact networks of a model run by something else than the codec's sessions: what law L3 compares. No tests here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from tests import tiny

from calotype import zoo
from calotype.model import runtime
from calotype.model.bundle import Model

LEVELS = ("none", "basic", "extended", "all")


class OtherNets(runtime.Nets):
    """A walk's `nets` whose networks are `run(name, arrays) -> arrays`; rows and priors stay the model's."""

    def __init__(
        self, model: Model, rates: np.ndarray, run: Callable[[str, list[np.ndarray]], list[np.ndarray]]
    ) -> None:
        super().__init__(model, rates, None)
        self._run = run

    def _call(self, network: runtime.Network) -> Callable[..., Any]:
        def call(*arrays: np.ndarray) -> Any:
            rows = max(len(array) for array in arrays)
            types = input_types(network)
            whole = [np.broadcast_to(a, (rows, *a.shape[1:])).astype(t) for a, t in zip(arrays, types, strict=True)]
            outputs = self._run(network.name, whole)
            return outputs[0] if len(outputs) == 1 else tuple(outputs)

        return call


def input_types(network: runtime.Network) -> tuple[type, ...]:
    network.start()
    return network._types


def by_onnxruntime(model: Model, level: str, threads: int) -> Callable[[str, list[np.ndarray]], list[np.ndarray]]:
    """Sessions of another optimisation level and number of threads."""

    @cache
    def session(name: str) -> Any:
        import onnxruntime

        options = runtime.session_options(level, threads)
        return onnxruntime.InferenceSession(model.graphs[name], options, providers=["CPUExecutionProvider"])

    def run(name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        entry = model.manifest.nets[name]
        return session(name).run(list(entry.outputs), dict(zip(entry.inputs, arrays, strict=True)))

    return run


def by_reference(model: Model) -> Callable[[str, list[np.ndarray]], list[np.ndarray]]:
    """onnx's own evaluator, which is written in NumPy."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    @cache
    def evaluator(name: str) -> Any:
        return ReferenceEvaluator(onnx.ModelProto.FromString(model.graphs[name]))

    def run(name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        entry = model.manifest.nets[name]
        return evaluator(name).run(list(entry.outputs), dict(zip(entry.inputs, arrays, strict=True)))

    return run


@cache
def modules(recipe: str) -> dict[str, Any]:
    """The torch modules that were exported: {network: module in the state that was frozen}; none of designed recipes."""
    if zoo.recipe(recipe).design is not None:
        return {}
    return {name: net.module for name, net in tiny.system(recipe).frozen().nets.items()}


def by_torch(
    recipe: str, change: Callable[[Any], Any] | None = None
) -> Callable[[str, list[np.ndarray]], list[np.ndarray]]:
    """PyTorch. `change` may spoil the modules first (copies of them)."""
    import copy

    import torch

    nets = modules(recipe) if change is None else {k: change(copy.deepcopy(m)) for k, m in modules(recipe).items()}

    def run(name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        with torch.no_grad():
            found = nets[name](*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
        return [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]

    return run


def unrounded(module: Any) -> Any:
    """The twin: float weights as they were trained, a floor after each layer still."""
    import torch

    from calotype.nets.exact import ExactConv

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, ExactConv):
                weight, bias = part.natural()
                part.folded = (weight.detach(), (bias + part.rounding).detach())
    return module
