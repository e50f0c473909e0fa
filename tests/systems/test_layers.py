"""Recipe `bespoke-layers`: networks in the file, sums at their bounds, multiplications, passes, windows. Fits: tests/fit."""

from __future__ import annotations

import numpy as np
import pytest
from tests import fitting, tiny

from calotype import codec, container, layers, rates, walks, zoo
from calotype.coding.counter import Counter
from calotype.coding.frequencies import shifted_laplace_bank
from calotype.errors import CalotypeError, ModelError
from calotype.picture import Picture
from calotype.train import design
from calotype.walks.layers_networks import (
    BASE_MOST,
    HIDDEN,
    SEEN_MOST,
    Integers,
    LayersLayout,
    predict,
    predict_diagonal,
)

QUALITY = 60


@pytest.fixture(scope="module")
def model():
    return tiny.model("bespoke-layers")


@pytest.fixture(scope="module")
def made(model):
    """(pixels, fit, bytes of its file): two tiles."""
    pixels = tiny.picture(100, 200, seed=3)
    fit = fitting.some(model, pixels, rates.index(QUALITY, model.manifest))
    return pixels, fit, codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False, fitted=fit)


def test_a_file_brings_networks_and_values(model, made):
    """What was fitted is what comes back, and other networks would show other pixels."""
    pixels, fit, data = made
    assert len(container.parse(data).shared) == 1
    grid = walks_grid(model, pixels)
    for number, tile in enumerate(codec.latents(data, model=model)):
        for name, wanted in fit.latents(grid[number]).items():
            assert np.array_equal(tile[name], wanted) or not np.asarray(tile[name])[tile[name] != wanted].any()
    found = codec.decode(data, model=model, threads=1).pixels
    plain = codec.decode(codec.encode(Picture(pixels), model, quality=QUALITY, threads=1, check=False), model=model)
    assert (found != plain.pixels).any() and np.array_equal(found, codec.decode(data, model=model, threads=2).pixels)


def walks_grid(model, pixels):
    from calotype.tiles import Grid

    return Grid(*pixels.shape[:2], model.manifest.tile_px, model.manifest.align_px)


def test_windows_see_the_networks_of_the_picture(model, made):
    whole = codec.decode(made[2], model=model, threads=1).pixels
    for left, top, right, bottom in ((0, 0, 1, 1), (120, 90, 140, 100), (3, 5, 199, 77)):
        part = codec.decode(made[2], model=model, threads=1, region=(left, top, right, bottom)).pixels
        assert np.array_equal(part, whole[top:bottom, left:right])


def test_500_flipped_bits_give_typed_errors_or_the_same_pixels(model, made):
    """250 anywhere, 250 beneath the container's checksums, half of those in the picture's networks."""
    data = made[2]
    pixels, random = codec.decode(data, model=model, threads=1).pixels, np.random.default_rng(0)
    for number in range(500):
        if number < 250:
            broken = bytearray(data)
            broken[random.integers(len(data))] ^= 1 << random.integers(8)
        else:
            broken = fitting.tampered(data, random)
        try:
            found = codec.decode(bytes(broken), model=model, threads=1).pixels
        except CalotypeError:
            continue
        assert np.array_equal(found, pixels)


class Wide(Integers):
    """The same operations in real numbers of 53 bits, which hold every sum, and say how large they get."""

    @staticmethod
    def conv(weight, x):
        found = Integers.conv(weight.astype(np.float64), x.astype(np.float64))
        assert np.abs(found).max() < 2**24
        return found

    @staticmethod
    def mixed(weight, x):
        found = Integers.mixed(weight.astype(np.float64), x.astype(np.float64))
        assert np.abs(found).max() < 2**24
        return found

    @staticmethod
    def squashed(sums, one, low, top):
        assert np.abs(sums).max() < 2**24
        whole = np.round(np.asarray(sums, np.float64)).astype(np.int64)
        return ((whole + one // 2) // one).clip(low, top).astype(np.float64)


def bounds(layout, sign):
    """(the largest weights that a file can bring, a maker of the largest inputs, odd sums)."""
    random = np.random.default_rng(0)
    vector = sign * (layout.limits - random.integers(0, 2, layout.size)) * random.choice([1, 1, 1, -1], layout.size)
    return layout.named(vector), lambda *sides: random.integers(SEEN_MOST - 1, SEEN_MOST + 1, sides).astype(np.float32)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_their_bounds_are_exact(sign):
    """L10 for networks of pictures."""
    layout = LayersLayout(12, 16, 2)
    named, seen = bounds(layout, sign)
    for net in layout.contexts:
        w, planes = net.of(named), net.planes
        above, beside, cells = seen(planes, 6, 9), seen(4 * net.beside, 4, 7), seen(3 * planes, 6, 9)
        outcomes = []
        for ops in (Integers, Wide):
            for k in range(4):
                own = slice(k * net.width, (k + 1) * net.width)
                sums = ops.conv(w["coarse"][own], above)
                if net.beside:
                    sums = sums + ops.conv(w["beside"][own], beside)
                known = cells[: k * planes] if k else None
                outcomes.append(np.stack(predict(ops, w, BASE_MOST, 2, k, sums, known)))
        assert all(np.array_equal(a, b) for a, b in zip(outcomes[:4], outcomes[4:], strict=True))
    assert HIDDEN < 2**11


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_on_diagonals_at_their_bounds_are_exact(sign):
    layout = LayersLayout(12, 16, 2, diagonals=64)
    named, seen = bounds(layout, sign)
    for net in layout.contexts:
        w, most = net.of(named), np.array([BASE_MOST, -BASE_MOST])
        assert net.inputs == w["known"][0].size + w["coarse"][0].size + 4 * net.beside
        for layer, inputs in ((2, seen(net.inputs, 6, 2)), (layout.coarsest, seen(w["known"][0].size, 6, 2))):
            for step in (0, 1, 40):
                found = [predict_diagonal(ops, w, most, layer, step, inputs) for ops in (Integers, Wide)]
                assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_networks_too_wide_for_exact_sums_are_refused():
    """The twin: beyond the width where float32 holds every sum, there is no layout."""
    LayersLayout(15, 16, 2, 6)
    for widths in ((17, 16), (12, 16, 2, 17)):
        for diagonals in (0, 64):
            with pytest.raises(ModelError, match="float32"):
                LayersLayout(*widths, diagonals=diagonals)
    with pytest.raises(ModelError, match="power of two, 16 to 1024"):
        LayersLayout(12, 16, 2, diagonals=8)


@pytest.fixture(scope="module")
def default():
    return design.model_of(zoo.recipe("bespoke-layers"), [tiny.picture(256, 256, seed=1)])


def test_decoding_costs_less_than_3_kmac_a_pixel(default, monkeypatch):
    """Counted where they happen, while a file of the default size is decoded."""
    pixels = tiny.picture(256, 256, seed=1)
    data = codec.encode(Picture(pixels), default, quality=50, threads=1, check=False)
    counts = {"contexts": 0, "synthesis": 0}

    def counting(part, compute):
        def counted(weight, *rest):
            found = compute(weight, *rest)
            own = found[0] if isinstance(found, tuple) else found
            counts[part] += (weight.size // len(weight) if own.ndim == 3 else weight.size) * own.size
            return found

        return counted

    for name in ("conv", "mixed"):
        monkeypatch.setattr(Integers, name, staticmethod(counting("contexts", getattr(Integers, name))))
    monkeypatch.setattr(layers, "_convolved", counting("synthesis", layers._convolved))
    monkeypatch.setattr(layers, "_up", _counted_up(counts, layers._up))
    codec.decode(data, model=default, threads=1)
    a_pixel = {part: count / pixels[..., 0].size for part, count in counts.items()}
    a_pixel["synthesis"] += 48 * 9 + 3 * 48  # the two 1x1 layers
    assert 800 < a_pixel["contexts"] < 1100 and 700 < a_pixel["synthesis"] < 1000


def _counted_up(counts, compute):
    def counted(taps, x, axis):
        found = compute(taps, x, axis)
        counts["synthesis"] += 4 * found.size
        return found

    return counted


def test_the_number_of_passes_does_not_depend_on_the_picture(default):
    """At most: of coarse layers with few places, some passes have none."""

    def calls(height, width):
        shapes = {
            name: (1, n.channels, height // n.stride, width // n.stride) for name, n in default.manifest.latents.items()
        }
        port, seen = Counter(shapes, default.banks), []
        code = port.code
        port.code = lambda name, *rest, **named: seen.append(name) or code(name, *rest, **named)
        values = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        walks.get("layers", dict(default.manifest.walk_parameters))(default.nets(np.array([500])), port, values)
        return len(seen)

    luma, chroma = 3 * 64 + 32 + 3 * 16, 32 + 4 * 16
    assert calls(64, 64) < luma + chroma
    assert calls(1024, 1024) == calls(2048, 1024) == luma + chroma


def test_tables_lie_around_fractions_of_a_symbol():
    """Sums of a table are the distribution's own: the mean of each is where its fraction says."""
    bank = shifted_laplace_bank(12, 5.0, -1.0, 8)
    assert len(bank) == 1 + 12 * 8 and not bank.coded[0]
    for table in range(1, len(bank)):
        size = int(bank.sizes[table])
        chances = bank.frequencies[table, :size] / 2**bank.precision
        mean = float(chances @ (np.arange(size) + int(bank.offsets[table])))
        scale, fraction = np.exp(-1.0 + (table - 1) // 8 / 5.0), (table - 1) % 8 / 8 - 0.5
        assert (
            abs(mean - fraction) < 0.02 + 0.02 * scale or scale < 0.7
        )  # of narrow ones the mean lies nearer to whole numbers
        assert np.argmax(chances) + int(bank.offsets[table]) == 0 or abs(fraction) == 0.5
