"""The causal network of `schiopu2018-cnn-lossless`: it sees nothing that comes later, and undoes what it predicted."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codec
from calotype.picture import Picture
from calotype.train import causal_layers
from calotype.walks.causal_net import LAYERS, WINDOW, CausalNet, reconstructed, windows
from calotype.walks.predictors import around, predictor


@pytest.fixture(scope="module")
def nets():
    rows = causal_layers.layers([tiny.picture(128, 160, seed=k) for k in range(2)], hidden=8, steps=400)
    luma, chroma = (CausalNet({name: rows[f"cnn.{kind}.{name}"] for name in LAYERS}) for kind in ("luma", "chroma"))
    return luma, chroma, chroma


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (1, 40), (40, 1), (13, 17), (32, 9)], ids=str)
def test_lines_undo_what_whole_planes_predicted(nets, size):
    planes = np.random.default_rng(sum(size)).integers(-255, 256, (2, 3, *size)).astype(np.int32)
    errors = planes - np.stack([net(windows(planes[:, k])) for k, net in enumerate(nets)], 1)
    assert np.array_equal(reconstructed(errors, nets), planes)
    # The twin: one error that is another one changes samples after it.
    errors[0, 0, 0, 0] += 40
    assert np.count_nonzero(reconstructed(errors, nets) != planes) > 1


def test_a_window_sees_earlier_lines_only():
    assert all(left + 2 * up > 0 for up, left in WINDOW) and len(set(WINDOW)) == len(WINDOW)
    planes = np.arange(1, 1 + 6 * 9, dtype=np.int32).reshape(6, 9)
    seen = windows(planes)[3, 4]
    assert all(seen[k] == planes[3 - up, 4 - left] for k, (up, left) in enumerate(WINDOW))


def test_it_predicts_better_than_the_median_it_corrects(nets):
    """On a picture it was not trained on, with the spectrum of photographs; untrained it is the median."""
    luma = tiny.picture(128, 128, seed=9)[..., 1].astype(np.int32)[None, None]
    median = np.abs(luma - predictor("med")(around(luma))).mean()
    assert np.abs(luma[:, 0] - nets[0](windows(luma[:, 0]))).mean() < 0.95 * median
    nothing = {name: np.zeros((rows, columns)) for name, rows, columns in
               zip(LAYERS, (len(WINDOW) + 1, 9, 9), (8, 8, 1), strict=True)}  # fmt: skip
    still = np.abs(luma[:, 0] - CausalNet(nothing)(windows(luma[:, 0])))[:, 2:, 3:-3]
    assert np.array_equal(still, np.abs(luma - predictor("med")(around(luma)))[:, 0, 2:, 3:-3])


def test_quality_100_loses_nothing():
    pixels = tiny.picture(61, 140, seed=3)
    data = codec.encode(Picture(pixels), tiny.model("schiopu2018-cnn-lossless"), quality=100, threads=1, check=False)
    assert np.array_equal(codec.decode(data, model=tiny.model("schiopu2018-cnn-lossless")).pixels, pixels)
