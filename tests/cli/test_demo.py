"""The demo: what it prints is what its files are, the peers are found at equal PSNR, nothing is overwritten unasked."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from calotype import metrics
from calotype.cli import demo, main
from calotype.cli.peers import AVIF, JPEG, WEBP

Y, X = np.mgrid[0:176, 0:192]
NOISE = (X * 7919 + Y * 104729) % 61
PIXELS = np.stack([80 + 60 * np.sin(X / 9) + NOISE, 90 + 60 * np.cos(Y / 7) + NOISE, (X + Y) // 2], axis=-1).astype(
    np.uint8
)


@pytest.mark.parametrize("peer", [JPEG, WEBP, AVIF])
def test_a_peer_is_found_at_equal_psnr(peer):
    """Between two neighbouring settings, one below and one at or above; out of its range there is none."""
    tried = peer(PIXELS)
    wanted = (tried.coded(60)[2] + tried.coded(61)[2]) / 2
    point = tried.at_psnr(wanted)
    pairs = [(tried.coded(low), tried.coded(low + 1)) for low in sorted(tried._coded) if low + 1 in tried._coded]
    around = [(len(a[0]), len(b[0])) for a, b in pairs if a[2] <= wanted <= b[2]]
    assert any(low <= point.file_bytes <= high for low, high in around)
    assert point.psnr_db == wanted
    assert 0 < point.ms_ssim < 1
    assert tried.at_psnr(5.0) is None
    assert tried.at_psnr(99.0) is None


def test_equal_size_is_never_more():
    tried = JPEG(PIXELS)
    data, pixels, psnr_db = tried.at_size(6000)
    assert len(data) <= 6000 < len(tried.coded(min(100, max(tried._coded) or 100))[0])
    assert psnr_db == metrics.psnr(PIXELS, pixels)
    assert len(tried.at_size(10)[0]) > 10  # its smallest, and the label says so


def test_the_photograph_is_what_its_readme_says():
    """8-bit RGB, below 700 kB, the checksum that stands beside it."""
    import hashlib
    from importlib.resources import files

    folder = files("calotype") / "demo"
    data = (folder / f"{demo.PHOTOGRAPH}.png").read_bytes()
    assert hashlib.sha256(data).hexdigest() in (folder / "README.md").read_text()
    assert len(data) < 700_000


@pytest.mark.long
def test_the_demo(tmp_path, capsys, monkeypatch):
    """A new folder that it names; three files and three pictures, a comparison, and a table in which we are listed."""
    monkeypatch.chdir(tmp_path)
    assert main.run(["demo"]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "calotype-demo") in said
    names = [f"{demo.PHOTOGRAPH}-q{quality}{suffix}" for quality in demo.QUALITIES for suffix in (".calo", ".png")]
    assert sorted(path.name for path in (tmp_path / "calotype-demo").iterdir()) == sorted([*names, "comparison.png"])
    for quality in demo.QUALITIES:
        assert f"{(tmp_path / 'calotype-demo' / f'{demo.PHOTOGRAPH}-q{quality}.calo').stat().st_size:,}" in said
    assert said.count("  Calotype ") == 3
    assert said.count("  JPEG ") == 3
    assert Image.open(tmp_path / "calotype-demo" / "comparison.png").width > 3 * 576
    assert main.run(["demo", "--out", "calotype-demo"]) == 8
    assert "2" in demo._free_folder(tmp_path / "calotype-demo").name
