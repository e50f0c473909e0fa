"""Compact weights: smaller files, the same values, and nothing of the exporting machine left inside."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.errors import ModelError
from calotype.model import graph, proof, storage
from calotype.model.runtime import Network


def run(data, x):
    return Network(data, name="n", inputs=("x",), outputs=("y",), exact=False)(x)


def test_exact_weights_become_int8_and_nothing_changes(tiny):
    data = tiny.chain((8, 32, 32, 6))
    small = storage.compact(data, exact=True)
    assert len(small) < len(data) / 3
    kinds = [array.dtype for name, array in graph.parse(small).constants.items() if name.endswith(".small")]
    assert kinds == [np.int8] * 3
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 7)).astype(np.float32)
    assert np.array_equal(run(small, x), run(data, x))
    before, after = (proof.prove(d, {"x": (0, 255, 0)}) for d in (data, small))
    assert [step.bound for step in before.steps] == [step.bound for step in after.steps]
    assert storage.compact(data, exact=True) == small  # deterministic


def test_scales_are_powers_of_two_for_each_output_channel(tiny):
    """Also of transposed convolutions, whose output channels are the second axis; weights of 9 bits stay float32."""
    rng = np.random.default_rng(0)
    per_channel = 2.0 ** -np.arange(4)
    down = rng.integers(-128, 128, (4, 3, 3, 3)) * per_channel[:, None, None, None]
    up = rng.integers(-128, 128, (4, 4, 2, 2)) * per_channel[None, :, None, None]
    up[:, 3] = 0
    wide = rng.integers(-255, 256, (4, 4, 1, 1)) + 0.0
    wide[0, 0, 0, 0] = 255
    nodes = [
        tiny.node("Conv", ["x", "down"], "a"),
        tiny.node("ConvTranspose", ["a", "up"], "b", strides=[2, 2]),
        tiny.node("Conv", ["b", "wide"], "y"),
    ]
    constants = {name: array.astype(np.float32) for name, array in {"down": down, "up": up, "wide": wide}.items()}
    data = tiny.graph(nodes, constants, {"x": ["b", 3, "h", "w"]}, {"y": None})
    found = graph.parse(storage.compact(data, exact=True)).constants
    assert found["down.small"].dtype == found["up.small"].dtype == np.int8 and found["wide"].dtype == np.float32
    assert np.array_equal(found["up.small"] * found["up.scale"], up)
    assert found["down.scale"].shape == (4, 1, 1, 1) and found["up.scale"].shape == (1, 4, 1, 1)


def test_float_weights_become_float16(tiny):
    data = tiny.chain((8, 32, 6), exact=False)
    small = storage.compact(data, exact=False)
    assert len(small) < 0.6 * len(data)
    x = np.random.default_rng(0).integers(0, 256, (1, 8, 9, 7)).astype(np.float32)
    assert np.abs(run(small, x) - run(data, x)).mean() < 0.5
    big = tiny.graph([tiny.node("Conv", ["x", "w"], "y")], {"w": np.full((8, 8, 1, 1), 7e4, np.float32)},
                     {"x": ["b", 8, "h", "w"]}, {"y": None})  # fmt: skip
    with pytest.raises(ModelError, match="network/w does not fit float16"):
        storage.compact(big, exact=False)


def test_nothing_says_where_a_network_was_exported(tiny):
    import onnx

    model = onnx.ModelProto.FromString(tiny.chain((2, 3)))
    model.producer_name = model.doc_string = model.graph.doc_string = model.graph.node[0].doc_string = "/home/someone"
    model.metadata_props.add(key="k", value="/home/someone")
    model.graph.node[0].metadata_props.add(key="trace", value="/home/someone")
    model.graph.initializer[0].metadata_props.add(key="trace", value="/home/someone")
    assert b"someone" not in storage.compact(model.SerializeToString(), exact=True)


def test_a_network_that_needs_other_shapes_is_run_on_the_sample(tiny):
    nodes = [tiny.node("Add", ["x", "half"], "y")]
    data = tiny.graph(nodes, {}, {"x": ["b", 1, "h", "w"], "half": ["b", 1, "h2", "w2"]}, {"y": None})
    sample = {"x": np.ones((1, 1, 4, 4), np.float32), "half": np.ones((1, 1, 1, 4), np.float32)}
    assert storage.compact(data, exact=True, sample=sample)
    bad = {"x": sample["x"], "half": np.ones((1, 1, 3, 3), np.float32)}
    with pytest.raises(ModelError, match="refused"):
        storage.compact(data, exact=True, sample=bad)


@pytest.mark.long
def test_what_torch_exports_is_proved(tmp_path):
    """Shuffles, edges repeated, nearest upsampling, divisions by powers of two, chunks: as `torch.onnx` writes them."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    functional = torch.nn.functional

    class Context(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(8, 64, 3), torch.nn.Conv2d(24, 32, 1)
            self.up = torch.nn.ConvTranspose2d(16, 8, 2, 2)
            for part in (self.first, self.second, self.up):
                for parameter in part.parameters():
                    parameter.data = torch.randint(-60, 60, parameter.shape) / 128

        def forward(self, x, row):
            x = x.clamp(-128, 127)
            h = self.first(functional.pad(x, (1, 1, 1, 1), mode="replicate")) + row
            h = functional.pixel_shuffle(h, 2).clamp(0, 255).floor()
            near = functional.interpolate(x, scale_factor=2, mode="nearest").abs()
            u, v = torch.chunk(self.second(torch.cat([h, near], 1)), 2, 1)
            u = torch.floor(torch.relu(u) / 4).clamp(0, 255)
            return self.up(u).floor(), (v * 0.25).floor().clamp(0, 63).to(torch.uint8)

    x, row = torch.zeros(1, 8, 6, 10), torch.zeros(1, 64, 1, 1)
    sides = {2: torch.export.Dim("h", min=1, max=4096), 3: torch.export.Dim("w", min=1, max=4096)}
    program = torch.onnx.export(Context().eval(), (x, row), dynamo=True, dynamic_shapes={"x": sides, "row": {}},
                                input_names=["x", "row"], output_names=["y", "table"])  # fmt: skip
    program.save(str(tmp_path / "net.onnx"))
    small = storage.compact((tmp_path / "net.onnx").read_bytes(), exact=True)
    found = proof.prove(small, {"x": (-200, 200, 4), "row": (-300, 300, 0)})
    assert (
        found.tightest.headroom > 1
        and found.outputs["table"].dtype == "uint8"
        and found.outputs["table"].high.max() == 63
    )
