"""Compressive sensing: matrices that are orthonormal and repeatable, recoveries that are as good as they say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import codec, recovery, sensing, zoo
from calotype.errors import UsageError
from calotype.picture import Picture
from calotype.train import design
from calotype.train.block_contexts import table_of
from calotype.train.measurement_contexts import normal
from calotype.walks.measurements import groups


@cache
def model(recipe, **size):
    made = zoo.recipe(recipe)
    made = replace(made, sizes={"here": {"side": 8, "iterations": 10, **size}})
    coder = design.model_of(made, [tiny.picture(256, 256)], size="here")
    return replace(coder, manifest=replace(coder.manifest, tile_px=tiny.TILE_PX))


def luma(side=96, seed=3):
    return tiny.picture(side, side, seed=seed)[..., 1].astype(np.float32) - 128


def psnr(found, plane):
    return 10 * np.log10(255**2 / np.square(found - plane).mean())


@pytest.mark.parametrize("kind", sensing.SENSING)
def test_a_matrix_is_orthonormal_and_its_first_rows_are_a_smaller_one(kind):
    rows = sensing.matrix(kind, 8, 40)
    assert np.allclose(rows @ rows.T, np.eye(40), atol=1e-5) and np.allclose(rows[0], 1 / 8, atol=1e-6)
    assert np.allclose(sensing.matrix(kind, 8, 7), rows[:7], atol=1e-6)


def test_numbers_drawn_are_those_of_splitmix64():
    """The published first outputs for the seed 1234567, and every one of them alone."""
    wanted = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert sensing.drawn(3, 1234567).tolist() == wanted


def test_projections_look_normal_and_independent():
    rows = sensing.matrix("gaussian", 16, 100)[1:] * 16
    assert abs(rows.mean()) < 0.02 and abs(rows.std() - 1) < 0.02 and abs((rows**4).mean() - 3) < 0.2


def test_impossible_matrices_are_refused():
    for kind, count in (("hadamard", 4), ("gaussian", 0), ("gaussian", 65)):
        with pytest.raises(UsageError):
            sensing.matrix(kind, 8, count)


@pytest.mark.parametrize("method", ["spl", "wiener", "l1", "linear"])
def test_what_is_recovered_has_the_measurements(method):
    plane, rows = luma(), sensing.matrix("gaussian", 16, 64)
    wanted = sensing.measured(plane, rows)
    found = recovery.recovered(wanted, rows, method, 8)
    assert np.allclose(sensing.measured(found, rows), wanted, atol=0.05)


@pytest.mark.parametrize("method", recovery.METHODS)
def test_more_measurements_are_better_and_all_of_them_are_the_picture(method):
    plane = luma(64)
    errors = []
    for count in (13, 26, 64):
        rows = sensing.matrix("gaussian", 8, count)
        errors.append(psnr(recovery.recovered(sensing.measured(plane, rows), rows, method, 12), plane))
    assert errors == sorted(errors)
    assert errors[-1] > 60 or method == "omp"


def test_iteration_is_better_than_none():
    """On edges, which are sparse in cosines; the twin is the first estimate."""
    rows, columns = np.indices((96, 96))
    plane = np.where(rows + 2 * columns > 150, 60.0, -40.0).astype(np.float32)
    matrix = sensing.matrix("gaussian", 32, 256)
    wanted = sensing.measured(plane, matrix)
    found = {method: psnr(recovery.recovered(wanted, matrix, method, 40), plane) for method in ("linear", "spl", "l1")}
    assert found["spl"] > found["linear"] + 3 and found["l1"] > found["linear"] + 1


def test_matching_pursuit_finds_few_cosines_exactly():
    """Five cosines a block from 40 % random measurements: pursuit is exact where nothing else is."""
    from calotype.blocks import cosines

    random = np.random.default_rng(0)
    weights = np.zeros((16, 256), np.float32)
    for block in weights:
        block[random.choice(256, 5, replace=False)] = random.choice([-1, 1], 5) * random.uniform(50, 200, 5)
    plane = recovery._placed(weights @ cosines(16), 64, 64)
    rows = sensing.matrix("gaussian", 16, 102)
    wanted = sensing.measured(plane, rows)
    assert psnr(recovery.recovered(wanted, rows, "omp", 0), plane) > 70
    assert psnr(recovery.recovered(wanted, rows, "linear", 0), plane) < 40


def test_tables_of_normal_variables_have_the_means_of_laplace_tables():
    bank = normal()
    for k in (5, 20, 40):
        share = bank.frequencies[k, : bank.sizes[k]] / 2**14
        mean = float((share * np.abs(np.arange(len(share)) + bank.offsets[k])).sum())
        assert abs(int(table_of(np.array([mean]))[0]) - k) <= 1
    assert len(bank) == 64 and bank.sizes[0] == 0


def test_groups_double():
    assert groups(20) == (0,) * 8 + (1,) * 8 + (2,) * 3 and groups(1) == ()


@pytest.mark.parametrize(("recipe", "size"), [("bcs-spl", {}), ("bcs-spl", {"ratio": 0.5}), ("atta2019-cs-comparison", {})],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_any_size_comes_back_better_with_quality(recipe, size, shape):
    pixels, errors, sizes = tiny.picture(*shape, seed=4), [], []
    coder = model(recipe, **size)
    for quality in (10, 100):
        data = codec.encode(Picture(pixels), coder, quality=quality, check=False)
        found = codec.decode(data, model=coder, threads=1).pixels
        assert found.shape == pixels.shape
        codec.verify(data, model=coder)
        errors.append(float(np.square(found.astype(float) - pixels).mean()))
        sizes.append(len(data))
    assert errors[0] >= errors[1] and sizes[0] <= sizes[1]


def test_no_border_is_seen_at_tiles():
    """A smooth picture over two tiles: errors beside the border are those elsewhere."""
    rows, columns = np.indices((128, 256))
    smooth = 128 + 60 * np.sin(columns / 23) * np.cos(rows / 31)
    pixels = np.repeat(np.rint(smooth).astype(np.uint8)[..., None], 3, 2)
    coder = model("bcs-spl", ratio=0.25)
    found = codec.decode(codec.encode(Picture(pixels), coder, quality=90, check=False), model=coder).pixels
    jumps = np.abs(np.diff(found[..., 1].astype(float) - pixels[..., 1], axis=1)).mean(0)
    assert jumps[127] <= 1.5 * np.sort(jumps)[-12]
