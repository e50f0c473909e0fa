"""Laws L3 and L10 over every registered recipe: exact networks give the same tables everywhere and keep their bounds."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests import tiny
from tests.laws import backends
from tests.laws.waivers import excused
from tests.laws.walking import Case, case_of, equal

from calotype import codec
from calotype.coding.positions import Bound
from calotype.coding.reader import Reader
from calotype.model import bundle, proof, trust
from calotype.model.graph import parse
from calotype.model.intervals import fraction_bits
from calotype.picture import Picture

QEMU = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")


class Recording(Reader):
    """A reader that keeps the tables and means of every call."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.seen = []

    def code(self, name, values, distribution, lattice=None, onto=None):
        from calotype.coding.lattice import FULL

        lattice = FULL if lattice is None else lattice
        taken = distribution.take(Bound(lattice, self.shape(name)))
        mean16 = 0 if taken.mean16 is None else taken.mean16
        self.seen.append(np.stack(np.broadcast_arrays(np.asarray(taken.table, np.int32), np.asarray(mean16, np.int32))))
        return super().code(name, values, distribution, lattice, onto)


def read_with(case, streams, hashes, nets):
    port = Recording(case.shapes, case.banks, case.ranges, streams, hashes, case.keys, strict=False)
    values = case.walk(nets, port)
    return values, port.seen, port.finish()


@pytest.fixture(scope="module")
def written():
    """{recipe: (case, values, streams, hashes)}: two tiles at two rates."""
    made = {}

    def of(recipe):
        if recipe not in made:
            case = case_of(recipe, rates=(100, 900), cells=(1, 1))
            made[recipe] = (case, *case.write()[:3])
        return made[recipe]

    return of


def test_l3_tables_and_latents_are_the_same_everywhere(recipe, written):
    """L3: torch, onnxruntime at four levels with one and two threads, onnx's reference evaluator."""
    excused("L3", recipe)
    case, values, streams, hashes = written(recipe)
    _, expected, _ = read_with(case, streams, hashes, case.nets)
    runs = {f"onnxruntime {level} {threads}": backends.by_onnxruntime(case.model, level, threads)
            for level in backends.LEVELS for threads in (1, 2)}  # fmt: skip
    runs |= {"reference": backends.by_reference(case.model), "torch": backends.by_torch(recipe)}
    for name, run in runs.items():
        found, seen, flagged = read_with(case, streams, hashes, backends.OtherNets(case.model, case.rates, run))
        assert not flagged.any(), name
        assert all(np.array_equal(a, b) for a, b in zip(seen, expected, strict=True)), name
        assert equal(found, values), name


def test_l3_twin_float_weights_are_caught(recipe):
    """Weights that were not rounded to integers, a floor after each layer: other tables, and the hash says so.

    On tiles of many cells: as few as one table in a thousand changes.
    """
    if not tiny.model(recipe).manifest.exact_nets:
        pytest.skip("no exact network, nothing to spoil")
    case = case_of(recipe, cells=(3, 4))
    _, streams, hashes, _ = case.write()
    spoilt = backends.OtherNets(case.model, case.rates, backends.by_torch(recipe, backends.unrounded))
    _, _, flagged = read_with(case, streams, hashes, spoilt)
    assert flagged.any()


PROCESSORS = ("Nehalem", "max")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """{processor: {recipe: hash of its file's latents}}, "" for this machine's own: starting an emulator takes seconds."""
    folder = tmp_path_factory.mktemp("files")
    for recipe in tiny.recipes():
        data = codec.encode(Picture(tiny.picture(90, 140)), tiny.model(recipe), quality=50, threads=1, check=False)
        (folder / f"{recipe}.calo").write_bytes(data)
        (folder / f"{recipe}.calomodel").write_bytes(bundle.write(tiny.model(recipe)))
    source = Path(__file__).parents[2] / "src"
    site = [entry for entry in sys.path if entry.endswith("site-packages")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(source), *site]), "OPENBLAS_CORETYPE": "Nehalem"}
    command = [
        str(Path(sys.executable).resolve()),
        "-S",
        str(Path(__file__).with_name("latents_child.py")),
        str(folder),
    ]
    found = {}
    for processor in ("", *PROCESSORS):
        prefix = [str(QEMU), "-cpu", processor] if processor else []
        done = subprocess.run(
            [*prefix, *command], env=environment, capture_output=True, text=True, timeout=1800, check=True
        )
        found[processor] = dict(line.split() for line in done.stdout.splitlines())
    return found


@pytest.mark.long
@pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is not installed (Debian package qemu-user)")
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the emulator runs this interpreter: x86-64 only"
)
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.xdist_group("emulator")
def test_l3_the_same_file_on_other_processors(recipe, elsewhere, processor):
    """L3: a whole file decodes to the same latents under SSE4.2 and under AVX2 with FMA (tests/model has the twin)."""
    assert len(elsewhere[""][recipe]) > 60 and elsewhere[""][recipe] == elsewhere[processor][recipe]


def extreme_inputs(model, module, name, seed):
    """Inputs at the ends of their declared ranges, such that sums inside become large: by the signs of the weights.

    The slope of one output of one layer towards the inputs has the signs of the weights between them; where it
    vanishes (behind a floor) ends are drawn.
    """
    import torch

    random, entry = np.random.default_rng(seed), model.manifest.nets[name]
    ranges = proof.ranges_of(model, name)
    shapes = {key: part.shape for key, part in parse(model.graphs[name], name).inputs.items()}
    lows, highs, starts = [], [], []
    for key in entry.inputs:
        shape = [1 if axis == 0 else side or 8 for axis, side in enumerate(shapes[key])]
        low, high = (
            np.broadcast_to(np.reshape(end, (1, -1, 1, 1)), shape).astype(np.float32) for end in ranges[key][:2]
        )
        lows.append(low)
        highs.append(high)
        starts.append(np.where(random.random(shape) < 0.5, low, high))
    yield starts
    outputs = []
    hooks = [part.register_forward_hook(lambda _m, _i, found: outputs.append(found)) for part in module.modules()]
    places = [torch.from_numpy(np.array(start)).requires_grad_() for start in starts]
    module(*places)
    for hook in hooks:
        hook.remove()
    flat = [
        o
        for found in outputs
        for o in (found if isinstance(found, tuple) else (found,))
        if o.requires_grad and o.ndim == 4
    ]
    for output in flat:
        for channel in random.choice(output.shape[1], min(2, output.shape[1]), replace=False):
            slopes = torch.autograd.grad(output[0, channel, output.shape[2] // 2, output.shape[3] // 2], places,
                                         retain_graph=True, allow_unused=True)  # fmt: skip
            for sign in (1, -1):
                made = []
                for low, high, start, slope in zip(lows, highs, starts, slopes, strict=True):
                    rise = np.zeros_like(start) if slope is None else sign * slope.numpy()
                    made.append(np.where(rise > 0, high, np.where(rise < 0, low, start)))
                yield made


def reached(model, name, inputs):
    """{node that sums: share of its proven bound that any input reaches}, with every sum exposed as an output.

    The bound is that of the channel nearest to 2^24, in steps of that channel; others are measured in the steps that
    their values take, which are no finer than the proven ones.
    """
    import onnx
    import onnxruntime

    from calotype.model import runtime

    graph, proto = parse(model.graphs[name], name), onnx.ModelProto.FromString(model.graphs[name])
    steps = {step.node: step for step in proof.prove(model.graphs[name], proof.ranges_of(model, name), name=name).steps}
    places = {node.outputs[0]: node.name for node in graph.nodes if node.name in steps}
    known = {output.name for output in proto.graph.output}
    proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(key) for key in places if key not in known)
    options = runtime.session_options("none")
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    types = backends.input_types(model.net(name))
    largest = dict.fromkeys(steps, 0.0)
    for arrays in inputs:
        feeds = {key: array.astype(kind) for key, array, kind in
                 zip(model.manifest.nets[name].inputs, arrays, types, strict=True)}  # fmt: skip
        for key, array in zip(places, session.run(list(places), feeds), strict=True):
            step, others = steps[places[key]], tuple(axis for axis in range(array.ndim) if axis != 1)
            bits = np.maximum(fraction_bits(array).max(axis=others), -60)
            bits[step.channel] = step.bits
            units = np.abs(array.astype(np.float64)).max(axis=others) * 2.0**bits
            largest[step.node] = max(largest[step.node], float(units.max()) / step.bound)
    return largest


def test_l10_no_input_exceeds_a_proven_bound(recipe):
    """L10: sums stay within the proof's bounds for inputs built to break them; some come near, so bounds are no fantasy.

    The twin is in the second half: were bounds a third of what they are, these inputs would break them.
    """
    excused("L10", recipe)
    model, nearest = tiny.model(recipe), []
    for name in model.manifest.exact_nets:
        proved = proof.prove(model.graphs[name], proof.ranges_of(model, name), name=name)
        inputs = list(extreme_inputs(model, backends.modules(recipe)[name], name, seed=len(name)))
        largest = reached(model, name, inputs)
        for step in proved.steps:
            assert step.headroom >= 1
            assert largest[step.node] <= 1, (name, str(step), largest[step.node])
            nearest.append(largest[step.node])
    assert not model.manifest.exact_nets or max(nearest) > 1 / 3


def test_l10_walks_hand_over_what_the_proofs_assume(recipe):
    """The ranges that proofs start from hold for wild latents too: networks are called through checks of them."""
    excused("L10", recipe)
    case = case_of(recipe, rates=(0, 1023), wild=0.05)
    case.nets = case.model.nets(case.rates, checked=True)
    _, streams, hashes, _ = case.write()
    _, flagged = case.read(streams, hashes)
    assert not flagged.any() and isinstance(case, Case)


def test_models_add_accepts_what_was_frozen(recipe):
    """Operators, sizes and proofs, as `calotype models add` verifies them; the archive is the same after a round trip."""
    data = bundle.write(tiny.model(recipe))
    model = bundle.read(data)
    assert set(trust.verify(model).proofs) == set(model.manifest.exact_nets)
    assert bundle.write(model) == data
