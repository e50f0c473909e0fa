"""Law L10, soundness: no input exceeds a proven bound; what can't be proved is refused with the node's name."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.errors import LimitError, ModelError, UnsupportedError
from calotype.model import proof, runtime
from calotype.model.intervals import NEVER, fraction_bits

TOP = 2**24


def run(graph, level="none", **arrays):
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, runtime.session_options(level), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, arrays), strict=True))


def holds(values, array):
    """Every entry of `array` lies within the proven interval of its channel, on the proven grid."""
    entries = np.moveaxis(array.astype(np.float64), 1, 0).reshape(array.shape[1], -1)
    assert values.channels in (None, array.shape[1])
    assert (entries.min(1) >= values.low).all() and (entries.max(1) <= values.high).all()
    bits = fraction_bits(entries)
    assert (bits <= values.bits[:, None]).all()


def test_fraction_bits():
    """The smallest g such that a value is a multiple of 2^-g."""
    values = [0, 1, -1, 0.5, 0.75, 3, 96, 2.0**-30, 1 + 2.0**-23, 2.0**40, 2.0**29 - 1]
    assert fraction_bits(np.array(values)).tolist() == [NEVER, 0, 0, 1, 2, 0, -5, 30, 23, -40, 0]


# Each case: nodes after x [b, 8, h, w] (integers 0..255 in sixteenths or whole), constants. Every value is an output.
def cases(tiny):
    node, rng = tiny.node, np.random.default_rng(7)

    def weights(*shape, shift=6):
        return (rng.integers(-30, 31, shape) * 2.0**-shift).astype(np.float32)

    def conv(name, source, shape, bias=True, kind="Conv", **said):
        outputs = shape[0] if kind == "Conv" else shape[1] * said.get("group", 1)
        constants[f"{name}.w"] = weights(*shape)
        inputs = [source, f"{name}.w"]
        if bias:
            constants[f"{name}.b"] = weights(outputs)
            inputs.append(f"{name}.b")
        return node(kind, inputs, name, **said)

    def ints(name, *values):
        constants[name] = np.array(values, np.int64)
        return name

    constants: dict = {}
    yield "padded", [conv("y", "x", (6, 8, 3, 3), pads=[1] * 4)], constants
    constants = {}
    yield "strided, dilated, grouped", [
        conv("a", "x", (12, 2, 3, 3), group=4, strides=[2, 2], pads=[1, 0, 0, 1]),
        node("Floor", ["a"], "f"),
        conv("y", "f", (6, 12, 2, 2), dilations=[2, 1], bias=False),
        node("Floor", ["y"], "g"),
        conv("z", "g", (4, 6, 3, 3), auto_pad="SAME_UPPER"),
    ], constants  # fmt: skip
    constants = {}
    yield "transposed", [
        conv("a", "x", (8, 5, 5, 5), kind="ConvTranspose", strides=[2, 2], pads=[2] * 4, output_padding=[1, 1]),
        node("Floor", ["a"], "f"),
        conv("y", "f", (5, 3, 4, 4), kind="ConvTranspose", strides=[2, 2], pads=[1] * 4),
    ], constants  # fmt: skip
    constants = {}
    yield "transposed in groups", [
        conv("y", "x", (8, 3, 3, 3), kind="ConvTranspose", group=4, strides=[2, 1], dilations=[1, 2])
    ], constants  # fmt: skip
    constants = {"low": np.float32(-3.5), "high": np.float32(40), "half": np.float32(0.5)}
    constants["scale"] = (2.0 ** rng.integers(-3, 2, (8, 1, 1))).astype(np.float32)
    constants["shift"] = rng.integers(-40, 40, (1, 8, 1, 1)).astype(np.float32)
    yield "pointwise", [
        node("Sub", ["x", "shift"], "s"), node("Mul", ["s", "scale"], "m"), node("Abs", ["m"], "a"),
        node("Clip", ["m", "low", "high"], "c"), node("Div", ["m", "scale"], "d"),
        node("Relu", ["d"], "r"), node("Floor", ["m"], "f"),
        node("Sub", ["f", "r"], "apart"),
        node("Max", ["c", "r", "half"], "max"), node("Min", ["f", "shift"], "min"), node("Add", ["max", "min"], "y"),
    ], constants  # fmt: skip
    constants = {"k": np.array([[[[0.25]]]], np.float32)}
    yield "shuffles", [
        node("Mul", ["x", "k"], "m"), node("Concat", ["x", "m"], "cat", axis=1),
        node("DepthToSpace", ["cat"], "dcr", blocksize=2), node("DepthToSpace", ["cat"], "crd", blocksize=2, mode="CRD"),
        node("SpaceToDepth", ["dcr"], "back", blocksize=2), node("Concat", ["dcr", "crd"], "rows", axis=2),
        node("Slice", ["cat", ints("s", 2), ints("e", -1), ints("a", 1), ints("t", 3)], "every"),
        node("Slice", ["cat", ints("s2", 1), ints("e2", 999), ints("a2", 2)], "lower"),
        node("Split", ["cat", ints("sizes", 3, 13)], ["first", "y"], axis=1),
    ], constants  # fmt: skip
    constants = {"scales": np.array([1, 1, 2, 2], np.float32), "fill": np.float32(-7)}
    yield "borders", [
        node("Pad", ["x", ints("p", 0, 0, 1, 1, 0, 0, 2, 2), "fill"], "filled"),
        node("Pad", ["x", ints("p", 0, 0, 1, 1, 0, 0, 2, 2)], "edge", mode="edge"),
        node("Resize", ["edge", "", "scales"], "y", mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor"),
    ], constants  # fmt: skip
    constants = {}
    yield "shuffle by reshaping", [
        node("Shape", ["x"], "shape"), node("Gather", ["shape", ints("i2", 2)], "h"),
        node("Gather", ["shape", ints("i3", 3)], "w"), node("Gather", ["shape", ints("i0", 0)], "n"),
        node("Mul", ["h", ints("two", 2)], "h2"), node("Mul", ["w", "two"], "w2"),
        node("Concat", ["n", ints("c", 2, 2, 2), "h", "w"], "t1", axis=0), node("Reshape", ["x", "t1"], "six"),
        node("Transpose", ["six"], "turned", perm=[0, 1, 4, 2, 5, 3]),
        node("Concat", ["n", "two", "h2", "w2"], "t2", axis=0), node("Reshape", ["turned", "t2"], "z"),
        conv("y", "z", (3, 2, 1, 1)),
    ], constants  # fmt: skip
    constants = {
        "low": np.float32(0),
        "high": np.float32(200),
        "small": rng.integers(-90, 90, (4, 8, 1, 1)).astype(np.int8),
    }
    constants["k"] = (2.0 ** -rng.integers(0, 7, (4, 1, 1, 1))).astype(np.float32)
    yield "stored as int8, returned as uint8", [
        node("Cast", ["small"], "float", to=1), node("Mul", ["float", "k"], "w"), node("Conv", ["x", "w"], "s"),
        node("Floor", ["s"], "f"), node("Clip", ["f", "low", "high"], "c"), node("Cast", ["c"], "byte", to=2),
        node("Cast", ["byte"], "y", to=1),
    ], constants  # fmt: skip


CASES = 9


@pytest.mark.parametrize("k", range(CASES))
@pytest.mark.parametrize("bits", [0, 4])
def test_no_input_leaves_the_proven_intervals(tiny, k, bits):
    """Inputs at random, at both ends, and by the sign of random directions, against every value of the graph."""
    title, nodes, constants = list(cases(tiny))[k]
    skip = {"shape", "h", "w", "n", "h2", "w2", "t1", "t2", "float", "six", "turned"} | (
        {"w"} if "small" in constants else set()
    )
    shown = [name for entry in nodes for name in entry.output if name not in skip]
    types = {"byte": 2}
    graph = tiny.graph(nodes, constants, {"x": ["b", 8, "h", "w"]}, dict.fromkeys(shown), types=types)
    rng = np.random.default_rng(k)
    low = rng.integers(-128, 1, 8)
    high = low + rng.integers(0, 128, 8)
    found = proof.prove(graph, {"x": (low, high, bits)}, name=title)
    column = (low[:, None, None], high[:, None, None])
    for trial in range(12):
        uniform = rng.integers(low[:, None, None] << bits, (high[:, None, None] << bits) + 1, (8, 8, 6)) / 2**bits
        ends = np.where(rng.integers(0, 2, (8, 8, 6)) > 0, *column)
        x = (
            uniform if trial % 3 == 0 else ends if trial % 3 == 1 else np.where(rng.random((8, 1, 1)) < 0.5, *column)
        ) + 0 * ends
        for name, array in run(graph, x=x[None].astype(np.float32)).items():
            holds(found.outputs[name], array)


def signed_input(weight, low, high):
    """The input patch at which a convolution's first channel is largest: high where the weight is positive."""
    return np.where(weight[0] > 0, high, low).astype(np.float32)[None]


@pytest.mark.parametrize("seed", range(3))
def test_bounds_are_reached_by_inputs_of_the_weights_signs(tiny, seed):
    """The interval of a convolution is no looser than the truth: its end is taken."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(-127, 128, (4, 16, 3, 3)).astype(np.float32)
    bias = rng.integers(-9999, 9999, 4).astype(np.float32)
    graph = tiny.graph(
        [tiny.node("Conv", ["x", "w", "b"], "y")], {"w": weight, "b": bias}, {"x": [1, 16, 3, 3]}, {"y": None}
    )
    found = proof.prove(graph, {"x": (-20, 255, 0)}).outputs["y"]
    assert run(graph, x=signed_input(weight, -20, 255))["y"][0, 0, 0, 0] == found.high[0]
    assert run(graph, x=signed_input(-weight, -20, 255))["y"][0, 0, 0, 0] == found.low[0]
    assert (found.mass >= np.maximum(found.high, -found.low)).all()


def wide_layer(tiny, channels, seed=0):
    """A 1x1 layer of large weights and a small shift: the bound grows with its width."""
    rng = np.random.default_rng(seed)
    weight = (rng.integers(40, 64, (8, channels, 1, 1)) * 2 + 1) * rng.choice([-1, 1], (8, channels, 1, 1))
    nodes = [tiny.node("Conv", ["x", "w"], "s"), tiny.node("Floor", ["s"], "y")]
    constants = {"w": (weight / 2).astype(np.float32)}
    return tiny.graph(nodes, constants, {"x": ["b", channels, "h", "w"]}, {"y": None}), weight


def test_a_network_beyond_the_bound_is_refused_although_no_random_input_shows_it(tiny):
    """The twin of L10: random inputs agree with integers, the proof refuses, and an input by signs proves it right."""
    graph, weight = wide_layer(tiny, 1536)
    with pytest.raises(ModelError, match=r"node Conv_s \(Conv\): a sum may reach [0-9_]+ units of 2\^-1 in channel"):
        proof.prove(graph, {"x": (0, 255, 0)})
    exact = lambda x: np.einsum("oi,bihw->bohw", weight[:, :, 0, 0].astype(np.int64), x.astype(np.int64)) // 2  # noqa: E731
    rng = np.random.default_rng(1)
    for _ in range(20):
        x = rng.integers(0, 256, (1, 1536, 8, 8)).astype(np.float32)
        assert np.array_equal(run(graph, x=x)["y"], exact(x))
    wrong = 0
    for odd in range(16):
        x = np.broadcast_to(signed_input(weight, 0, 255), (1, 1536, 8, 8)).copy()
        x[:, odd] -= x[:, odd] > 0  # one off: sums of another parity
        wrong += np.count_nonzero(run(graph, x=x)["y"] != exact(x))
    assert wrong > 0


def test_the_same_network_within_the_bound_is_proved_and_exact(tiny):
    graph, weight = wide_layer(tiny, 560)
    step = proof.prove(graph, {"x": (0, 255, 0)}).tightest
    assert step.kind == "Conv" and 1 < step.headroom < 1.2
    for odd in range(16):
        x = np.broadcast_to(signed_input(weight, 0, 255), (1, 560, 4, 4)).copy()
        x[:, odd] -= x[:, odd] > 0
        expected = np.einsum("oi,bihw->bohw", weight[:, :, 0, 0].astype(np.int64), x.astype(np.int64)) // 2
        assert np.array_equal(run(graph, level="all", x=x)["y"], expected)


def test_sums_that_a_runtime_may_fuse_are_bounded_together(tiny):
    """Conv + residual is one sum after optimisation: each is within the bound, both together are not."""
    weight = np.full((1, 260, 1, 1), 127, np.float32)
    nodes = [tiny.node("Conv", ["x", "w"], "a"), tiny.node("Conv", ["x", "v"], "b"), tiny.node("Add", ["a", "b"], "y")]
    graph = tiny.graph(nodes, {"w": weight, "v": -weight}, {"x": [1, 260, "h", "w"]}, {"y": None})
    assert proof.prove(graph, {"x": (0, 200, 0)}).tightest.node == "Add_y"
    with pytest.raises(ModelError, match=r"node Add_y \(Add\)"):
        proof.prove(graph, {"x": (0, 255, 0)})
    nodes.insert(1, tiny.node("Floor", ["a"], "fa"))
    nodes[-1] = tiny.node("Add", ["fa", "b"], "y")  # a floor between: but both are still added
    with pytest.raises(ModelError, match="node Add_y"):
        proof.prove(
            tiny.graph(nodes, {"w": weight, "v": -weight}, {"x": [1, 260, "h", "w"]}, {"y": None}), {"x": (0, 255, 0)}
        )


def test_the_bound_is_two_to_the_24_exactly(tiny):
    graph = tiny.graph([tiny.node("Add", ["x", "c"], "y")], {"c": np.float32(1)}, {"x": [1, 1, 1, 1]}, {"y": None})
    assert proof.prove(graph, {"x": (0, TOP - 1, 0)}).tightest.bound == TOP
    with pytest.raises(ModelError, match="16_777_217 units"):
        proof.prove(graph, {"x": (0, TOP, 0)})


def test_a_bias_counts_with_its_size_and_its_fraction(tiny):
    def bound(bias):
        constants = {"w": np.ones((1, 1, 1, 1), np.float32), "b": np.array([bias], np.float32)}
        graph = tiny.graph([tiny.node("Conv", ["x", "w", "b"], "y")], constants, {"x": [1, 1, "h", "w"]}, {"y": None})
        return proof.prove(graph, {"x": (-255, 0, 0)}).tightest

    assert bound(1000).bound == 1255 and bound(-1000).bound == 1255
    assert (bound(0.125).bits, bound(0.125).bound) == (3, 255 * 8 + 1)
    with pytest.raises(ModelError, match="16_777_471 units"):
        bound(TOP)


def refusals(tiny):
    """Title, nodes, constants, what the sentence says."""
    node, one = tiny.node, np.ones((8, 8, 1, 1), np.float32)
    yield [node("Mul", ["x", "c"], "y")], {"c": np.float32(3)}, r"Mul_y \(Mul\): a factor that is no power of two: \[3"
    yield [node("Mul", ["x", "x"], "y")], {}, "a product of two computed values"
    yield [node("Div", ["x", "c"], "y")], {"c": np.float32(3)}, "a factor that is no power of two"
    yield [node("Div", ["x", "c"], "y")], {"c": np.float32(0)}, "a division by zero"
    yield [node("Div", ["c", "x"], "y")], {"c": np.float32(2)}, "a division by a computed value"
    yield [node("Sigmoid", ["x"], "y")], {}, r"Sigmoid_y \(Sigmoid\): only Abs, Add"
    yield [node("Conv", ["x", "w"], "y")], {"w": one * np.nan}, "not finite"
    yield [node("Conv", ["x", "w"], "y")], {"w": one * np.float32(0.1)}, r"units of 2\^-2"
    yield [node("Conv", ["x", "w"], "y")], {"w": one.astype(np.float64)}, "weights of type float64"
    yield [node("Conv", ["x", "w"], "y")], {"w": one[:, :4]}, "4 input channels for a tensor"
    yield [node("Conv", ["x", "x"], "y")], {}, "weights that are computed"
    yield [node("Conv", ["x", "w"], "y")], {"w": one * np.float32(2.0**-90)}, "at most 64 fraction bits"
    yield [node("Conv", ["x"], "y")], {}, "arguments that make no sense"
    yield [node("Clip", ["x", "l"], "y")], {"l": np.float32(np.inf)}, "a limit that is no finite constant"
    yield [node("Cast", ["x"], "y", to=3)], {}, "a cast to int8 of values from 0.0 to 255.0"
    yield [node("Cast", ["x"], "y", to=10)], {}, "a cast from float32 to float16"
    yield (
        [node("Resize", ["x", "", "s"], "y", mode="nearest")],
        {"s": np.array([1, 1, 2, 2], np.float32)},
        "a resize that is not",
    )
    yield [node("Pad", ["x", "p"], "y")], {"p": np.array([0, 1, 0, 0, 0, 0, 0, 0])}, "padding of channels"
    yield (
        [node("Shape", ["x"], "s"), node("Cast", ["s"], "f", to=1), node("Add", ["x", "f"], "y")],
        {},
        "sizes of the input as values",
    )
    yield [node("Cast", ["i"], "w", to=1), node("Mul", ["w", "k"], "v"), node("Conv", ["x", "v"], "y")], {
        "i": np.full((8, 8, 1, 1), 77, np.int8), "k": np.float32(0.1)}, "constants that float32 would round"  # fmt: skip
    yield [node("Identity", ["c"], "y")], {"c": np.float32(3)}, "does not depend on the inputs"


@pytest.mark.parametrize("k", range(21))
def test_refusals_name_the_node_and_the_reason(tiny, k):
    nodes, constants, said = list(refusals(tiny))[k]
    graph = tiny.graph(nodes, constants, {"x": ["b", 8, "h", "w"]}, {"y": None})
    with pytest.raises(ModelError, match=said):
        proof.prove(graph, {"x": (0, 255, 0)})


def test_there_is_a_test_for_every_refusal(tiny):
    assert len(list(refusals(tiny))) == 21 and len(list(cases(tiny))) == CASES


def test_inputs_are_float32_or_small_integers_within_their_range(tiny):
    def graph(kind):
        return tiny.graph(
            [tiny.node("Cast", ["x"], "y", to=1)], {}, {"x": ["b", 2, "h", "w"]}, {"y": None}, types={"x": kind}
        )

    assert proof.prove(graph(2), {"x": (0, 255, 0)}).outputs["y"].high == 255
    for kind, limits in (
        (2, (0, 256, 0)),
        (2, (0, 1, 1)),
        (1, (0, 2**21, 4)),
        (11, (0, 1, 0)),
        (1, (2, 1, 0)),
        (1, ([0] * 3, 1, 0)),
    ):
        with pytest.raises(ModelError, match=r"network\.x"):
            proof.prove(graph(kind), {"x": limits})
    with pytest.raises(ModelError, match="ranges of network"):
        proof.prove(graph(1), {})


def test_ranges_come_from_latents_and_rows(tiny):
    """ "latents/..." are sixteenths of the declared range; "rows/..." the extremes of the anchors."""
    from calotype.model import Net

    nodes = [tiny.node("Add", ["x", "row"], "y")]
    graph = tiny.graph(nodes, {}, {"x": ["b", 2, "h", "w"], "row": ["b", 2, 1, 1]}, {"y": None})
    nets = {"n": Net("nets/n.onnx", ("x", "row"), ("y",), exact=True, ranges={"x": "latents/y", "row": "rows/bias"})}
    found = proof.prove_model(tiny.model(nets=nets, graphs={"n": graph}))["n"].outputs["y"]
    assert found.low.tolist() == [0, -11] and found.high.tolist() == [355, 265] and found.bits.tolist() == [4, 4]
    missing = {"n": Net("nets/n.onnx", ("x", "row"), ("y",), exact=True, ranges={"x": "latents/y", "row": "rows/none"})}
    with pytest.raises(ModelError, match="rows that the model lacks"):
        proof.prove_model(tiny.model(nets=missing, graphs={"n": graph}))


def test_structure_is_refused_before_anything_is_read(tiny):
    import onnx

    def changed(change):
        model = onnx.ModelProto.FromString(tiny.chain((2, 3)))
        change(model)
        return model.SerializeToString()

    def external(model):
        model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
        model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")

    for change, said in (
        (external, "lies in another file"),
        (lambda m: m.opset_import.add(domain="com.microsoft", version=1), "another operator domain"),
        (lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"), "another operator domain"),
        (lambda m: m.functions.add(), "only plain graphs"),
        (lambda m: m.graph.node.add(op_type="Relu", input=["nobody"], output=["q"]), "uses a value that nothing made"),
        (lambda m: m.graph.node.add(op_type="Relu", input=["y"], output=["w0"]), "made twice"),
        (
            lambda m: m.graph.node.add(op_type="If", input=["y"], output=["q"]).attribute.add(name="then", type=5),
            "a graph of its own",
        ),
    ):
        with pytest.raises(ModelError, match=said):
            proof.prove(changed(change), {"x": (0, 255, 0)})
    with pytest.raises(ModelError, match="is not ONNX"):
        proof.prove(b"\xff\xff\xff", {})
    with pytest.raises(UnsupportedError, match="opset"):
        proof.prove(tiny.graph([tiny.node("Relu", ["x"], "y")], {}, {"x": [1]}, {"y": None}, opset=9), {"x": (0, 1, 0)})
    many = tiny.graph([tiny.node("Relu", ["x"], f"y{k}") for k in range(5000)], {}, {"x": [1]}, {"y1": None})
    with pytest.raises(LimitError, match="nodes of"):
        proof.prove(many, {"x": (0, 1, 0)})
