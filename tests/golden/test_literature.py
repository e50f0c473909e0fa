"""Trained models of the literature (models/literature/): each opens, belongs to a recipe, and its files decode.

Not here: models that were ever the default, whose files must decode for ever (test_shipped.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calotype
from calotype import codec, metrics, zoo
from calotype.model import bundle
from calotype.picture import Picture

FOLDER = Path(__file__).parents[2] / "models" / "literature"
MODELS = sorted(FOLDER.glob("*.calomodel"))
PHOTO = Path(calotype.__path__[0]) / "demo" / "sumac.png"


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    with Image.open(PHOTO) as picture:
        return np.asarray(picture.convert("RGB"))[:161, :238]  # no side is a multiple of anything


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_trained_model_codes_a_photograph(path: Path, photo: np.ndarray) -> None:
    model = bundle.read(path)
    assert model.manifest.recipe in zoo.names()
    found = []
    for quality in (10, 80):
        data = codec.encode(Picture.of(photo), model, quality=quality)
        decoded = codec.decode(data, model=model).pixels
        assert decoded.shape == photo.shape
        found.append((len(data), metrics.psnr(photo, decoded)))
    (small, poor), (large, good) = found
    assert small < large and 22 < poor < good


def test_every_model_has_its_record() -> None:
    """Nobody should have to guess how weights came about."""
    training = FOLDER.parents[1] / "results" / "training"
    assert all((training / path.stem / "run.json").exists() for path in MODELS)
