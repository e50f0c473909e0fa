"""Published curves are whole, sourced, and give the BD-rates that their authors give."""

from __future__ import annotations

import pytest

from calotype import metrics
from calotype.bench import anchors
from calotype.errors import UsageError


@pytest.mark.parametrize("curve", anchors.load(), ids=lambda curve: f"{curve.dataset}/{curve.name}")
def test_every_curve_is_whole(curve):
    """As many qualities as rates, rates rise, quality with them, and a source is named."""
    assert curve.source and curve.title and curve.kind in ("conventional", "learned", "measured")
    assert len(curve.bpp) >= 3 and all(0 < rate < 24 for rate in curve.bpp)
    assert list(curve.bpp) == sorted(curve.bpp)
    assert curve.psnr or curve.ms_ssim
    for values, low, high in ((curve.psnr, 10, 60), (curve.ms_ssim, 0.3, 1.0)):
        assert values is None or (len(values) == len(curve.bpp) and all(low < value < high for value in values))


# Authors' own figures against VTM 9.1 on Kodak, in percent.
AUTHORS = {"lalic": -15.26, "dcae": -17.0, "ftic": -14.6, "cca": -13.7, "tcm-large": -11.8, "weconvene": -8.5}


@pytest.mark.parametrize("name", AUTHORS)
def test_bd_rates_are_those_of_the_authors(name):
    vtm, curve = anchors.find(anchors.REFERENCE), anchors.find(name)
    assert vtm.psnr and curve.psnr
    found = metrics.bd_rate((vtm.bpp, vtm.psnr), (curve.bpp, curve.psnr))
    assert found.percent == pytest.approx(AUTHORS[name], abs=0.15)


# The project's own survey of the literature, computed by another program: PSNR on Kodak against VTM 9.1, in percent.
SURVEY = {
    "hpcm-large": -20.0, "coolchic-v5.0": -6.6, "qarv": -5.9, "c3": 5.2, "av1": 16.2, "bpg": 22.0, "hm": 23.3,
    "measured-avif-444-psnr": 35.9, "measured-heic-444": 44.7, "measured-jpeg2000": 56.6, "measured-webp": 77.8,
    "measured-jpegxl-e7": 98.9, "measured-jpeg-420": 175.5, "coin": 463.3,
}  # fmt: skip


@pytest.mark.parametrize("name", SURVEY)
def test_bd_rates_are_those_of_the_survey(name):
    vtm, curve = anchors.find(anchors.REFERENCE), anchors.find(name)
    assert vtm.psnr and curve.psnr
    found = metrics.bd_rate((vtm.bpp, vtm.psnr), (curve.bpp, curve.psnr))
    assert found.percent == pytest.approx(SURVEY[name], abs=0.1)


def test_bd_rates_notice_another_curve():
    """The twin: half the bytes are not what the authors say."""
    vtm, curve = anchors.find(anchors.REFERENCE), anchors.find("lalic")
    halved = metrics.bd_rate((vtm.bpp, vtm.psnr), ([rate / 2 for rate in curve.bpp], curve.psnr))
    assert halved.percent < AUTHORS["lalic"] - 30


def test_what_is_drawn_belongs_to_the_data_set():
    assert [curve.name for curve in anchors.drawn("kodak")] == list(anchors.DRAWN)
    assert {curve.dataset for name in anchors.datasets() for curve in anchors.drawn(name)} >= {
        "kodak",
        "clic2020-professional-valid",
    }
    assert anchors.drawn("holiday") == ()


def test_an_unknown_curve_is_refused_by_name():
    with pytest.raises(UsageError, match="no-such of kodak"):
        anchors.find("no-such")


def test_ms_ssim_comes_in_both_forms():
    curve = anchors.find("vtm")
    assert curve.ms_ssim and curve.quality("ms-ssim-db") == tuple(metrics.ms_ssim_db(v) for v in curve.ms_ssim)
    assert curve.quality("ssimulacra2") is None
