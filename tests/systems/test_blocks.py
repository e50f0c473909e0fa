"""The transform of blocks: the cosine transform of others, orthonormal, whatever part of a picture is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import tiny

from calotype import blocks, codec, rates
from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG
from calotype.picture import Picture
from calotype.train.block_contexts import coefficients, laplace, table_of
from calotype.walks.blocks import BINS, UNIT, around, bin_of, turns
from calotype.walks.blocks import Blocks as Walk
from calotype.zoo.dct_zonal import ZONE
from calotype.zoo.pca_blocks import principal


@pytest.mark.parametrize("side", [2, 8, 16])
def test_cosines_are_scipys_and_orthonormal(side):
    fft = pytest.importorskip("scipy.fft")
    block = np.random.default_rng(0).normal(0, 50, (side, side))
    order = blocks.zigzag(side)
    wanted = fft.dctn(block, norm="ortho")[order[:, 0], order[:, 1]]
    basis = blocks.cosines(side)
    assert np.allclose(basis @ block.ravel(), wanted, atol=1e-3)
    assert np.allclose(basis @ basis.T, np.eye(side * side), atol=1e-5)


def test_zigzag_is_that_of_jpeg():
    assert blocks.zigzag(8)[:10].tolist() == [
        [0, 0], [0, 1], [1, 0], [2, 0], [1, 1], [0, 2], [0, 3], [1, 2], [2, 1], [3, 0],
    ]  # fmt: skip


def test_parts_are_the_whole_to_the_last_bit():
    """The twin: a matrix product is not, which is why there is none."""
    found = np.random.default_rng(0).normal(0, 50, (3, 64, 20, 30)).astype(np.float32)
    basis = blocks.cosines(8)
    whole = blocks.backward(basis, found)
    part = blocks.backward(basis, found[:, :, 3:10, 5:28])
    assert np.array_equal(part, whole[:, 24:80, 40:224])
    assert np.allclose(blocks.forward(basis, whole), found, atol=1e-3)


def test_a_basis_of_each_plane():
    random = np.random.default_rng(0)
    bases = np.stack([np.linalg.qr(random.normal(0, 1, (16, 16)))[0] for _ in range(3)]).astype(np.float32)
    planes = random.normal(0, 30, (3, 12, 20)).astype(np.float32)
    assert np.allclose(blocks.backward(bases, blocks.forward(bases, planes)), planes, atol=1e-3)


def test_turns_let_chroma_see_luma_at_its_place():
    turn = turns(3, (2, 3)).reshape(3, 5)
    assert turn[0].tolist() == [0, 0, 1, 1, 1] and np.array_equal(turn[1], turn[0] + 1)
    with pytest.raises(TypeError):
        Walk(3)  # type: ignore[call-arg]


def test_sums_around_and_bins_are_what_they_say():
    one = np.zeros((5, 6), np.int32)
    one[0, 0], one[2, 3] = 1, 10
    sums = around(one)
    assert sums[0, 1] == sums[1, 0] == 1 and sums[0, 0] == 0 and sums[1, 3] == sums[2, 2] == 10 and sums.sum() == 42
    bins = bin_of().astype(int)
    assert bins[0] == 0 and bins[-1] == BINS - 1 and set(np.diff(bins)) == {0, 1} and len(bins) == 64 * UNIT


def test_a_table_has_the_mean_that_it_is_chosen_for():
    bank = laplace()
    for index in (2, 20, 40, 55):
        b = np.exp(LAPLACE_LOW + index / LAPLACE_PER_LOG)
        k = np.arange(1, 20000)
        mean = float((k * np.exp(-(k - 0.5) / b)).sum() * -np.expm1(-1 / b))
        assert table_of(np.array([mean]))[0] == index
    assert table_of(np.array([0.0, 1e9])).tolist() == [1, 63] and len(bank) == 64


def test_zonal_coding_leaves_out_what_is_expected_to_be_small():
    """At low rates whole frequencies are zero that the twin, the same model without a zone, has some of."""
    model = tiny.model("dct-zonal")
    without = dict(model.manifest.walk_parameters) | {"zone": 0}
    twin = replace(model, manifest=replace(model.manifest, walk_parameters=without))
    rate = rates.index(10, model.manifest)
    small = model.rows("ac.base", np.array([rate])).ravel() < round(ZONE * UNIT)
    outside, noise = [], np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (128, 128, 3))
    for coder in (model, twin):
        file = codec.encode(Picture(noise), coder, quality=10, check=False)
        (tile,) = codec.latents(file, model=coder)
        outside.append(np.count_nonzero(tile["y"].reshape(3, 64, 16, 16)[:, 1:].reshape(189, -1)[small]))
    assert small.any() and outside[0] == 0 < outside[1]


@pytest.mark.parametrize("recipe", ["dct-threshold", "dct-zonal", "pca-blocks"])
def test_quality_buys_fidelity(recipe):
    pixels, errors, sizes = tiny.picture(130, 200, seed=6), [], []
    for quality in (10, 40, 70, 100):
        data = codec.encode(Picture(pixels), tiny.model(recipe), quality=quality, check=False)
        found = codec.decode(data, model=tiny.model(recipe)).pixels
        errors.append(float(np.square(found.astype(float) - pixels).mean()))
        sizes.append(len(data))
    assert errors == sorted(errors, reverse=True) and sizes == sorted(sizes) and errors[-1] < 3


def test_principal_components_pack_more_than_cosines():
    """Orthonormal, and no other basis has more of the energy in its first components."""
    crops = [tiny.picture(256, 256)]
    basis = principal(crops, 8)
    assert np.allclose(basis @ basis.transpose(0, 2, 1), np.eye(64), atol=1e-5) and (basis.sum(2) >= -1e-6).all()
    energy = {}
    for name, chosen in (("components", basis), ("cosines", blocks.cosines(8))):
        (found,) = coefficients(crops, chosen, blocks.LUMA_CHROMA, 8)
        energy[name] = np.cumsum(np.square(found[0]).sum((1, 2)))
    assert (energy["components"] >= energy["cosines"] * (1 - 1e-5)).all()
    assert np.isclose(energy["components"][-1], energy["cosines"][-1], rtol=1e-4)
