"""Parts of the autoencoders that quantize in their own way: centres, codebooks, masks, winners, dither, modes, cores."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calotype.nets.codebook import Codebook  # noqa: E402
from calotype.nets.families import Placed  # noqa: E402
from calotype.nets.importance import Centres  # noqa: E402
from calotype.nets.tucker import Projected, rank_order  # noqa: E402
from calotype.train.methods.perceptual import pyramid_distance  # noqa: E402
from calotype.train.methods.salient import saliency  # noqa: E402
from calotype.train.priors import CountedPrior  # noqa: E402
from calotype.walks.dithered import dither  # noqa: E402
from calotype.walks.masked import kept  # noqa: E402
from calotype.walks.modes import Modes  # noqa: E402
from calotype.walks.winners import WHOLE, won  # noqa: E402


@pytest.mark.parametrize("levels", [2, 6])
def test_the_nearest_integer_of_a_place_is_the_nearest_centre(levels):
    torch.manual_seed(levels)
    centres = Centres(levels)
    with torch.no_grad():
        centres.log_gaps.add_(torch.randn(levels - 1) * 0.5)
        z = torch.randn(2, 3, 9, 9) * 3
        wanted = (z[..., None] - centres.centres()).abs().argmin(-1) - (levels - 1) // 2
        for mode in (True, False):  # in training the value is the same, the gradient is another
            assert torch.equal(torch.floor(centres.train(mode)(z) + 0.5).long(), wanted)
        assert torch.allclose(centres.values(wanted.float()), centres.centres()[wanted + (levels - 1) // 2], atol=1e-5)
    z.requires_grad_()
    (slope,) = torch.autograd.grad(centres.train()(z).sum(), z)
    assert (slope > 0).float().mean() > 0.95  # beyond the outer centres too, where the places themselves stand still


@pytest.mark.parametrize("levels", [2, 5])
def test_placed_symbols_have_probability_one_and_the_tables_say_so(levels):
    family = Placed(levels)
    symbols = torch.arange(levels, dtype=torch.double) - family.middle
    bank = family.frozen()
    for index in (3, 11, 25):
        for shape in range(levels):
            log_scale = torch.tensor(-2.5 - 0.5 / 3.5 + index / 3.5, dtype=torch.double)
            mass = family.mass(symbols, log_scale, torch.tensor(float(shape), dtype=torch.double))
            assert float(mass.sum()) == pytest.approx(1, abs=1e-9) and int(mass.argmax()) == shape
            table = index * levels + shape
            lengths = bank.code_lengths[table][: bank.sizes[table]]
            coded = mass.numpy()[bank.offsets[table] + family.middle :][: len(lengths)]
            assert np.allclose(lengths[coded > 0.01], -np.log2(coded[coded > 0.01]), atol=0.02)


def test_a_map_keeps_so_many_channels_and_more_where_it_is_greater():
    importance = np.arange(17, dtype=np.float32).reshape(1, 1, 1, 17)
    for channels in (64, 40, 12):
        mask = kept(importance, channels, 16)
        counts = mask.sum(1).ravel()
        assert np.abs(counts - np.arange(17) * channels / 16).max() <= 0.5 and np.all(np.diff(mask, axis=3) >= 0)
        assert counts[0] == 0 and counts[16] == channels
    learning = torch.full((1, 1, 1, 1), 8.0, requires_grad=True)
    mask = kept(learning, 64, 16)
    (slope,) = torch.autograd.grad(mask.sum(), learning)
    assert float(mask.sum()) == 32 and float(slope) == pytest.approx(4, abs=1)  # a level is worth four channels


def test_codebooks_find_the_nearest_and_soft_becomes_hard():
    torch.manual_seed(0)
    codebook = Codebook(16, 2)
    z = torch.randn(2, 6, 5, 7) * 2
    with torch.no_grad():
        index = codebook.index(z)
        vectors = z.reshape(2, 3, 2, 5, 7)
        wanted = ((vectors[:, :, None] - codebook.centres[None, None, :, :, None, None]) ** 2).sum(3).argmin(2)
        assert torch.equal(index.long(), wanted)
        hard = codebook.values(index)
        gaps = [
            (codebook.mixed(torch.softmax(-sharpness * codebook.distances(z), 2)) - hard).abs().mean()
            for sharpness in (1.0, 10.0, 1000.0)
        ]
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 0.01


def test_counted_priors_begin_as_counted_and_their_tables_say_so():
    prior = CountedPrior("y", 2, 3, symbols=5)
    random = np.random.default_rng(0)
    values = torch.from_numpy(random.choice(5, (4, 2, 20, 20), p=[0.5, 0.3, 0.1, 0.06, 0.04])).float()
    for anchor in range(3):
        prior.begin(anchor, values.flip(1) if anchor == 2 else values)
    bits = prior.distribution(torch.tensor([0.0] * 4)).bits(values).detach()
    shares = np.bincount(values[:, 0].long().ravel(), minlength=5) / values[:, 0].numel()
    assert float(bits[:, 0].mean()) == pytest.approx(-(shares * np.log2(shares)).sum(), rel=0.01)
    bank, rows = prior.frozen()
    for channel in range(2):
        lengths = bank.code_lengths[rows[0, channel]][:5]
        own = prior.bits(torch.zeros(1))[0, channel].detach().numpy()
        assert 0 <= (2.0**-own * (lengths - own)).sum() < 0.01  # tables are shared by what is nearly alike


def test_winners_are_the_largest_and_as_many_as_said():
    y = np.random.default_rng(1).normal(0, 4, (2, 9, 16, 16)).astype(np.float32)
    shares = np.array([100, 1000], np.float32).reshape(2, 1, 1, 1)
    found = won(y, shares, 1)
    assert np.array_equal(found, won(torch.from_numpy(y), torch.from_numpy(shares), 1).numpy())
    assert found[:, 0].all()
    for row, share in enumerate((100, 1000)):
        size, wins = np.abs(y[row, 1:]), found[row, 1:] > 0
        assert wins.sum() == int(share * size.size / WHOLE) and size[wins].min() > size[~wins].max()


def test_dither_is_uniform_and_the_same_for_ever():
    found = dither(8, 16, 16)
    assert set(np.unique(found)) == set(range(-8, 8))
    counts = np.bincount((found.ravel() + 8).astype(int))
    assert counts.min() > 0.7 * found.size / 16
    assert found[0, 0, 0, :8].tolist() == [-3, -5, 0, -6, 4, -3, -7, -4]  # format: files depend on it
    assert abs(np.corrcoef(found.ravel()[:-1], found.ravel()[1:])[0, 1]) < 0.05


def test_modes_are_the_cheapest_and_a_split_must_pay():
    """Four blocks of 32 pixels: alike, they stay one block; one of them far better with another mode splits it."""
    y, index = np.zeros((1, 2, 8, 8), np.float32), np.full((1, 2, 1, 1), 20.0, np.float32)
    worth = np.array([100.0, 50.0], np.float32).reshape(1, 2, 1, 1) + np.zeros((1, 2, 2, 2), np.float32)
    choice, finer = Modes(2, 4)._least(y, index, worth)
    assert choice.item() == 1 and not finer.any()
    worth[0, 0, 1, 0] = 10
    choice, finer = Modes(2, 4)._least(y, index, worth)
    assert choice.item() == 2 and finer[0, 0].tolist() == [[1, 1], [0, 1]]
    worth[0, 0, 1, 0] = 49  # a bit less is not worth a split
    assert Modes(2, 4)._least(y, index, worth)[0].item() == 1


def test_cores_of_lower_rank_are_beginnings_and_the_whole_core_is_the_latents():
    order, lengths = rank_order(8, 4)
    assert sorted(order.tolist()) == list(range(128)) and lengths[-1] == 128 and lengths == sorted(lengths)
    places = np.array(np.unravel_index(order[: lengths[3]].numpy(), (8, 4, 4)))
    assert lengths[3] == 4 * 2 * 2 and (places.max(1) == [3, 1, 1]).all()  # half of each

    class Same(torch.nn.Identity):
        halo_px = 0

    y = torch.randn(1, 8, 8, 12)
    with torch.no_grad():
        core = Projected(Same(), 8, 4)(y)
        assert core.shape == (1, 128, 2, 3)
        assert torch.allclose(Projected(Same(), 8, 4, inverse=True)(core), y, atol=1e-3)


def test_the_pyramid_distance_is_that_of_contrast():
    """None for equal pictures; the same noise counts for more in the dark and on a plain than in texture."""
    torch.manual_seed(0)
    noise, texture = torch.randn(1, 3, 64, 64) * 3, torch.randn(1, 3, 64, 64) * 40
    plain = torch.full((1, 3, 64, 64), 128.0)
    assert float(pyramid_distance(plain, plain)) < 1e-3
    on_plain, in_dark, in_texture = (
        float(pyramid_distance(base, base + noise)) for base in (plain, plain / 4, plain + texture)
    )
    assert in_dark > on_plain > 1.05 * in_texture > 0


def test_what_stands_out_is_salient():
    crops = torch.full((1, 3, 64, 64), 100.0)
    crops[:, 0, 24:40, 32:48] = 220
    found = saliency(crops, 8)[0, 0]
    assert found.shape == (8, 8) and found[3:5, 4:6].min() > 0.7 and found[:, 0].max() < 0.1
