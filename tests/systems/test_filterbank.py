"""Filter banks of lifting steps invert whatever their taps, training lowers their bits, contexts learn what is near."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codec, cutting, filterbank, pyramid
from calotype.picture import Picture
from calotype.train import filter_bank
from calotype.train.embedded_tables import weights
from calotype.walks.learned_trees import ACROSS, OWN, features

NINE_SEVEN = np.stack([filter_bank.START] * 3)


@pytest.mark.parametrize("seed", [0, 1])
def test_whatever_the_taps_the_bank_inverts(seed):
    random = np.random.default_rng(seed)
    taps = NINE_SEVEN + random.uniform(-0.2, 0.2, NINE_SEVEN.shape)
    planes = random.uniform(-128, 127, (2, 40, 24))
    bands = filterbank.analyse(planes, taps)
    found = bands["ll"]
    for level in (3, 2, 1):
        found = filterbank.join(found, bands[f"l{level}"], taps[level - 1])
    assert np.abs(found - planes).max() < 1e-6


def test_where_training_starts_the_bank_is_the_nine_seven_wavelet():
    planes = np.random.default_rng(2).uniform(-128, 127, (3, 64, 96)).astype(np.float32)
    ours, theirs = filterbank.analyse(planes, NINE_SEVEN.astype(np.float32)), pyramid.analyse(planes, 3)
    for name, band in ours.items():
        for part, like in zip(np.split(band, len(band) // 3), np.split(theirs[name], len(band) // 3), strict=True):
            factor = float(np.median(part / like))
            assert np.abs(part - factor * like).max() < 0.01 and 0.3 < factor < 3


def test_norms_are_what_an_error_makes_in_the_picture():
    """An error of one in each band, one after the other."""
    norm = filterbank.norms(NINE_SEVEN)
    bands = filterbank.analyse(np.zeros((1, 128, 128), np.float32), NINE_SEVEN.astype(np.float32))
    for name, channel, wanted in (("l1", 0, norm[0]), ("l2", 2, norm[3]), ("l3", 1, norm[4]), ("ll", 0, norm[-1])):
        spoilt = {key: band.copy() for key, band in bands.items()}
        side = spoilt[name].shape[1] // 2
        spoilt[name][channel, side, side] = 1
        found = spoilt["ll"]
        for level in (3, 2, 1):
            found = filterbank.join(found, spoilt[f"l{level}"], NINE_SEVEN[level - 1])
        assert np.sqrt(np.square(found).sum()) == pytest.approx(wanted, rel=1e-3)


def test_training_lowers_the_bits_and_leaves_coarse_filters_short():
    random = np.random.default_rng(3)
    wave = np.cos(np.arange(128) * 2.2)[:, None] * np.cos(np.arange(96) * 2.5) * 40
    plane = (wave + random.normal(0, 3, (128, 96)))[None].astype(np.float32)
    taps = filter_bank.trained([plane], 3, rounds=2)
    assert filter_bank.bits([plane], taps) < 0.99 * filter_bank.bits([plane], NINE_SEVEN)
    assert not taps[2, :, 1].any() and taps[0, :, 1].any()
    assert np.array_equal(filter_bank.trained([plane], 3, rounds=0), NINE_SEVEN)


def test_features_are_sums_of_what_stands_around():
    known = np.random.default_rng(4).integers(0, 9, (1, 9, 6, 8)).astype(np.int32)
    parents = known[:, :, :3, :4]
    own, across = features(known, parents, 3)
    assert len(own) == OWN and len(across) == ACROSS and own[0].shape == (1, 3, 3, 6, 8)
    y, x, orientation, plane = 3, 5, 1, 2
    at = known[0].reshape(3, 3, 6, 8)[orientation, plane]
    assert own[0][0, orientation, plane, y, x] == at[y, x - 1] + at[y, x + 1]
    assert own[1][0, orientation, plane, y, x] == at[y - 1, x] + at[y + 1, x]
    assert own[2][0, orientation, plane, y, x] == at[2:5:2, 4:7:2].sum()
    whole = known[0].reshape(3, 3, 6, 8)
    assert [int(part[0, orientation, plane, y, x]) for part in across] == [
        parents[0].reshape(3, 3, 3, 4)[1, 2, 1, 2],
        whole[2, plane, y, x],
        whole[0, plane, y, x],
        whole[orientation, plane - 1, y, x],
    ]
    assert not features(known, None, 3)[1][0].any()


def test_weights_follow_what_predicts():
    """Bands whose rows are all alike but of random size: what stands above says nothing, what stands beside everything."""
    random = np.random.default_rng(5)
    rows = 60 * random.standard_exponential((1, 9, 64, 1)) * np.ones((1, 1, 1, 64))
    bands = {"l1": rows, "l2": random.laplace(0, 20, (1, 9, 32, 32)), "ll": np.zeros((1, 3, 32, 32))}
    found = weights([bands], [4.0], 2)
    assert found.shape == (9, OWN + ACROSS) and found.min() >= 0
    assert (found[:, 0] > 2 * found[:, 1]).all()


def test_files_are_embedded_and_can_be_cut():
    model, pixels = tiny.model("li2019-subband-spiht"), tiny.picture(140, 150, seed=3)
    data = codec.encode(Picture(pixels), model, quality=70, check=False)
    errors = []
    for share in (0.2, 0.5, 1.0):
        shorter = cutting.cut(data, int(share * len(data)), model=model)
        found = codec.decode(shorter, model=model).pixels
        errors.append(float(np.square(found.astype(float) - pixels).mean()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 2
