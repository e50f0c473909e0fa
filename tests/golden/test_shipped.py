"""Files of every model that was ever in the package decode to the latents recorded when they were written.

The models are the packaged ones and those of models/; tests/golden/cases.py has the goldens of tiny models.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.golden import cases

from calotype import codec
from calotype.model import bundle, store

FOLDER = Path(__file__).with_name("shipped")
KEPT = Path(__file__).parents[2] / "models"
RECORDS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


def shipped():
    """Models by the first digits of their identity."""
    files = [*KEPT.glob("*.calomodel"), *store.packaged().glob("*.calomodel")]
    return {model.identity.hex()[:16]: model for model in map(bundle.read, files)}


@pytest.mark.parametrize("name", RECORDS)
def test_files_of_every_model_still_decode(name):
    record, model = RECORDS[name], shipped()[name]
    data = (FOLDER / f"{name}.calo").read_bytes()
    assert cases.latents_sha256(data, model) == record["latents_sha256"]
    assert codec.decode(data, model=model, threads=1).pixels.shape == tuple(record["shape"])


def test_every_model_has_a_file():
    """One that leaves the package goes to models/ and stays there."""
    assert set(RECORDS) == set(shipped()) and len(RECORDS) >= 4
