"""Fingerprints of the exported graphs of every tiny recipe: operators, shapes and their order, not the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tests import tiny

from calotype.model.graph import Graph, parse

FILE = Path(__file__).with_name("graphs.txt")


def present() -> str:
    """What graphs.txt would say now: a line for each network."""
    import onnxscript
    import torch

    lines = [f"# exported with torch {torch.__version__}, onnxscript {onnxscript.__version__}"]
    for recipe in tiny.recipes():
        model = tiny.model(recipe)
        for name in sorted(model.graphs):
            graph, exact = parse(model.graphs[name], name), model.manifest.nets[name].exact
            lines.append(f"{recipe} {name} {len(graph.nodes)} {fingerprint(graph, exact=exact)}")
    return "\n".join(lines) + "\n"


def fingerprint(graph: Graph, *, exact: bool) -> str:
    """12 hexadecimal digits. Tensors are numbered as they appear, so names do not matter.

    exact   single constants (bounds, powers of two) count with their values; in float networks they may be learnt
    """
    numbers: dict[str, int] = {}
    digest = hashlib.sha256()

    def say(*words: object) -> None:
        digest.update(repr(words).encode())

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers)) if name else -1

    for key, entry in graph.inputs.items():
        say("input", number(key), entry.dtype, len(entry.shape), entry.shape[1])

    def argument(name: str) -> object:
        # Described where it is used: the exporter makes one constant of two that happen to be equal.
        return _described(graph.constants[name], exact) if name in graph.constants else number(name)

    for node in graph.nodes:
        arguments = [argument(key) for key in node.inputs]
        say(node.kind, arguments, _plain(node.attributes), [number(key) for key in node.outputs])
    say("outputs", [number(key) for key in graph.outputs])
    return digest.hexdigest()[:12]


def _described(array: np.ndarray, exact: bool) -> tuple[object, ...]:
    structure = (array.dtype.kind == "i" and array.dtype.itemsize == 8) or (exact and array.size == 1)
    return str(array.dtype), array.shape, array.tolist() if structure else ""


def _plain(attributes: Mapping[str, object]) -> list[tuple[str, str]]:
    return sorted((key, str(value)) for key, value in attributes.items())
