"""Laws of effort: files get smaller at equal quality or better, decode as any other, and don't depend on threads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from tests import tiny

import calotype
from calotype import codec, modelled, refining
from calotype.container import Header
from calotype.errors import UsageError
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.tiles import Region

DEMO = calotype.__path__[0] + "/demo/sumac.png"


def _photograph(height: int = 192, width: int = 256) -> np.ndarray:
    return np.asarray(Image.open(DEMO).convert("RGB"))[:height, :width]


def _rate_and_psnr(pixels: np.ndarray, effort: int, quality: float) -> tuple[float, float]:
    data = calotype.encode(pixels, quality=quality, effort=effort, check=False)
    error = np.mean((calotype.decode(data).astype(float) - pixels) ** 2)
    return math.log(len(data)), 10 * math.log10(255**2 / error)


@pytest.mark.parametrize("quality", [25.0, 60.0])
def test_effort_pays(quality: float) -> None:
    """Each of two steps of effort brings a better weighed sum of rate and distortion: 6 dB are worth a factor of 2.5."""
    worth = math.log(2.5) / 6
    costs = [
        rate - worth * psnr for rate, psnr in (_rate_and_psnr(_photograph(), effort, quality) for effort in (0, 1, 3))
    ]
    assert costs[2] < costs[1] < costs[0]


def test_threads_change_nothing() -> None:
    """The bytes are a function of picture, quality and effort."""
    one, three = (calotype.encode(_photograph(), effort=1, threads=threads) for threads in (1, 3))
    assert one == three


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 130, 3), (65, 63, 3), (70, 90), (40, 50, 4)])
def test_any_picture(shape: tuple[int, ...]) -> None:
    """Odd sizes, grey and alpha go through, and the file is checked as any other."""
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    picture = Picture.of(pixels)
    found = codec.encode_reported(picture, store.find("swift"), quality=70, effort=2)
    assert codec.decode(found.data).pixels.shape == picture.pixels.shape


def test_pieces_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture refined by pieces gives nearly the latents of one refined at once; without margins it does not."""
    model, pixels = tiny.model("swift"), np.tile(_photograph(192, 256), (2, 4, 1))[:384, :1000]
    found = []
    for piece, around in ((100, 0), (2, 1), (2, 0)):
        monkeypatch.setattr(refining, "_PIECE_TILES", piece)
        monkeypatch.setattr(refining, "_AROUND_TILES", around)
        found.append(_refined(pixels, model, tile_px=128))
    apart = [max(float(np.abs(part[name] - found[0][name]).max()) for name in part) for part in found[1:]]
    assert apart[0] < 0.2 * apart[1]


def _refined(pixels: np.ndarray, model: Model, tile_px: int) -> dict[str, np.ndarray]:
    header = Header(
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        model_id=model.identity[:8],
        quality_100ths=5000,
        tile_px=tile_px,
    )
    grid = modelled.grid_of(header, model)
    whole = Region(0, grid.shape[0], 0, grid.shape[1])
    return refining.refined(pixels, header, model, 500, 2, 1).latents(whole)


def test_what_does_not_take_effort_says_so() -> None:
    """Models without real-valued bands, numbers out of range, and exact coding refuse by name."""
    with pytest.raises(UsageError, match="effort"):
        codec.encode(Picture.of(_photograph(64, 64)), tiny.model("dct-threshold"), effort=1)
    with pytest.raises(UsageError, match="effort"):
        calotype.encode(_photograph(64, 64), effort=10)
    with pytest.raises(UsageError, match="effort"):
        calotype.encode(_photograph(64, 64), effort=2, lossless=True)
