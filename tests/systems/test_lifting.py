"""Learned lifting: reversible whatever its networks say; the walk that makes it lossless; files that prove it."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from tests import tiny

from calotype import codec, formats
from calotype.picture import Picture
from calotype.walks.lifted import Lossless as lossless
from calotype.walks.whole_integer import SHIFT

torch = pytest.importorskip("torch")

from calotype.nets.exact import set_mode  # noqa: E402
from calotype.nets.lifted import PARTS, Lifting  # noqa: E402


def lively(seed=0):
    """A transform whose networks are far from zero."""
    torch.manual_seed(seed)
    lifting = Lifting(4, 4)
    with torch.no_grad():
        for parameter in lifting.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return lifting


@pytest.mark.parametrize("parts", [1, PARTS])
@pytest.mark.parametrize("size", [(16, 16), (48, 80)], ids=str)
def test_integers_come_back_whatever_the_networks_say(size, parts):
    """Integers throughout, or sixteenths, by the same networks."""
    lifting, fine = set_mode(lively(), "exact"), torch.full((1, 1, 1, 1), 1.0 * (parts > 1))
    x = torch.from_numpy(tiny.picture(*size)).permute(2, 0, 1)[None].float() - 128
    with torch.no_grad():
        bands = lifting.split(x, fine)
        assert all(torch.equal(band * parts, (band * parts).round()) for band in bands)
        assert parts == 1 or not all(torch.equal(band, band.round()) for band in bands)
        assert torch.equal(lifting.join(*bands, fine=fine), x)
        # The twin: one integer of the coarsest band changed, and other pixels come back.
        bands[-1][0, 0, 0, 0] += 1
        assert not torch.equal(lifting.join(*bands, fine=fine), x)


def test_parts_cost_less_than_integers():
    """Bands rounded in steps of two: roundings of the lifting itself add to the error, those to parts hardly."""
    lifting = set_mode(Lifting(4, 4), "exact")
    x = torch.from_numpy(tiny.picture(64, 64)).permute(2, 0, 1)[None].float() - 128
    errors = []
    for fine in torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1, 1):
        with torch.no_grad():
            bands = [2 * (band / 2).round() for band in lifting.split(x, fine)]
            errors.append(float(((lifting.join(*bands, fine=fine) - x) ** 2).mean()))
    assert errors[1] < 0.9 * errors[0]


def test_the_networks_take_part():
    """Other bands than those of the plain 5/3 wavelet, and fewer samples left in them where it begins."""
    x = torch.from_numpy(tiny.picture(64, 64)).permute(2, 0, 1)[None].float() - 128
    plain, learned = set_mode(Lifting(4, 4), "exact"), set_mode(lively(), "exact")
    with torch.no_grad():
        first, other = (lifting.split(x, torch.zeros(1, 1, 1, 1)) for lifting in (plain, learned))
    assert not torch.equal(first[0], other[0])
    assert float(first[0].abs().mean()) < 0.5 * float(x.abs().mean())


def test_norms_say_what_an_error_costs():
    """A unit in every sample of a band, at random signs: the pixels' squared error is the sum of the norms."""
    lifting, random, fine = Lifting(4, 4), np.random.default_rng(0), torch.ones(1, 1, 1, 1)
    for place, norm in enumerate(lifting.squared_norms()):
        count = [9, 9, 9, 9, 3][place]
        assert norm.shape == (count,) and (norm > 0).all()
        shapes = [(9, 128 >> level) for level in (1, 2, 3, 4)] + [(3, 8)]
        bands = [torch.zeros(1, c, s, s) for c, s in shapes]
        signs = torch.from_numpy(random.choice([-1.0, 1.0], bands[place].shape).astype(np.float32))
        with torch.no_grad():
            flat = lifting.join(*bands, fine=fine)
            bands[place] = signs
            found = float(((lifting.join(*bands, fine=fine) - flat) ** 2).sum()) / shapes[place][1] ** 2
        assert found == pytest.approx(float(norm.sum()), rel=0.25)


@pytest.fixture(scope="module")
def photograph():
    return formats.read((resources.files("calotype") / "demo" / "sumac.png").read_bytes()).pixels


@pytest.mark.parametrize("size", [(1, 1), (50, 77), (131, 150)], ids=str)
def test_a_file_of_the_highest_quality_is_the_photograph(photograph, size):
    """A barely trained model, several tiles: every pixel comes back; below the top of the dial not all do."""
    model, pixels = tiny.model("ma2020-iwave"), photograph[200 : 200 + size[0], 100 : 100 + size[1]]
    exact = codec.encode(Picture.of(pixels), model, quality=100, threads=1, check=False)
    assert np.array_equal(codec.decode(exact, model=model, threads=1).pixels, pixels)
    if size != (1, 1):
        nearly, lossy = (codec.encode(Picture.of(pixels), model, quality=q, threads=1, check=False) for q in (99.8, 80))
        assert len(lossy) < len(nearly) < len(exact) < pixels.size
        errors = [
            np.square(codec.decode(data, model=model, threads=1).pixels - 1.0 * pixels).mean()
            for data in (nearly, lossy)
        ]
        assert 0 < errors[0] < min(0.3, errors[1])  # no cliff before the last rate


@pytest.mark.parametrize("kind", ["flat", "noise", "stripes"])
def test_no_picture_is_too_odd(kind):
    """Where a context would say "certain", and where all samples are far from what it says."""
    pixels = np.full((40, 40, 3), 7, np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)
    if kind == "stripes":
        pixels[:, ::2] = (255, 0, 255)
    model = tiny.model("ma2020-iwave")
    data = codec.encode(Picture.of(pixels), model, quality=100, threads=1, check=False)
    assert np.array_equal(codec.decode(data, model=model, threads=1).pixels, pixels)


@pytest.mark.parametrize("step, wanted", [(1, ([7, -9, 5], [1, 1, 9])), (2, ([7, -9, 5], [0, 1, 9]))])
def test_means_half_way_and_certain_tables_are_moved(step, wanted):
    class Nets:
        rows = None

        def __getitem__(self, name):
            return lambda: (np.array([8, -8, 5], np.int16), np.array([0, 1, 9], np.uint8))

    mean16, index = lossless(Nets(), {"l1": np.array([step << SHIFT])})["l1_step0"]()
    assert mean16.tolist() == wanted[0] and index.tolist() == wanted[1]
    assert index.dtype == np.uint8
