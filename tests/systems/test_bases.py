"""Bases of blocks, axes of colours and the Laplacian pyramid: each is the transform that its paper means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import tiny

from calotype import blocks, codec, laplacian
from calotype.clustered import chosen, turned
from calotype.picture import Picture
from calotype.tiles import Region
from calotype.zoo.andrews1968_dft import waves
from calotype.zoo.hybrid_dwt_dct_huffman import coarse_cosines
from calotype.zoo.ince2022_ldr_dct import POWER, level_weights
from calotype.zoo.poolakkachalil2017_dctdwt import hybrid
from calotype.zoo.pratt1969_hadamard import walsh
from calotype.zoo.yadav2018_pca_dct import axes


@pytest.mark.parametrize("basis", [walsh, waves, hybrid, coarse_cosines])
@pytest.mark.parametrize("side", [4, 8, 16])
def test_bases_are_orthonormal_and_begin_with_the_mean(basis, side):
    rows = basis(side)
    assert np.allclose(rows @ rows.T, np.eye(side**2), atol=1e-5) and np.allclose(rows[0], 1 / side)


def test_walsh_functions_are_signs_by_changes():
    rows = walsh(8)
    assert np.allclose(np.abs(rows), 1 / 8)
    changes = [np.count_nonzero(np.diff(np.sign(row.reshape(8, 8)), axis=axis)) // 8 for row in rows for axis in (0, 1)]
    order = blocks.zigzag(8)
    assert np.array_equal(np.reshape(changes, (64, 2)), order)


def test_waves_are_the_fourier_transform():
    block = np.random.default_rng(0).normal(0, 30, (8, 8))
    found, wanted = waves(8) @ block.ravel(), np.fft.fft2(block) / 8
    energy = np.sort(np.abs(np.concatenate([wanted.real.ravel(), wanted.imag.ravel()])))
    own = np.abs(found) / np.sqrt(2)  # a wave stands for itself and its conjugate
    assert np.isclose(np.square(found).sum(), np.square(block).sum(), rtol=1e-4)
    assert all(np.abs(energy - value).min() < 1e-3 or np.abs(energy - value * np.sqrt(2)).min() < 1e-3 for value in own)


def test_hybrids_are_haar_and_then_cosines():
    block = np.random.default_rng(1).normal(0, 30, (16, 16))
    low = (block[::2, ::2] + block[1::2, ::2] + block[::2, 1::2] + block[1::2, 1::2]) / 2
    assert np.allclose((coarse_cosines(16) @ block.ravel())[:64], blocks.cosines(8) @ low.ravel(), atol=1e-3)
    detail = (coarse_cosines(16) @ block.ravel())[64:67]
    a, b, c, d = block[:2, :2].ravel()
    assert np.allclose(detail, [(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2], atol=1e-4)
    both = (hybrid(8) @ np.ones(64), hybrid(8) @ np.tile([1, -1], 32))
    assert np.count_nonzero(np.abs(both[0]) > 1e-4) == np.count_nonzero(np.abs(both[1]) > 1e-4) == 1


def test_weights_shrink_the_range_of_levels():
    """By the power that is said; twin: equal weights shrink nothing."""
    crops = [tiny.picture(128, 128)]
    weights, level = level_weights(crops, 8), blocks.zigzag(8).sum(1)
    (found,) = [blocks.forward(blocks.cosines(8), _luma(crops[0]))]
    spread = np.sqrt(np.bincount(level, np.square(found[0]).sum((1, 2))) / np.bincount(level))
    after = spread / np.array([weights[level == k][0] for k in range(15)])
    assert np.isclose(np.ptp(np.log(after)), (1 - POWER) * np.ptp(np.log(spread)), rtol=1e-3)
    assert np.isclose(np.log(weights).mean(), 0, atol=1e-9)


def _luma(crop):
    return ((crop.astype(np.float32) - 128) @ blocks.LUMA_CHROMA[:, 0].astype(np.float32))[None]


def test_axes_are_orthonormal_and_rare_colours_turn_them():
    random = np.random.default_rng(2)
    crop = np.clip(random.normal(128, 40, (64, 64, 1)) + random.normal(0, 3, (64, 64, 3)), 0, 255).astype(np.uint8)
    crop[:2, :7] = (255, 0, 0)
    plain, rare = axes([crop]), axes([crop], rarity=True)
    for found in (plain, rare):
        assert np.allclose(found.T @ found, np.eye(3), atol=1e-9)
    assert plain[:, 0].min() > 0.5  # grey, as nearly all of the picture is
    target = np.array([127.0, -128, -128]) / np.linalg.norm([127, -128, -128])
    assert max(abs(rare.T @ target)) > max(abs(plain.T @ target)) + 0.02


def test_windows_of_the_laplacian_pyramid_are_the_whole_to_the_last_bit():
    coarse = np.random.default_rng(3).normal(0, 30, (3, 20, 24)).astype(np.float32)
    whole = laplacian.expand(coarse, Region(0, 20, 0, 24), Region(0, 40, 0, 48))
    for wanted in (Region(0, 5, 0, 7), Region(11, 30, 13, 48), Region(33, 40, 1, 2)):
        held = wanted.over(2).grown(1, 20, 24)
        part = laplacian.expand(coarse[:, held.rows, held.cols], held, wanted)
        assert np.array_equal(part, whole[:, wanted.rows, wanted.cols])


def test_a_pyramid_adds_up_to_its_picture_and_norms_are_what_errors_make():
    planes = np.random.default_rng(4).normal(0, 30, (1, 64, 96)).astype(np.float32)
    bands = laplacian.analyse(planes, 3)
    found = bands["ll"]
    for level in (3, 2, 1):
        fine = bands[f"l{level}"]
        held, wanted = (Region(0, part.shape[1], 0, part.shape[2]) for part in (found, fine))
        found = laplacian.expand(found, held, wanted) + fine
    assert np.allclose(found, planes, atol=1e-3)
    norms = laplacian.norms(3)
    assert norms["l1"] == 1 and norms["l1"] < norms["l2"] < norms["l3"] < norms["ll"] < 8


@pytest.mark.parametrize("recipe", ["gaussian-pyramid", "karaca2018-wpca", "pratt1969-hadamard", "yadav2018-pca-dct"])
def test_pictures_of_any_size_come_back(recipe):
    model = tiny.model(recipe)
    model = replace(model, manifest=replace(model.manifest, tile_px=64))
    for height, width in ((1, 1), (37, 61), (65, 130)):
        pixels = tiny.picture(height, width, seed=5)
        errors = []
        for quality in (20, 100):
            data = codec.encode(Picture(pixels), model, quality=quality, check=False)
            found = codec.decode(data, model=model).pixels
            errors.append(float(np.square(found.astype(float) - pixels).mean()))
        assert errors[1] < 60 and errors[1] <= errors[0]


def test_colours_turn_by_blocks_and_back():
    """Means stay; the twin: turned with another cluster, they do not come back."""
    random = np.random.default_rng(6)
    found = random.normal(0, 20, (3, 16, 4, 5)).astype(np.float32)
    turns = np.stack([np.linalg.qr(random.normal(0, 1, (3, 3)))[0] for _ in range(4)]).astype(np.float32)
    cluster = random.integers(0, 4, (4, 5))
    there = turned(found, turns, cluster)
    assert np.array_equal(there[:, 0], found[:, 0]) and not np.allclose(there, found, atol=1)
    assert np.allclose(turned(there, turns, cluster, back=True), found, atol=1e-4)
    assert not np.allclose(turned(there, turns, (cluster + 1) % 4, back=True), found, atol=1)


def test_blocks_take_the_axes_along_which_they_vary():
    random = np.random.default_rng(7)
    turns = np.stack([np.linalg.qr(random.normal(0, 1, (3, 3)))[0] for _ in range(4)]).astype(np.float32)
    cluster = random.integers(0, 4, (6, 7))
    line = random.normal(0, 50, (64, 6, 7)).astype(np.float32)
    found = turns[cluster][..., 0, :].transpose(2, 0, 1)[:, None] * line
    assert np.array_equal(chosen(found, turns, np.full(4, 0.25), 4.0), cluster)
