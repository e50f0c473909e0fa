"""Files for a target, made and measured: what is promised holds for the bytes and for the pixels they decode to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests import tiny

import calotype
from calotype import codec, errors, metrics, rates, targets
from calotype.cli import main
from calotype.model import store
from calotype.picture import Picture
from calotype.rates import Target

PIXELS = tiny.picture(200, 300)


@pytest.fixture(scope="module")
def model():
    return store.find("swift")


@pytest.mark.parametrize("size", [3000, 10_000, 25_000])
def test_sizes_are_never_exceeded(size):
    assert 0.98 * size <= len(calotype.encode(PIXELS, size=size, threads=1)) <= size


def test_rates_and_qualities_are_hit():
    """Measured here again, from the bytes alone."""
    assert 8 * len(calotype.encode(PIXELS, bpp=1.0, threads=1)) / 60_000 == pytest.approx(1.0, rel=0.02)
    decoded = calotype.decode(calotype.encode(PIXELS, psnr=32.0, threads=1))
    assert metrics.psnr(PIXELS, decoded) == pytest.approx(32.0, abs=0.1)
    decoded = calotype.decode(calotype.encode(PIXELS, ms_ssim=0.97, threads=1))
    assert metrics.ms_ssim_db(metrics.ms_ssim(PIXELS, decoded)) == pytest.approx(metrics.ms_ssim_db(0.97), abs=0.1)


def test_ssimulacra2_is_hit():
    if not metrics.available("ssimulacra2"):
        pytest.skip("its package is not installed")
    decoded = calotype.decode(calotype.encode(PIXELS, target=Target("ssimulacra2", 60), threads=1))
    assert metrics.measure(["ssimulacra2"], PIXELS, decoded)["ssimulacra2"] == pytest.approx(60, abs=0.2)


def test_the_file_is_that_of_the_quality_it_states(model):
    """A target is a way to choose a quality: nothing else in the file tells them apart."""
    picture = Picture.of(PIXELS)
    reached = targets.encode(picture, model, Target("size", 9000), threads=1)
    assert codec.info(reached.data).quality == reached.quality and reached.hit
    assert codec.encode(picture, model, quality=reached.quality, check=False, threads=1) == reached.data
    assert len(reached.tried) <= rates.ENCODES and (reached.quality, reached.value) in reached.tried


def test_metadata_counts(model):
    picture = replace(Picture.of(PIXELS), exif=b"II*\0" + bytes(9000))
    reached = targets.encode(picture, model, Target("size", 14_000), threads=1)
    assert 13_700 <= len(reached.data) <= 14_000


def test_missed_targets_say_what_there_is(model):
    picture = Picture.of(PIXELS)
    with pytest.raises(errors.TargetMissed, match=r"nearest is .* bpp \(quality 1\)") as missed:
        targets.encode(picture, model, Target("bpp", 0.01), threads=1)
    assert missed.value.exit_code == 10 and missed.value.quality == 1
    kept = targets.encode(picture, model, Target("bpp", 0.01), threads=1, best_effort=True)
    assert not kept.hit and kept.quality == 1 and missed.value.reached == f"{kept.value:.4g} bpp"
    with pytest.raises(errors.TargetMissed, match="the lowest quality of model swift gives"):
        targets.encode(picture, model, Target("size", 300), threads=1, best_effort=True)


def test_what_is_better_than_asked_is_kept(model):
    """A size is a ceiling; a flat picture has more PSNR than anybody asked for at its smallest."""
    picture = Picture.of(PIXELS[:90, :100])
    reached = targets.encode(picture, model, Target("size", 5_000_000), threads=1)
    assert not reached.hit and reached.quality in (100, None) and len(reached.tried) == 1
    flat = targets.encode(Picture.of(np.full((100, 100, 3), 90, np.uint8)), model, Target("psnr", 30), threads=1)
    assert flat.value > 30 and len(flat.data) < 200


def test_black_and_white_is_exact(model):
    picture = Picture.of(PIXELS[..., 0] > 120)
    reached = targets.encode(picture, model, Target("psnr", 30), threads=1)
    assert reached.quality is None and reached.value == math.inf
    assert np.array_equal(calotype.decode(reached.data), picture.to_array())
    with pytest.raises(errors.TargetMissed):
        targets.encode(picture, model, Target("size", 100), threads=1)


def test_hidden_colours_don_t_count(model):
    """Under full transparency colours are free to change; a target for PSNR is one for what can be seen."""
    pixels = np.dstack([PIXELS, np.where(np.arange(300) < 150, 0, 255).astype(np.uint8) * np.ones((200, 1), np.uint8)])
    pixels[:, :150, :3] = np.random.default_rng(1).integers(0, 256, (200, 150, 3))
    reached = targets.encode(Picture.of(pixels), model, Target("psnr", 34), threads=1)
    decoded = calotype.decode(reached.data)
    error = np.square(decoded[:, 150:, :3].astype(float) - pixels[:, 150:, :3]).sum() / (200 * 300 * 3)
    assert 10 * math.log10(255**2 / error) == pytest.approx(34, abs=0.1) and reached.hit
    assert np.array_equal(decoded[..., 3], pixels[..., 3])


def test_grey_pictures_have_targets(model):
    reached = targets.encode(Picture.of(PIXELS[..., 0]), model, Target("psnr", 33), threads=1)
    decoded = calotype.decode(reached.data)
    three = [np.repeat(grey[..., None], 3, axis=2) for grey in (decoded, PIXELS[..., 0])]
    assert metrics.psnr(*three) == pytest.approx(33, abs=0.1)


def test_a_picture_too_small_for_its_metric_is_refused_at_once(model):
    with pytest.raises(errors.UsageError, match="161 px or more for MS-SSIM"):
        targets.encode(Picture.of(PIXELS[:100]), model, Target("ms-ssim", 12), threads=1)


def test_two_wishes_are_refused():
    for wishes in ({"quality": 50, "bpp": 1}, {"size": 100, "psnr": 30}, {"target": Target("bpp", 1), "bpp": 1}):
        with pytest.raises(errors.UsageError):
            calotype.encode(PIXELS, **wishes)


def test_threads_change_nothing():
    assert calotype.encode(PIXELS, size=8000, threads=1) == calotype.encode(PIXELS, size=8000, threads=3)


# --- the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def png(tmp_path):
    from PIL import Image

    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    return str(path)


@pytest.mark.parametrize(
    ("size", "most"), [("12KB", 12_000), ("12000", 12_000), ("0.012MB", 12_000), ("11.72KiB", 12_001)]
)
def test_sizes_on_the_command_line(png, tmp_path, capsys, size, most):
    out = tmp_path / "a.calo"
    assert main.run(["encode", png, "-o", str(out), "--size", size, "--threads", "1"]) == 0
    assert 0.98 * 12_000 <= out.stat().st_size <= most
    assert "reached" in capsys.readouterr().err


def test_a_missed_target_writes_nothing_unless_asked(png, tmp_path, capsys):
    out = tmp_path / "a.calo"
    assert main.run(["encode", png, "-o", str(out), "--bpp", "30", "--threads", "1"]) == 10
    assert not out.exists() and "--best-effort" in capsys.readouterr().err
    assert main.run(["encode", png, "-o", str(out), "--bpp", "30", "--best-effort", "--threads", "1"]) == 0
    assert calotype.info(out.read_bytes()).quality == 100


WRONG = [["--size", "12QB"], ["--size", "0"], ["--bpp", "1", "-q", "50"], ["--psnr", "30", "--size", "1KB"],
         ["--best-effort"], ["--ms-ssim", "1"], ["--bpp", "nan"], ["--best-effort", "-q", "3"]]  # fmt: skip


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_contradictions_and_nonsense_are_usage_errors(png, tmp_path, words):
    assert main.run(["encode", png, "-o", str(tmp_path / "a.calo"), *words]) == 2
    assert not (tmp_path / "a.calo").exists()


def test_arrays_go_in_and_out_without_a_copy(model):
    """A contiguous array is looked at where it lies; what comes back lies in rows as NumPy makes them."""
    picture = Picture.of(PIXELS)
    assert np.shares_memory(picture.pixels, PIXELS) and PIXELS.flags.writeable
    decoded = calotype.decode(calotype.encode(PIXELS, threads=1))
    assert decoded.flags.c_contiguous and decoded.flags.writeable and decoded.shape == PIXELS.shape
    assert calotype.encode(PIXELS[::-1], threads=1) == calotype.encode(PIXELS[::-1].copy(), threads=1)


def test_alpha_is_coded_once_for_a_search(model):
    """Streams of alpha from an earlier rate give the same file as coding them again; only their keys differ."""
    picture = Picture.of(np.dstack([PIXELS[:60, :70], PIXELS[60:120, :70, 0]]))
    alpha: dict[int, bytes] = {}
    for rate in (300, 700):
        shared = codec.encode(picture, model, rate_index=rate, check=False, alpha=alpha, threads=1)
        assert shared == codec.encode(picture, model, rate_index=rate, check=False, threads=1)
    assert np.array_equal(calotype.decode(shared)[..., 3], picture.pixels[..., 3]) and len(alpha) == 1
