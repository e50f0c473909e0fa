"""Swift stays within the budget that makes it usable on an ordinary CPU."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from calotype import zoo  # noqa: E402
from calotype.nets.counting import kmac_per_pixel  # noqa: E402

_ENCODER_ONLY = "branch"


@pytest.fixture(scope="module")
def costs():
    """Thousands of multiplications a pixel of every convolution, on one crop of 256x256."""
    system = zoo.recipe("swift").system().eval()
    crop, rate = torch.rand(1, 3, 256, 256) * 255, torch.tensor([0.5])
    return system, kmac_per_pixel(system, lambda: system(crop, rate), 256 * 256)


def test_decoding_stays_within_12_kmac_a_pixel(costs):
    """Everything but the encoder's branch, and the closed-form wavelet's share on top."""
    wavelet = 0.06
    decode = sum(kmac for name, kmac in costs[1].items() if not name.startswith(_ENCODER_ONLY)) + wavelet
    assert 5 < decode <= 12  # above 5: the hooks did see the networks


def test_encoding_stays_within_40_kmac_a_pixel(costs):
    assert sum(costs[1].values()) <= 40


def test_parameters_stay_within_5_million(costs):
    assert sum(p.numel() for p in costs[0].parameters()) <= 5_000_000
