"""Fitting: torch computes what the codec computes, a fit gains, repeats itself, can be stopped, and says what it lacks."""

from __future__ import annotations

import builtins
from functools import partial

import numpy as np
import pytest
from tests import fitting, tiny

from calotype import codec, container, fit, modelled, rates, transforms, walks
from calotype.errors import ExtraMissing, UsageError
from calotype.fit import effort as efforts
from calotype.picture import Picture
from calotype.tiles import Grid, Region

torch = pytest.importorskip("torch")
from calotype.fit import course, network, newton, weights  # noqa: E402
from calotype.fit.loop import Plan, Run  # noqa: E402

QUALITY = 45


@pytest.fixture(scope="module")
def model():
    return tiny.model("bespoke")


@pytest.fixture(scope="module")
def pixels():
    return tiny.picture(60, 120, seed=8)


def tensors(arrays):
    return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in arrays.items()}


def bits_of(run, values):
    with torch.no_grad():
        return [float(part) for part in run.aim.loss(values, run.vector())]


def test_torch_finds_the_tables_of_the_walk(model, pixels):
    """All passes at once, from values that are known, as the walk finds them pass by pass: the same integers."""
    rate = rates.index(QUALITY, model.manifest)
    made = fitting.some(model, pixels, rate)
    layout, grid = fitting.layout_of(model), Grid(60, 120, 128, 64)
    values = {name: band[None] for name, band in made.latents(Region(0, 64, 0, 128)).items()}
    seen = {}

    class Port:
        def shape(self, name):
            return values[name].shape

        def code(self, name, given, distribution, lattice, onto=None):
            onto = np.zeros(values[name].shape, np.float32) if onto is None else onto
            index = seen.setdefault(name, np.zeros(values[name].shape, np.uint8))
            lattice.put(lattice.take(np.broadcast_to(distribution.index, index.shape)), index)
            return lattice.put(lattice.take(values[name]), onto)

    nets = model.nets(np.array([rate]), shared=layout.packed(made.weights[0]))
    walks.get("bespoke", dict(model.manifest.walk_parameters))(nets, Port(), None)
    vector = torch.from_numpy(layout.whole(model.table("start")[0], nets.shared)).float()
    limits = torch.from_numpy(layout.limits).float()
    w = network.tensors(layout, network.integers(vector, limits))
    closed = network.Closed(model, layout, np.array([rate]))
    found = network.contexts(layout, w, closed.base, tensors(values), exact=True)
    for name, index in found.items():
        assert np.array_equal(index.numpy(), seen[name]), name
        assert len(np.unique(seen[name])) > 1
    # The twin: real activations choose other tables.
    rough = network.contexts(layout, w, closed.base, tensors(values), exact=False)
    assert any(not np.array_equal(rough[name].round().numpy(), seen[name]) for name in rough)
    # And the pixels, which are float arithmetic on both sides.
    planes = network.pixels(layout, w, closed.inverse, closed.step, tensors(values))[0]
    file = codec.encode(Picture(pixels), model, rate_index=rate, threads=1, check=False, fitted=made)
    window = transforms.of(model, nets.shared)
    strips = modelled.Windows(model, grid, np.array([rate]), (grid[0],), lambda *_: None)._strips
    strips.write(0, {name: array[0] for name, array in values.items()})
    colours = window.window(strips, np.array([rate]), Region(0, 60, 0, 120)).astype(int)
    rotation = torch.from_numpy(model.floats("rotation").copy())
    own = (torch.einsum("jhw,kj->hwk", planes, rotation) * 64 + 128.5).floor().clamp(0, 255)[:60, :120].numpy()
    assert np.abs(own - colours).max() <= 1 and len(file) > 0


def test_bits_of_a_laplace_distribution_and_their_gradients():
    values = torch.tensor([0.0, 0.3, -0.7, 2.0, -5.0, 0.51], dtype=torch.float64, requires_grad=True)
    index = torch.tensor([20.0, 20.0, 35.0, 40.0, 45.0, 12.0], dtype=torch.float64, requires_grad=True)
    b = torch.exp(-2.75 - 0.5 / 7 + index / 7)
    laplace = torch.distributions.Laplace(torch.zeros_like(b), b)
    wanted = -torch.log2(laplace.cdf(values + 0.5) - laplace.cdf(values - 0.5) + 2.0**-16)
    found = network.laplace_bits(values, index)
    assert torch.allclose(found, wanted)
    for one, other in zip(torch.autograd.grad(found.sum(), (values, index)),
                          torch.autograd.grad(wanted.sum(), (values, index)), strict=True):  # fmt: skip
        assert torch.allclose(one, other, atol=1e-6)


def test_a_fit_gains_and_the_file_is_what_it_says(model, pixels):
    """Bits and error together fall; the bytes are those that were estimated; networks and latents both travel."""
    rate = rates.index(QUALITY, model.manifest)
    run = Run(pixels, model, rate, Plan(iterations=60, kinds=("mix", "bias", "post.last")))
    before = bits_of(run, run.values)[0]
    best = run.run()
    after = bits_of(run, run.values)[0]
    assert after < 0.93 * before
    data = codec.encode(Picture(pixels), model, rate_index=rate, threads=1, check=False, fitted=best)
    file = container.parse(data)
    assert file.shared
    streams = sum(len(segment.data) for segment in (*file.shared, *file.tiles[0].segments))
    assert abs(streams * 8 / (60 * 120) - best.bpp) < 0.03 * best.bpp + 400 / (60 * 120)
    found = codec.decode(data, model=model, threads=1).pixels.astype(float)
    psnr = 10 * np.log10(255**2 / ((found - pixels) ** 2).mean())
    assert -0.05 < psnr - best.psnr_db < 0.5  # samples are clipped to 0..255 there
    assert [row["iteration"] for row in best.log] == [10, 20, 30, 40, 50, 60]


def test_the_same_seed_gives_the_same_bytes(model, pixels):
    plan = partial(Plan, iterations=8)
    files = [
        codec.encode(Picture(pixels), model, rate_index=400, threads=1, check=False,
                     fitted=Run(pixels, model, 400, plan(seed=seed)).run())
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert files[0] == files[1] != files[2]


def test_ctrl_c_writes_the_best_so_far(model, pixels):
    """The first interrupt ends the fit between iterations, and the file is whole."""
    rate = rates.index(QUALITY, model.manifest)

    def say(line):
        raise KeyboardInterrupt

    best = course.fitted(pixels, model, rate, Plan(iterations=10), 1, say)
    assert best.iterations == 10  # spoken to at the last iteration at the latest
    data = codec.encode(Picture(pixels), model, rate_index=rate, threads=1, fitted=best)
    assert codec.decode(data, model=model, threads=1).pixels.shape == pixels.shape


def test_moves_by_one_gain(model, pixels):
    """Coordinate descent never ends above where plain rounding began."""
    run = Run(pixels, model, 400, Plan(iterations=0))
    rounded = bits_of(run, run.values)[0]
    run.values = run.aim.chosen(run.vector().detach())
    before = bits_of(run, run.values)[0]
    run.move()
    assert bits_of(run, run.values)[0] < before < rounded
    assert all(torch.equal(value, value.round()) for value in run.values.values())


def test_what_a_last_layer_is_worth_is_its_bits(model, pixels):
    """Second derivatives say how many bits a small change of a last layer saves; what is learned saves them."""
    run = Run(pixels, model, 400, Plan(iterations=0))
    run.values = run.aim.chosen(run.vector().detach())
    vector, active = run.vector().detach(), {}
    before = run.aim.of_passes(run.values, vector)
    assert abs(sum(before.values()) / (60 * 120) - bits_of(run, run.values)[1]) < 0.1  # all but the low-pass
    index = run.aim.tables(run.values, vector, active=active)
    at = np.zeros((3, run.layout.width + 1))
    slope = run.aim.slope(run.values["l1"], index["l1"], active["l1.1"], 1, at)
    base = next(tensor.part for tensor in run.layout.tensors if tensor.name == "l1.1.base")
    changed = vector.clone()
    changed[base] += 48.0  # three tables further
    after = run.aim.of_passes(run.values, changed)
    said = (48 * slope.first[:, -1] + 0.5 * 48**2 * slope.second[:, -1, -1]).sum()
    assert after["l1.1"] - before["l1.1"] == pytest.approx(said, rel=0.3)
    assert {name for name in before if before[name] != after[name]} == {"l1.1"}
    run.learn()
    gained = sum(before.values()) - sum(run.aim.of_passes(run.values, run.vector().detach()).values())
    sent = run.lasts.numpy().astype(np.int64)
    assert gained > weights.coded_bits(run.layout, sent, run.shifts) > 20


def test_steps_of_a_last_layer_are_those_that_pay():
    """What is worth a thousand bits is sent, nearly exactly; what is worth one is not."""
    at, first, second = np.zeros((3, 4)), np.zeros((3, 4)), np.stack([np.eye(4) * 1e-3] * 3)
    first[0, 1], second[0, 1, 1] = -80.0, 2.0  # best at 40
    first[2, 2], second[2, 2, 2] = 1.0, 0.5  # best at -2
    found, (layer, base), bits = newton.best_steps(newton.Slope(at, first, second))
    assert abs(found[0, 1] - 40) <= 2 and np.count_nonzero(found) == 1 and found[0, 1] % 2**layer == 0
    assert base == 2 or not found[:, -1].any()
    assert 8 < bits < 40
    found, shifts, bits = newton.best_steps(newton.Slope(at, first / 100, second / 100))
    assert not found.any() and shifts == (0, 0) and bits == 0


def test_weights_are_sent_only_where_they_pay(model):
    layout = fitting.layout_of(model)
    real = np.zeros(layout.size)
    gains, post = (next(t for t in layout.tensors if t.name == name).part for name in ("gains", "post.first"))
    real[gains], real[post] = 9.0, 40.0

    def cost(deltas, pixels):  # gains are worth a thousand bits, the filter's first layer three, tables nothing
        assert pixels
        return {weights.PIXELS: 1000.0 * (deltas[gains] == 0).all() + 3.0 * (deltas[post] == 0).all()}

    deltas, shifts = weights.best_shifts(layout, real, cost)
    assert (
        (deltas[gains] != 0).all() and not deltas[post].any() and np.count_nonzero(deltas) == gains.stop - gains.start
    )
    assert weights.coded_bits(layout, deltas, shifts) < 1000


def test_tensors_of_a_kind_are_chosen_side_by_side(model):
    """Each by the bits of its own pass: one look at the picture for all of them."""
    layout, looks = fitting.layout_of(model), 0
    real = np.zeros(layout.size)
    outs = {tensor.name: tensor.part for tensor in layout.tensors if tensor.name.endswith(".out")}
    for part in outs.values():
        real[part] = 8.0

    def cost(deltas, pixels):
        nonlocal looks
        looks += 1
        assert not pixels
        worth = {name: 500.0 if name == "l2.1" else 5.0 for name in weights.groups(layout)}
        return {
            name: worth[name] * (deltas[outs[f"{name}.out"]] == 0).all() for name in worth if name != weights.PIXELS
        }

    deltas, _ = weights.best_shifts(layout, real, cost)
    assert (deltas[outs["l2.1.out"]] == 8).all() and np.count_nonzero(deltas) == len(deltas[outs["l2.1.out"]])
    assert looks == 1 + len(weights.OPTIONS)


def test_an_encode_says_how_long_and_how_far(model, pixels, monkeypatch):
    monkeypatch.setitem(efforts.PYRAMID, 2, efforts.Effort(10))
    said = []
    done = fit.encode(Picture(pixels), model, quality=QUALITY, effort=2, threads=1, say=said.append)
    assert "effort 2: 10 iterations, about" in said[0] and "10/10" in said[-1] and "dB" in said[-1]
    assert "fitted in 10 of 10 iterations" in done.notes[0] and (done.psnr_db or 0) > 20
    none = fit.encode(Picture(pixels), model, quality=QUALITY, effort=0, threads=1)
    assert none.data == codec.encode(Picture(pixels), model, quality=QUALITY, threads=1)


def test_without_torch_the_command_that_installs_it_is_told(model, pixels, monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **named):
        if name == "torch" or name.startswith("torch."):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ExtraMissing, match=r"pip install 'calotype\[train\]'"):
        fit.encode(Picture(pixels), model, effort=3)
    assert fit.encode(Picture(pixels), model, effort=0).data  # the start needs none


@pytest.mark.parametrize("walk", ["bespoke", "layers"])
def test_efforts_are_a_scale(walk):
    iterations = [efforts.of(number, walk).iterations for number in range(1, 10)]
    assert iterations == sorted(iterations) and efforts.minutes(efforts.DEFAULT, 768 * 512, walk) < 10
    assert efforts.minutes(1, 768 * 512, walk) < 1
    with pytest.raises(UsageError, match="effort"):
        efforts.of(10)
    with pytest.raises(UsageError, match="bespoke"):
        fit.encode(Picture(tiny.picture(8, 8)), tiny.model("dct-zonal"))
