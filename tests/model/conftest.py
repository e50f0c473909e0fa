"""Tiny graphs and models for the tests of calotype.model, built with onnx.helper; the tests are in the files beside."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

OPSET = 20


def onnx_graph(nodes, constants, inputs, outputs, *, opset=OPSET, types=None) -> bytes:
    """Serialised model. inputs, outputs: {name: shape with ints and names}; constants: {name: array}."""
    from onnx import helper, numpy_helper

    types = types or {}
    values = [
        [helper.make_tensor_value_info(name, types.get(name, 1), shape) for name, shape in side.items()]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(
        nodes, "tiny", *values, [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    return model.SerializeToString()


def node(kind, inputs, output, **attributes):
    from onnx import helper

    outputs = output if isinstance(output, list) else [output]
    return helper.make_node(kind, inputs, outputs, name=f"{kind}_{outputs[0]}", **attributes)


def chain_graph(channels=(8, 16, 16, 6), side=3, *, seed=0, shift=7, exact=True, floor_each=True, mean=40) -> bytes:
    """Conv -> Clip -> Floor, several times: x [b, c, h, w] -> y. Integers times 2^-shift, or floats of the same size."""
    rng = np.random.default_rng(seed)
    nodes, constants, current = [], {"low": np.float32(0), "high": np.float32(255)}, "x"
    for k, (fan_in, fan_out) in enumerate(pairwise(channels)):
        if exact:
            weight = rng.integers(-mean, mean + 1, (fan_out, fan_in, side, side)) * 2.0**-shift
            bias = (rng.integers(-2000, 2000, fan_out) + 2 ** (shift - 1)) * 2.0**-shift
        else:
            # Tenths: no binary fractions, yet many sums lie at an integer but for rounding, so few values show it.
            weight = rng.integers(-mean, mean + 1, (fan_out, fan_in, side, side)) * 0.1 / 8
            bias = np.full(fan_out, 0.5)
        constants |= {f"w{k}": weight.astype(np.float32), f"b{k}": bias.astype(np.float32)}
        last = k == len(channels) - 2
        name = f"a{k}"
        nodes.append(
            node("Conv", [current, f"w{k}", f"b{k}"], f"s{k}", pads=[side // 2] * 4, kernel_shape=[side, side])
        )
        nodes.append(node("Clip", [f"s{k}", "low", "high"], f"c{k}"))
        if floor_each or last:
            nodes.append(node("Floor", [f"c{k}"], "y" if last else name))
            current = name
        else:
            current = f"c{k}"
    return onnx_graph(nodes, constants, {"x": ["b", channels[0], "h", "w"]}, {"y": ["b", channels[-1], "h", "w"]})


def tiny_model(**changes):
    """A model with one exact decoder network, one encoder network, a bank, rows and floats."""
    from calotype.coding.tables import TableBank
    from calotype.model import Latent, Manifest, Net, build

    parts = {
        "graphs": {"context": chain_graph(), "analysis": chain_graph((3, 4), seed=9, exact=False)},
        "banks": {"main": TableBank(*(np.array(part, np.int32) for part in ([[2**14 - 5, 5]], [1], [0])))},
        "rows": {"bias": np.array([[0, 10], [100, -11], [31, 7]], np.int32)},
        "floats": {"anchors/gain": np.array([[1, 2], [3, 4], [5, 8]], np.float32)},
        "encoder": {"anchors/tradeoff": np.array([[1.0], [0.5], [0.25]], np.float32)},
    }
    manifest = {
        "name": "tiny", "recipe": "tiny-recipe", "walk": "factorized", "walk_parameters": {"groups": [1, 2]},
        "latents": {"y": Latent(8, 16, 0, 255)}, "transform": {"kind": "networks"}, "rate_anchors": 3,
        "licence": "Apache-2.0", "training": {"steps": 1},
        "nets": {
            "context": Net("nets/context.onnx", ("x",), ("y",), exact=True, ranges={"x": (0, 255, 0)}),
            "analysis": Net("nets/analysis.onnx", ("x",), ("y",), part="encoder"),
        },
    }  # fmt: skip
    for key, value in changes.items():
        (parts if key in parts else manifest)[key] = value
    return build(Manifest(**manifest), **parts)


@pytest.fixture(scope="session")
def tiny():
    """The builders above, since test files can't import one another."""
    return SimpleNamespace(graph=onnx_graph, node=node, chain=chain_graph, model=tiny_model)
