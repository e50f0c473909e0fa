"""Networks as callables: rows on a pool, broadcasting, laziness, and errors that name the network."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from calotype.errors import ModelError, UsageError
from calotype.model import Net, runtime


@pytest.fixture
def batch():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 40, 40)).astype(np.float32)


@pytest.mark.parametrize("exact", [True, False])
def test_a_batch_is_its_rows_one_by_one(tiny, batch, exact):
    graph = tiny.chain(exact=exact)
    network = runtime.Network(graph, name="n", inputs=("x",), outputs=("y",), exact=exact)
    alone = np.concatenate([network(row[None]) for row in batch])
    with ThreadPoolExecutor(2) as pool:
        for workers in (None, pool):
            assert np.array_equal(runtime.run_rows(network, [batch], workers)[0], alone)
            small = batch[:, :, :4, :4]  # so small that exact rows are run together; not contiguous either
            rows = np.concatenate([network(row[None]) for row in small])
            assert np.array_equal(runtime.run_rows(network, [small], workers)[0], rows)


def _sum_graph(tiny):
    nodes = [tiny.node("Add", ["x", "row"], "y"), tiny.node("Sub", ["x", "row"], "z")]
    shapes = {"x": ["b", 2, "h", "w"], "row": ["b", 2, 1, 1]}
    return tiny.graph(nodes, {}, shapes, {"y": ["b", 2, "h", "w"], "z": ["b", 2, "h", "w"]})


def test_a_walk_sees_networks_and_rows(tiny):
    ranges = {"x": (0, 255, 0), "row": "rows/bias"}
    nets = {name: Net(f"nets/{name}.onnx", ("x", "row"), ("z", "y"), exact=True, ranges=ranges)
            for name in ("sum", "head.0", "head.1")}  # fmt: skip
    model = tiny.model(nets=nets, graphs=dict.fromkeys(nets, _sum_graph(tiny)))
    view = model.nets(np.array([0, 1023, 511]))
    x = np.ones((1, 2, 3, 3), np.float32)
    z, y = view.sum(x, view.rows("bias"))
    assert y.shape == (3, 2, 3, 3) and y[1, 0, 0, 0] == 32 and z[1, 1, 2, 2] == -6
    assert len(view.head) == 2 and np.array_equal(view.head[1](x, view.rows("bias"))[1], y)
    assert view["head.0"] is view.head[0]
    with pytest.raises(ModelError, match="no network"):
        view.nothing(x)
    with pytest.raises(UsageError, match="rows of sum"):
        view.sum(np.ones((2, 2, 3, 3)), view.rows("bias"))
    with pytest.raises(UsageError, match="inputs of sum"):
        view.sum(x)


def test_sessions_start_once_and_lazily(tiny):
    model = tiny.model()
    assert model.net("context")._session is None
    with ThreadPoolExecutor(4) as pool:
        sessions = set(map(id, pool.map(lambda _: model.net("context").start(), range(8))))
        model.warm(pool)
    assert len(sessions) == 1 and model.net("analysis")._session is None
    model.warm(part="all")
    assert model.net("analysis")._session is not None


def test_errors_name_the_network(tiny):
    broken = runtime.Network(b"no graph", name="n", inputs=("x",), outputs=("y",), exact=False)
    with pytest.raises(ModelError, match="network n can't be loaded"):
        broken.start()
    other = runtime.Network(tiny.chain(), name="n", inputs=("q",), outputs=("y",), exact=False)
    with pytest.raises(ModelError, match="inputs and outputs of n"):
        other.start()
    network = runtime.Network(tiny.chain(), name="n", inputs=("x",), outputs=("y",), exact=False)
    with pytest.raises(ModelError, match=r"network n refused x \[1, 7, 3, 3\]"):
        network(np.zeros((1, 7, 3, 3)))


def test_importing_the_model_part_loads_neither_onnxruntime_nor_onnx():
    code = (
        "import sys, calotype.model, calotype.model.proof, calotype.model.trust, calotype.model.store; "
        "assert not {'onnx', 'onnxruntime', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_checked_walk_sees_values_that_no_proof_assumed(tiny):
    model = tiny.model()
    x = np.zeros((1, 8, 3, 3), np.float32)
    model.nets(np.array([0]), checked=True).context(x + 255)
    for wrong in (x + 256, x - 1, x + 0.5):
        model.nets(np.array([0])).context(wrong)
        with pytest.raises(ModelError, match=r"values of context\.x are not those of the proof"):
            model.nets(np.array([0]), checked=True).context(wrong)
