"""Law L3 for networks: proved ones give the same integers at every level, thread count and in onnx's own evaluator.

The twin shows that the test can fail: float weights with a floor after each layer differ between levels.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from calotype.errors import ModelError
from calotype.model import proof, runtime, storage

LEVELS = ("none", "basic", "extended", "all")


def outputs(graph, level, threads, **arrays):
    import onnxruntime

    options = runtime.session_options(level, threads)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(None, arrays)


def reference(graph, **arrays):
    import onnx
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(onnx.ModelProto.FromString(graph)).run(None, arrays)


def upsampling_graph(tiny, seed=0):
    """What context networks are made of: rows added, depth-to-space, residual, transposed and grouped convolutions."""
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return (rng.integers(-60, 61, shape) / 128).astype(np.float32)

    constants = {
        "low": np.float32(0), "high": np.float32(255), "a.w": weights(32, 8, 3, 3), "a.b": weights(32),
        "b.w": weights(16, 2, 3, 3), "c.w": weights(16, 4, 4, 4), "c.b": weights(4), "d.w": weights(4, 16, 1, 1),
        "eighth": np.float32(0.125), "scales": np.array([1, 1, 2, 2], np.float32),
    }  # fmt: skip
    node = tiny.node
    nodes = [
        node("Conv", ["x", "a.w", "a.b"], "a", pads=[1] * 4), node("Add", ["a", "row"], "ar"),
        node("Clip", ["ar", "low", "high"], "ac"), node("Floor", ["ac"], "af"),
        node("DepthToSpace", ["af"], "up", blocksize=2, mode="CRD"), node("Mul", ["up", "eighth"], "u8"),
        node("Floor", ["u8"], "uf"), node("Conv", ["uf", "b.w"], "b", pads=[1] * 4, group=4),
        node("Relu", ["b"], "br"), node("Floor", ["br"], "bf"), node("Clip", ["bf", "low", "high"], "bc"),
        node("ConvTranspose", ["bc", "c.w", "c.b"], "c", strides=[2, 2], pads=[1] * 4), node("Floor", ["c"], "cf"),
        node("Conv", ["bc", "d.w"], "d"), node("Floor", ["d"], "df"),
        node("Resize", ["df", "", "scales"], "dr", mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor"), node("Sub", ["cf", "dr"], "y"),
    ]  # fmt: skip
    shapes = {"x": ["b", 8, "h", "w"], "row": ["b", 32, 1, 1]}
    return tiny.graph(nodes, constants, shapes, {"y": ["b", 4, None, None]}), {"x": (0, 255, 0), "row": (-300, 300, 0)}


def graphs(tiny):
    """(graph, ranges): small, of several kinds, with sums near the bound in the last."""
    yield tiny.chain(), {"x": (0, 255, 0)}
    yield upsampling_graph(tiny), None
    yield tiny.chain((64, 48, 48, 8), 5, mean=76, seed=3), {"x": (0, 255, 0)}


@pytest.mark.parametrize("k", range(3))
def test_proved_networks_agree_everywhere(tiny, k):
    """Four optimisation levels, one and two threads, int8 storage, onnx's reference evaluator: bit for bit."""
    graph, ranges = list(graphs(tiny))[k]
    if ranges is None:
        graph, ranges = graph
    assert proof.prove(graph, ranges).tightest.headroom >= 1
    rng = np.random.default_rng(k)
    inputs = {name: rng.integers(low, high + 1, (1, 8, 13, 9) if name == "x" else (1, 32, 1, 1)).astype(np.float32)
              for name, (low, high, _) in ranges.items()}  # fmt: skip
    if k == 2:
        inputs["x"] = np.where(rng.random((1, 64, 13, 9)) < 0.5, 255, rng.integers(0, 256, (1, 64, 13, 9))).astype(
            np.float32
        )
    small = storage.compact(graph, exact=True)
    assert len(small) < len(graph) / 2
    proof.prove(small, ranges)
    (expected,) = reference(graph, **inputs)
    assert len(np.unique(expected)) > 20  # not all clipped away
    for data, level, threads in itertools.product((graph, small), LEVELS, (1, 2)):
        assert np.array_equal(outputs(data, level, threads, **inputs)[0], expected), (level, threads)


def test_float_weights_with_a_floor_after_each_layer_differ_between_levels(tiny):
    """The twin: a few values in a hundred are other integers at level "all", and the proof refuses the network."""
    graph = tiny.chain((16, 32, 32, 8), 3, exact=False, seed=1, mean=5)
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 16)).astype(np.float32)
    (none,), (everything,) = (outputs(graph, level, 1, x=x) for level in ("none", "all"))
    assert np.count_nonzero(none != everything) > 0
    with pytest.raises(ModelError, match="is not exact"):
        proof.prove(graph, {"x": (0, 255, 0)})
