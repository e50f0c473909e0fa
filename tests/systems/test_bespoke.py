"""Pictures that bring their networks: exact arithmetic, the payload, damage, what decoding costs. Fitting: tests/fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import fitting, tiny

from calotype import codec, container, modelled, rates, transforms, walks
from calotype.coding.counter import Counter
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.errors import CalotypeError, CorruptError, ModelError
from calotype.picture import Picture
from calotype.tiles import Grid
from calotype.walks import fitted
from calotype.walks.fitted import MOST, MOST_BIAS, STEPS, TOP, Layout

QUALITY = 55


@pytest.fixture(scope="module")
def model():
    return tiny.model("bespoke")


@pytest.fixture(scope="module")
def made(model):
    """(pixels, fit, bytes of its file): two tiles of 128."""
    pixels = tiny.picture(100, 200, seed=3)
    fit = fitting.some(model, pixels, rates.index(QUALITY, model.manifest))
    return pixels, fit, codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False, fitted=fit)


def test_a_file_brings_networks_and_latents(model, made):
    """What was fitted is what comes back: integers of every band, and pixels that other networks would not give."""
    pixels, fit, data = made
    file = container.parse(data)
    assert len(file.shared) == 1 and len(file.tiles) == 2
    grid = Grid(100, 200, model.manifest.tile_px, 64)
    for number, tile in enumerate(codec.latents(data, model=model)):
        wanted = fit.latents(grid[number])
        for name in wanted:
            away = np.abs(tile[name] - wanted[name])
            # The low-pass lies at its prediction plus an integer; what a table calls certain is zero.
            assert away.max() <= 0.5 if name == "ll" else (away[tile[name] != 0] == 0).all()
    found = codec.decode(data, model=model, threads=1).pixels
    plain = codec.decode(codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False), model=model)
    assert found.shape == pixels.shape and (found != plain.pixels).any()
    assert np.array_equal(found, codec.decode(data, model=model, threads=2).pixels)


def test_without_a_fit_nothing_is_sent(model, made):
    data = codec.encode(Picture(made[0]), model, quality=QUALITY, threads=1)
    assert container.parse(data).shared == ()


def test_the_payload_holds_the_differences(model, made):
    """What is coded comes back, in the bits that the counter says; a tensor that is not flagged costs one flag."""
    layout, (deltas, shifts) = fitting.layout_of(model), made[1].weights
    counter = Counter(layout.shapes(), model.banks)
    layout.code(counter, deltas, shifts)
    port = Writer(layout.shapes(), model.banks)
    assert np.array_equal(layout.code(port, deltas, shifts), deltas)
    ((stream, check),) = port.finish()
    assert abs(8 * len(stream) - float(counter.bits[0])) < 128 + 0.01 * counter.bits[0]
    port = Reader(layout.shapes(), model.banks, streams=[stream], hashes=[check])
    assert np.array_equal(layout.code(port), deltas)
    port.finish()
    nothing = Counter(layout.shapes(), model.banks)
    layout.code(nothing, np.zeros_like(deltas), shifts)
    assert nothing.bits[0] < 1.6 * len(layout.tensors)


def test_a_payload_of_another_length_is_refused(model):
    layout = fitting.layout_of(model)
    with pytest.raises(CorruptError, match="weights of the picture"):
        layout.whole(np.zeros(layout.size, np.int32), b"1234")


@pytest.mark.parametrize("part", ["any byte", "streams, beneath the checksums"])
def test_500_flipped_bits_give_typed_errors_or_the_same_pixels(model, made, part):
    data = made[2]
    pixels, random = codec.decode(data, model=model, threads=1).pixels, np.random.default_rng(0)
    for _ in range(250):
        broken = bytearray(data)
        if part == "any byte":
            broken[random.integers(len(data))] ^= 1 << random.integers(8)
        else:
            broken = fitting.tampered(data, random)
        try:
            found = codec.decode(bytes(broken), model=model, threads=1).pixels
        except CalotypeError:
            continue
        assert np.array_equal(found, pixels)


class Integers(fitted.Numpy):
    """The same operations in int64."""

    @staticmethod
    def conv(weight, x):
        wide = fitted.Numpy.conv(weight.astype(np.float64), x.astype(np.float64))
        assert np.abs(wide).max() < 2**24
        return wide

    @staticmethod
    def squashed(sums, one, top):
        whole = np.round(sums).astype(np.int64)
        assert np.abs(whole).max() < 2**24
        return ((whole + one // 2) // one).clip(0, top).astype(np.float64)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_their_bounds_are_exact(sign):
    """L10 for networks of pictures: the largest weights that a file can bring, the largest activations, odd sums."""
    layout, random = Layout(16, 12, 24), np.random.default_rng(0)
    vector = sign * (layout.limits - random.integers(0, 2, layout.size)) * random.choice([1, 1, 1, -1], layout.size)
    w = layout.named(vector)
    carried = random.integers(TOP - 1, TOP + 1, (12, 4, 6)).astype(np.float32)
    seen = random.integers(TOP - 1, TOP + 1, (9, 10, 14)).astype(np.float32)
    for ops in (fitted.Numpy, Integers):
        lifted = fitted.lift(ops, w, 2, carried)
        outcomes = [np.array(lifted)]
        for k in range(STEPS):
            inputs = seen[list(fitted.SEEN[k])] if fitted.SEEN[k] else None
            outcomes += fitted.step(ops, w, 2, k, lifted, inputs, np.full((3, 1, 1), 1008.0, np.float32))
        outcomes.append(fitted.carry(ops, w, 2, seen, outcomes[-2]))
        if ops is fitted.Numpy:
            found = outcomes
    assert all(np.array_equal(a, b) for a, b in zip(found, outcomes, strict=True))


def test_networks_too_wide_for_exact_sums_are_refused():
    """The twin: beyond the width where float32 holds every sum, there is no layout."""
    inputs = (2**24 - 2 * MOST_BIAS) // (TOP * MOST)
    Layout(inputs - 82, 12, 24)
    with pytest.raises(ModelError, match="float32"):
        Layout(inputs - 80, 12, 24)


def test_values_of_any_model_stay_in_their_limits(model):
    layout = fitting.layout_of(model)
    w = layout.named(np.full(layout.size, 2**30))
    assert all(np.abs(w[tensor.name]).max() == tensor.limit for tensor in layout.tensors)


def test_decoding_costs_less_than_3_kmac_a_pixel(monkeypatch):
    """Counted where they happen: every multiplication of a convolution while a file of the default size is decoded."""
    from calotype import bespoke, zoo
    from calotype.train import design

    pixels = tiny.picture(256, 256, seed=1)
    model = design.model_of(zoo.recipe("bespoke"), [pixels])
    data = codec.encode(Picture(pixels), model, quality=50, threads=1, check=False)
    counts = {"contexts": 0, "post-filter": 0}

    def counting(part, convolve):
        def counted(weight, x):
            found = convolve(weight, x)
            counts[part] += weight[0].size * found.size
            return found

        return counted

    monkeypatch.setattr(fitted.Numpy, "conv", staticmethod(counting("contexts", fitted.Numpy.conv)))
    monkeypatch.setattr(bespoke, "_convolved", counting("post-filter", bespoke._convolved))
    codec.decode(data, model=model, threads=1)
    a_pixel = {part: count / pixels[..., 0].size for part, count in counts.items()}
    assert 1000 < a_pixel["contexts"] < 1250 and 1200 < a_pixel["post-filter"] < 1550
    assert sum(a_pixel.values()) < 3000


def test_the_number_of_passes_does_not_depend_on_the_picture(model):
    """28 calls of the port, four a band, for 64 and for 4096 times as many pixels."""

    def calls(height, width):
        shapes = {
            name: (1, n.channels, height // n.stride, width // n.stride) for name, n in model.manifest.latents.items()
        }
        port, seen = Counter(shapes, model.banks), []
        code = port.code
        port.code = lambda name, *rest, **named: seen.append(name) or code(name, *rest, **named)
        values = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        walks.get("bespoke", dict(model.manifest.walk_parameters))(model.nets(np.array([500])), port, values)
        return len(seen)

    assert calls(64, 64) == calls(512, 512) == 28


def test_windows_see_the_networks_of_the_picture(model, made):
    """Any rectangle decodes to the same pixels as in the whole, post-filter and gains of the file included."""
    whole = codec.decode(made[2], model=model, threads=1).pixels
    for left, top, right, bottom in ((0, 0, 1, 1), (120, 90, 140, 100), (3, 5, 199, 77)):
        part = codec.decode(made[2], model=model, threads=1, region=(left, top, right, bottom)).pixels
        assert np.array_equal(part, whole[top:bottom, left:right])


def test_context_networks_of_the_file_choose_its_tables(model, made):
    """The twin of exactness: with one weight changed by one, other tables are chosen, and the file can't be read."""
    _, fit, data = made
    file = container.parse(data)
    layout = fitting.layout_of(model)
    prepared = layout.packed(fit.weights[0])
    batch = next(iter(Grid(100, 200, model.manifest.tile_px, 64).batches(1)))
    tile = file.tiles[batch.tiles[0]]

    def flags(shared):
        port = Reader(modelled.shapes(model, batch), model.banks, modelled.ranges(model),
                      [tile.segments[0].data], [tile.segments[0].check],
                      [container.tile_key(container.header_bytes(file.header), tile.number, shared=file.shared)],
                      strict=False)  # fmt: skip
        walks.get("bespoke", dict(model.manifest.walk_parameters))(
            model.nets(np.array([tile.rate_index]), shared=shared), port
        )
        return port.finish().any()

    assert not flags(prepared) and flags(layout.packed(fit.weights[0] + 3))


def test_an_unknown_kind_of_transform_is_named(model):
    odd = replace(model, manifest=replace(model.manifest, transform={"kind": "of-tomorrow"}))
    with pytest.raises(CalotypeError, match="bespoke"):
        transforms.of(odd)
