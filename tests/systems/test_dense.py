"""Small networks for blocks: trainers learn, integers decode as floats do, and Blahut and Arimoto's curve is the known one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import blocks, codec, container, dense, zoo
from calotype.picture import Picture
from calotype.train import blahut, bottlenecks, design
from calotype.zoo import hebbian_pca, pca_blocks

RECIPES = ("bpnn-block", "watkins2016-lm", "deng2016-ga", "hussain2016-relu", "sento2016-kalman", "li2019-dbn-ba")
QUICK = {"backpropagation": {"steps": 800}, "levenberg-marquardt": {"rounds": 6, "count": 300}, "kalman": {"count": 1500},
         "boltzmann": {"steps": 800}, "genetic": {"flock": 2, "generations": 1, "steps": 80}}  # fmt: skip


@cache
def sample():
    """Blocks of 8x8 without their mean, [64, 1024]."""
    plane = tiny.picture(256, 256)[:, :, 0].astype(float)
    cut = plane.reshape(32, 8, 32, 8).transpose(1, 3, 0, 2).reshape(64, -1)
    return (cut - cut.mean(0)) / dense.SCALE


@cache
def model(name):
    made = design.model_of(zoo.recipe(name), [tiny.picture(256, 256)], size="tiny")
    return replace(made, manifest=replace(made.manifest, tile_px=tiny.TILE_PX))


@pytest.mark.parametrize("name", sorted(bottlenecks.TRAINERS))
def test_every_trainer_learns(name):
    """Far below the variance, never below principal components of as many units; repeatable."""
    some = sample()
    net = bottlenecks.TRAINERS[name](some, 8, **QUICK[name])
    values = np.linalg.eigvalsh(some @ some.T / some.shape[1])
    found = bottlenecks.error(net, some)
    assert found < 0.75 * some.var()
    assert found > values[:-8].sum() / 64 * (1 - 1e-6) or len(net.encoder) > 1
    again = bottlenecks.TRAINERS[name](some, 8, **QUICK[name])
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(net.encoder, again.encoder, strict=True))


def test_centred_and_sorted_units_decode_to_the_same_blocks():
    some = sample()
    net = bottlenecks.TRAINERS["boltzmann"](some, 8, steps=300)
    other = bottlenecks.kept(net, some)
    hidden = dense.encoded(other.encoder, other.activations, some)
    assert np.abs(hidden.mean(1)).max() < 1e-9 and bottlenecks.error(other, some) == pytest.approx(
        bottlenecks.error(net, some)
    )
    assert np.all(np.diff(hidden.std(1) * bottlenecks.effects(other, some)) < 1e-9)


@pytest.mark.parametrize("wide", [0, 24])
def test_integers_decode_as_floats_do(wide):
    """Within a level, and to the last bit in any batch; the twin: float matrices differ between batches of columns."""
    some = sample()
    net = bottlenecks.backpropagation(some, 8, steps=300, wide=wide)
    hidden = dense.encoded(net.encoder, net.activations, some).astype(np.float32)
    layers = [(np.rint(m * dense.WEIGHT), np.rint(b * dense.ONE)) for m, b in net.decoder]
    found = dense.decoded(layers, hidden)
    assert np.abs(found - dense.SCALE * bottlenecks.outputs(net, hidden)).max() < 2
    parts = [dense.decoded(layers, hidden[:, k : k + 7]) for k in range(0, 70, 7)]
    assert np.array_equal(np.concatenate(parts, 1), found[:, :70])


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_any_size_comes_back(name, shape):
    pixels = tiny.picture(*shape, seed=4)
    for quality in (1, 100):
        data = codec.encode(Picture(pixels), model(name), quality=quality, check=False, threads=1)
        found = codec.decode(data, model=model(name), threads=1).pixels
        assert found.shape == pixels.shape and container.build(container.parse(data)) == data
    if min(shape) > 30:
        assert np.square(found.astype(float) - pixels).mean() < 0.5 * pixels.var()


def test_sangers_rule_finds_principal_components():
    """Sixteen learnt rows hold nearly as much energy as sixteen eigenvectors; the twin, cosines shuffled, hold less."""
    crops = [tiny.picture(256, 256)]
    plane = crops[0][:, :, 0].astype(float) - 128
    cut = plane.reshape(32, 8, 32, 8).transpose(1, 3, 0, 2).reshape(64, -1)

    def energy(basis):
        return np.square(basis[:16] @ cut).sum() / np.square(cut).sum()

    learnt, best = (energy(made[0]) for made in (hebbian_pca.learnt(crops, 8, 1500), pca_blocks.principal(crops, 8)))
    shuffled = energy(blocks.cosines(8)[np.random.default_rng(0).permutation(64)])
    assert best - 0.05 < learnt <= best + 0.01 and shuffled < learnt


def test_blahuts_curve_is_that_of_a_gaussian():
    """R = log2(variance / D) / 2."""
    values = np.random.default_rng(0).normal(0, 3, 200_000)
    for wanted in (0.5, 2.0):
        rate, found = blahut.curve_point(values, 1 / (2 * np.log(2) * wanted))
        assert found == pytest.approx(wanted, rel=0.05) and rate == pytest.approx(0.5 * np.log2(9 / wanted), abs=0.05)
    assert blahut.curve_point(values, 1e-4)[0] < 0.01
