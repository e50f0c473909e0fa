"""Metrics by name: laws over all of them, values of the libraries they come from, and what is refused or left out."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys

import pytest
from tests.metrics.pairs import pair

from calotype import metrics
from calotype.errors import ExtraMissing, UsageError

HERE = [name for name in metrics.NAMES if metrics.available(name)]


@pytest.mark.parametrize("name", HERE)
def test_equal_pictures_have_the_perfect_value(name):
    a, _ = pair(176, 200, 5)
    perfect = metrics.get(name).perfect
    if perfect is not None:
        assert metrics.measure([name], a, a)[name] == pytest.approx(perfect)


@pytest.mark.parametrize("name", [name for name in HERE if not metrics.get(name).needs_file])
def test_more_noise_is_worse(name):
    """In the direction that the registry states."""
    values = [metrics.measure([name], *pair(176, 200, noise))[name] for noise in (2, 10, 50)]
    assert values == sorted(values, reverse=metrics.get(name).higher_is_better) and len(set(values)) == 3


@pytest.mark.parametrize("name", ["bpp", "ratio", "saving"])
def test_a_larger_file_is_worse(name):
    a, b = pair(16, 16, 5)
    values = [metrics.measure([name], a, b, file_bytes=size)[name] for size in (10, 100, 5000)]
    assert values == sorted(values, reverse=metrics.get(name).higher_is_better) and len(set(values)) == 3


# psnr-hvsm 0.3.0 in its other, C++, implementation; FFmpeg n9.0.2 on
# two PNG files, which converts to luma by itself and so rounds a little differently.
OF_LIBRARIES = [
    (176, 176, 5, 41.093570977876, 46.96079417029899, 95.688),
    (200, 261, 20, 28.70318766441372, 31.69485597306165, 89.099),
    (163, 322, 60, 21.728343436615308, 24.69582229331252, 71.777),
]


@pytest.mark.parametrize(("height_px", "width_px", "noise", "hvs", "hvs_m", "vmaf"), OF_LIBRARIES)
def test_values_are_those_of_the_libraries(height_px, width_px, noise, hvs, hvs_m, vmaf):
    expected = {"psnr-hvs": (hvs, 1e-6), "psnr-hvs-m": (hvs_m, 1e-6)}
    expected["vmaf"] = (vmaf, 0.05)
    names = [name for name in expected if name in HERE]
    if not names:
        pytest.skip("needs calotype[bench]")
    found = metrics.measure(names, *pair(height_px, width_px, noise))
    for name in names:
        value, tolerance = expected[name]
        assert found[name] == pytest.approx(value, abs=tolerance), name


def test_what_is_too_small_is_left_out_with_a_reason():
    """The rest is measured."""
    a, b = pair(16, 100, 5)
    found = metrics.measure(HERE, a, b, file_bytes=99)
    assert set(found) | set(found.reasons) == set(HERE) and not set(found) & set(found.reasons)
    assert {"psnr", "ssim", "bpp"} <= set(found) and {"ms-ssim", "ms-ssim-db"} <= set(found.reasons)
    assert "161 px" in found.reasons["ms-ssim"] and "100x16" in found.reasons["ms-ssim"]
    large = metrics.measure(HERE, *pair(161, 161, 5), file_bytes=99)
    assert not large.reasons and list(large) == HERE


@pytest.mark.parametrize("name", HERE)
def test_the_smallest_side_is_the_smallest(name):
    """At that side there is a number."""
    side = metrics.get(name).smallest_side_px
    for size in ((side, side), (side, 200), (200, side)):
        assert not math.isnan(metrics.measure([name], *pair(*size, 20), file_bytes=99)[name])


def test_the_result_is_a_plain_dictionary_that_survives_pickling_and_json():
    found = metrics.measure(["psnr", "ms-ssim"], *pair(20, 30, 5))
    again = pickle.loads(pickle.dumps(found))
    assert again == found == json.loads(json.dumps(found)) and again.reasons == found.reasons != {}
    assert all(type(value) is float for value in found.values())


def test_what_can_not_be_asked_is_refused():
    a, b = pair(20, 30, 5)
    with pytest.raises(UsageError, match="ms-ssim"):
        metrics.measure(["ms-sim"], a, b)
    with pytest.raises(UsageError, match="vmaf"):
        metrics.get("lpips")
    with pytest.raises(UsageError, match="file_bytes"):
        metrics.measure(["bpp"], a, b)
    with pytest.raises(UsageError, match="one shape"):
        metrics.measure(["bpp"], a, b[1:], file_bytes=9)


@pytest.mark.parametrize("name", [name for name in metrics.NAMES if metrics.get(name).package])
def test_an_absent_package_is_named_before_any_work(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    metrics.check(["psnr", "ms-ssim"])
    with pytest.raises(ExtraMissing, match=r"pip install 'calotype\[bench\]'"):
        metrics.check(["psnr", name])


@pytest.mark.parametrize("name", metrics.NAMES)
def test_every_metric_can_be_repeated(name):
    """Library and version are named, and there is something to read on an axis."""
    described = metrics.describe(name)
    assert described["library"] and (described["version"] or not metrics.available(name))
    assert metrics.get(name).title and metrics.get(name).name == name


def test_importing_is_light():
    """SciPy and what needs it come with the first call; the twin shows that the check sees them."""
    script = (
        "import sys; import calotype.metrics{more}; print([m for m in ('scipy', 'torch', 'PIL') if m in sys.modules])"
    )
    said = [
        subprocess.run([sys.executable, "-c", script.format(more=more)], capture_output=True, text=True, check=True)
        for more in ("", ", PIL")
    ]
    assert [run.stdout.strip() for run in said] == ["[]", "['PIL']"]


def test_libraries_print_nothing(capsys):
    """psnr-hvsm greets people without torch."""
    pytest.importorskip("psnr_hvsm")
    script = "import numpy, calotype.metrics as m; m.measure(['psnr-hvs'], *numpy.zeros((2, 8, 8, 3), numpy.uint8))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == run.stderr == ""
