"""Fits in layers: torch computes what the codec computes, a fit gains, repeats itself, can be stopped at any time."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from tests import fitting, tiny

from calotype import codec, container, fit, making, rates, transforms, walks
from calotype.coding.positions import Bound
from calotype.fit import effort as efforts
from calotype.model import store
from calotype.picture import Picture
from calotype.strips import Strips
from calotype.tiles import Grid, Region
from calotype.walks.layers_networks import tables

torch = pytest.importorskip("torch")
from calotype.fit import course, layers, layers_network, layers_start  # noqa: E402
from calotype.fit.layers import FEW, LayersRun  # noqa: E402
from calotype.fit.loop import NO_GAIN, STOPPED, Plan  # noqa: E402
from calotype.fit.network import tensors  # noqa: E402
from calotype.fit.settling import GROUPS  # noqa: E402

QUALITY = 60


@pytest.fixture(scope="module")
def model():
    return tiny.model("bespoke-layers")


@pytest.fixture(scope="module")
def pixels():
    return tiny.picture(100, 180, seed=8)


def run_of(model, pixels, iterations, seed=0):
    return layers.LayersRun(pixels, model, rates.index(QUALITY, model.manifest), Plan(iterations=iterations, seed=seed))


def test_torch_finds_the_tables_and_pixels_of_the_codec(model, pixels):
    """Bits of both tiles as the file has them, and the same samples, but for rounding of sums in another order."""
    rate = rates.index(QUALITY, model.manifest)
    made = fitting.some(model, pixels, rate)
    run = run_of(model, pixels, 1)
    vector = torch.from_numpy(run.start + made.weights[0]).float()
    values = {name: torch.from_numpy(np.array(band)) for name, band in made.whole.items()}
    with torch.no_grad():
        bits, _ = run.cost(tensors(run.layout, vector), values, exact=True)
        colours = layers_network.colours_of(tensors(run.layout, vector), run.step, values)
    data = codec.encode(Picture(pixels), model, rate_index=rate, threads=1, check=False, fitted=made)
    written = sum(8 * len(segment.data) for tile in container.parse(data).tiles for segment in tile.segments)
    assert abs(float(bits) - written) < 0.02 * written + 300
    shown = (colours[0, :, :100, :180] * 255).add(0.5).floor().clamp(0, 255).permute(1, 2, 0).numpy()
    found = codec.decode(data, model=model, threads=1).pixels
    assert np.abs(found.astype(int) - shown).max() <= 1 and (found != shown).mean() < 0.01


def test_torch_chooses_the_tables_of_the_walk(model, pixels):
    """All passes at once, from values that are known, as the walk finds them pass by pass: the same integers."""
    rate = rates.index(QUALITY, model.manifest)
    made = fitting.some(model, pixels, rate)
    values = {name: band[None] for name, band in made.latents(Region(0, 128, 0, 128)).items()}
    seen = {}

    class Port:
        def shape(self, name):
            return values[name].shape

        def code(self, name, given, distribution, lattice, onto=None):
            onto = np.zeros(values[name].shape, np.float32) if onto is None else onto
            both = seen.setdefault(name, np.zeros((2, *values[name].shape), np.int64))
            taken = distribution.take(Bound(lattice, onto.shape))
            for kept, part in zip(both, (taken.index, taken.mean16), strict=True):
                lattice.put(part, kept)
            return lattice.put(lattice.take(values[name]), onto)

    layout = fitting.layout_of(model)
    shared = layout.packed(made.weights[0])
    walks.get("layers", dict(model.manifest.walk_parameters))(model.nets(np.array([rate]), shared=shared), Port())
    vector = torch.from_numpy(model.table("start")[0] + made.weights[0]).float()
    base = torch.from_numpy(model.rows("base", np.array([rate]))[0, :, 0, 0])
    given = {name: torch.from_numpy(np.array(band[0])) for name, band in values.items()}
    found = layers_network.contexts(layout, tensors(layout, vector), base, given, exact=True)
    for name, (mean8, index) in found.items():
        table, whole = tables(mean8.numpy(), index.numpy())
        assert np.array_equal(seen[name][0, 0], table) and np.array_equal(seen[name][1, 0], whole)
    assert found.keys() == values.keys() and all(len(np.unique(seen[name][0])) > 3 for name in ("p0", "c2"))


def test_a_fit_gains_and_repeats_itself(model, pixels):
    """Sixty iterations lower what they descend on; the same seed finds the same integers, and a file says what was found."""
    run = run_of(model, pixels, 60)
    with torch.no_grad():
        bits, mse = run.cost(tensors(run.layout, run.vector()), run.rounded(), exact=True)
    before = float(bits) / run.pixels + run.lambda_ * float(mse)
    best = run.run()
    assert best.bpp + run.lambda_ * 65025 / 10 ** (best.psnr_db / 10) < 0.8 * before
    data = codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False, fitted=best)
    assert abs(8 * len(data) / run.pixels - best.bpp) < 0.05 * best.bpp + 8 * 150 / run.pixels
    error = np.square(codec.decode(data, model=model, threads=1).pixels.astype(float) - pixels).mean()
    assert abs(10 * np.log10(65025 / error) - best.psnr_db) < 0.1
    again = run_of(model, pixels, 60).run()
    assert all(np.array_equal(best.bands[name], again.bands[name]) for name in best.bands)
    assert np.array_equal(best.weights[0], again.weights[0])


def test_a_fit_that_is_stopped_writes_what_there_is(model, pixels):
    run = run_of(model, pixels, 1000)
    calls = []

    def say(progress):
        calls.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(say)
    best = run.best()
    assert len(calls) == 1 and run.iteration < 1000
    assert codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False, fitted=best)


def test_what_turns_on_a_bias_is_what_differences_say(model, pixels):
    run = run_of(model, pixels, 20)
    for _ in range(5):
        run._descend(0.1)
    turning = run._turning()
    places = {tensor.name: tensor.part.start for tensor in run.layout.tensors}
    with torch.no_grad():
        vector = run.vector()
        for name, by in (("fourth_bias", 20), ("index_bias", 60)):  # of the error alone, of the bits alone
            costs = []
            for step in (-by, 0, by):
                moved = vector.clone()
                moved[places[name]] += step
                w = tensors(run.layout, moved)
                mse = (run._colours(w, run.rounded()) - run.target).square().mean() * 255**2
                costs.append(float(run._bits(w, run.rounded()) + run.lambda_ * mse * run.pixels))
            found = (costs[0] - 2 * costs[1] + costs[2]) / by**2
            assert 0.3 * found < turning[places[name]] < 3 * found, name  # sixteen looks: within a third, mostly


def test_weights_are_multiples_of_their_steps(model, pixels):
    best = run_of(model, pixels, 30).run()
    layout = fitting.layout_of(model)
    for place, tensor in enumerate(layout.tensors):
        assert not (best.weights[0][tensor.part] % 2 ** int(best.weights[1][place])).any()


def test_weights_that_no_file_can_hold_are_not_tried(model, pixels):
    """Not even before they become integers: values would rely on them."""
    run = run_of(model, pixels, 2)
    with torch.no_grad():
        for tensor in run.layout.tensors:
            if tensor.name == "first":
                run.own[tensor.part] = 2 * tensor.limit / run.scale[tensor.part]
    run.run()
    written = run.vector().detach().numpy().astype(np.float64)
    assert (np.abs(written) <= run.layout.limits * (1 + 1e-6)).all()


def test_weights_descend_at_rates_of_their_own(model, pixels):
    """A step moves each first weight of the synthesis as many times farther than the others as FASTER says."""
    run = run_of(model, pixels, 10)
    run.run()
    moved = ((run.own - run.began) * run.scale).abs().detach()
    of = {t.name: float(moved[t.part].max()) / t.scale for t in run.layout.tensors}
    assert 3 < of["first"] / of["last"] < 12


def test_an_encode_fits_in_layers_and_says_so(model, pixels, monkeypatch):
    monkeypatch.setitem(efforts.LAYERS, 2, efforts.Effort(4))
    said = []
    done = fit.encode(Picture(pixels), model, quality=QUALITY, effort=2, threads=1, check=False, say=said.append)
    assert "effort 2: 4 iterations" in said[0] and "fitted in 4 of 4 iterations" in done.notes[0]
    assert codec.decode(done.data, model=model).pixels.shape == pixels.shape


def test_the_shipped_start_is_at_hand(pixels):
    """Fits begin there, and files name it."""
    start = store.find("bespoke")
    run = layers.LayersRun(pixels, start, rates.index(QUALITY, start.manifest), Plan(iterations=3))
    data = codec.encode(Picture(pixels), start, quality=QUALITY, threads=1, check=False, fitted=run.run())
    assert container.parse(data).header.model_id == start.identity[:8]
    assert codec.decode(data).pixels.shape == pixels.shape


@pytest.mark.parametrize(
    "effort, named, iterations", [(0, "bespoke-quick", 0), (1, "bespoke-quick", 3), (3, "bespoke", 2)]
)
def test_what_takes_seconds_is_fitted_by_the_quick_neighbour(effort, named, iterations, pixels, monkeypatch):
    """Through every door: layers that have hardly begun show nothing."""
    monkeypatch.setitem(efforts.PYRAMID, efforts.QUICK[1], efforts.Effort(3))
    monkeypatch.setitem(efforts.LAYERS, 3, efforts.Effort(2))
    told = making.make(Picture(pixels), store.find("bespoke"), quality=QUALITY, effort=effort, check=False, threads=1)
    assert container.parse(told.data).header.model_id == store.find(named).identity[:8]
    assert (f"{iterations} of {iterations} iterations" in " ".join(told.notes)) == (iterations > 0)
    if not iterations:  # and where a size is asked for
        target = rates.Target("size", 3000)
        sized = making.make(
            Picture(pixels), store.find("bespoke"), target=target, best_effort=True, effort=0, threads=1
        )
        assert container.parse(sized.data).header.model_id == store.find(named).identity[:8]


def test_other_models_are_taken_at_their_word(model):
    assert fit.started(model, 1) == (model, 1)
    assert fit.started(store.find("bespoke-quick"), 0) == (store.find("bespoke-quick"), 0)


def test_the_start_is_learned_from_several_crops(model):
    learned = layers_start.learn(
        model, [tiny.picture(64, 64, seed=k) for k in range(2)], iterations=6, say=lambda _: None
    )
    assert learned.identity != model.identity and (learned.table("start") != model.table("start")).any()
    assert learned.manifest.training["start"] == {"crops": 2, "iterations": 6}


def test_windows_are_what_torch_makes_of_the_whole(model, pixels):
    """The synthesis of windows is that of torch for a whole picture whose sides are no multiples of a piece."""
    transform = transforms.of(model)
    grid = Grid(200, 330, model.manifest.tile_px, 64)
    random = np.random.default_rng(0)
    values = {
        name: random.integers(-9, 9, (kept.channels, *(side // kept.stride for side in grid.shape))).astype(np.float32)
        for name, kept in transform.stored().items()
    }
    strips = Strips(grid, transform.stored())
    for number in range(len(grid)):
        parts = {name: grid[number].over(kept.stride) for name, kept in transform.stored().items()}
        strips.write(number, {name: v[:, parts[name].rows, parts[name].cols] for name, v in values.items()})
    found = transform.window(strips, np.full(len(grid), 300), Region(0, grid.shape[0], 0, grid.shape[1]))
    w = {
        name: torch.from_numpy(array) for name, array in fitting.layout_of(model).named(model.table("start")[0]).items()
    }
    given = {name: torch.from_numpy(value) for name, value in values.items()}
    colours = layers_network.colours_of(w, torch.tensor(float(transform.step(300))), given)
    wanted = (colours[0] * 255).add(0.5).floor().clamp(0, 255).permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - wanted).max() <= 1 and (found != wanted).mean() < 0.01


def test_a_fit_that_is_stopped_settles_when_there_is_time(model, pixels):
    """A dozen iterations more gain much of what it would have lost."""

    def say(progress):
        if progress.iteration == 25:
            raise KeyboardInterrupt

    losses = []
    for hurries in (False, True):
        run = run_of(model, pixels, 1000)
        with pytest.raises(KeyboardInterrupt):
            run.run(say)
        if hurries:
            assert run.hurry() > 0 and run.pace.iterations - run.iteration == FEW
        best = run.run() if hurries else run.best()
        losses.append(best.bpp + run.lambda_ * 65025 / 10 ** (best.psnr_db / 10))
    assert losses[1] < 0.97 * losses[0] and best.iterations == 25 + FEW and best.ended == STOPPED


def test_ctrl_c_settles_and_the_second_writes_at_once(model, pixels):
    """Through the door that users take: what is said, and that both files are whole."""
    rate = rates.index(QUALITY, model.manifest)
    for interrupts in (1, 2):
        said = []

        class Impatient(LayersRun):
            def _descend(self, done, left=[interrupts]):  # noqa: B006 -- one for each class
                super()._descend(done)
                if left[0] and self.iteration >= 30:
                    left[0] -= 1
                    raise KeyboardInterrupt

        with mock.patch.object(course, "LayersRun", Impatient):
            best = course.fitted(pixels, model, rate, Plan(iterations=500), 1, said.append)
        assert any("settling" in line for line in said) and best.ended == STOPPED
        assert best.iterations == (30 + FEW if interrupts == 1 else 30)
        assert codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False, fitted=best)


def test_a_fit_that_gains_nothing_ends_sooner(model, pixels):
    """Where it would (test_pace.py) it settles, in a quarter of the iterations that it took."""
    run = run_of(model, pixels, 1000)
    with mock.patch.object(run.pace, "idle", lambda iteration, loss: iteration == 50):
        best = run.run()
    assert best.iterations == 62 and best.ended == NO_GAIN and run.settled == len(GROUPS)
    assert [row["iteration"] for row in best.log] == [25, 50, 62]


def test_what_slopes_do_not_show_is_not_lost(model):
    """Of a flat picture every value is certain, so slopes vanish; the bias that makes them certain is sent all the same."""
    losses = []
    for surprise in (layers.SURPRISING, np.inf):
        run = run_of(model, np.full((64, 64, 3), 90, np.uint8), 100)
        with torch.no_grad():
            for tensor in run.layout.tensors:
                if tensor.name.endswith("index_bias"):
                    run.own[tensor.part] -= 15
        before = run._loss()
        with mock.patch.object(layers, "SURPRISING", surprise):
            best = run.best()
        losses.append((best.bpp + run.lambda_ * 65025 / 10 ** (best.psnr_db / 10)) * run.pixels - before)
    assert losses[0] < 500 and losses[1] > 3000
