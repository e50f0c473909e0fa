"""Law L8 on trained models: more quality, more bits and less error. Tiny models have learnt too little to promise it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from tests import tiny

from calotype import codec, fit, rates
from calotype.model import store
from calotype.picture import Picture

QUALITIES = (5, 15, 30, 45, 60, 75, 90, 100)


def curve(model, pixels, qualities=QUALITIES, check=False):
    """[(bytes, mean squared error)] at each quality, of the model alone unless `check`, which may code exactly instead."""
    points = []
    for quality in qualities:
        data = codec.encode(Picture(pixels), model, quality=quality, threads=1, check=check)
        found = codec.decode(data, model=model, threads=1).pixels.astype(float)
        points.append((len(data), float(np.mean((found - pixels) ** 2))))
    return points


def rises(points):
    """Every step up costs bytes and saves error."""
    return all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(points))


def models():
    return [entry.name for entry in store.installed() if entry.source == "packaged" and not entry.problem]


def found(name):
    """The model that codes without a fit when this one is named."""
    return fit.started(store.find(name), 0)[0]


def test_a_model_is_shipped():
    assert "swift" in models()


@pytest.mark.parametrize("name", models())
def test_l8_the_dial_of_a_shipped_model_is_monotone(name):
    """L8: over the whole dial, on a picture with the spectrum of photographs."""
    points = curve(found(name), tiny.picture(256, 384, seed=11))
    assert rises(points), points


@pytest.mark.parametrize("name", models())
def test_l8_the_dial_with_its_check_never_turns_back(name):
    """L8 as users meet it: what is coded exactly stays exact at all higher qualities, and costs no more there."""
    points = curve(found(name), tiny.picture(256, 384, seed=11), check=True)
    assert all(a == b if a[1] == 0 else a[0] < b[0] and a[1] > b[1] for a, b in pairwise(points)), points


def test_l8_twin_a_dial_that_turns_back_is_caught():
    points = [(100, 9.0), (200, 5.0), (300, 2.0)]
    assert rises(points)
    assert not rises(points[::-1]) and not rises([*points, (310, 2.5)]) and not rises([*points, (290, 1.0)])


def test_the_dial_reaches_both_ends_of_the_rates(recipe):
    """Quality 1 to 100 maps onto rate indices that never fall, whatever the model."""
    manifest = tiny.model(recipe).manifest
    indices = [rates.index(quality, manifest) for quality in np.linspace(1, 100, 100)]
    assert indices == sorted(indices) and indices[0] == 0 and indices[-1] == 1023
    assert all(math.isfinite(value) for value in indices)
