"""Where fitting starts: learning it on pictures makes files smaller, and changes what decoding depends on alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests import fitting, tiny

from calotype import codec
from calotype.errors import FileError
from calotype.model import bundle
from calotype.picture import Picture

pytest.importorskip("torch")
from calotype.fit import start


def test_a_learned_start_codes_better_than_none():
    """Same latents for the same gains; networks and bases of tables that were learned on this kind of picture."""
    model = tiny.model("bespoke")
    # The tiny model's start is noise on purpose; the closed form says nothing instead.
    layout = fitting.layout_of(model)
    quiet = {t.name: t.part for t in layout.tensors}
    vector = model.table("start")[0].copy()
    for name, part in quiet.items():
        if name.endswith((".out", ".base", "gains", "last")):
            vector[part] = 0
    rows = {name.removeprefix("rows/"): array for name, array in model.tables.items() if name.startswith("rows/")}
    closed = bundle.build(
        replace(model.manifest, identity="", members={}), graphs={}, banks=model.banks, rows=rows | {"start": vector[None]},
        floats=model.decoder_floats, encoder=model.encoder_floats,
    )  # fmt: skip
    crops = [tiny.picture(256, 256, seed=seed) for seed in (3, 4)]
    said: list[str] = []
    learned = start.learn(closed, crops, steps=60, batch=1, rate=8e-3, say=said.append)
    assert learned.identity != closed.identity and learned.manifest.training["start"] == {"crops": 2, "steps": 60}
    assert said and "loss" in said[0]
    picture = Picture(tiny.picture(128, 128, seed=9))
    sizes = [len(codec.encode(picture, made, quality=60, threads=1, check=False)) for made in (closed, learned)]
    assert sizes[1] < sizes[0]
    assert np.abs(learned.table("start")).max() > 0


def test_held_out_pictures_are_not_learned_from(tmp_path):
    for number in range(8):
        Image.fromarray(tiny.picture(260, 300, seed=number)).save(tmp_path / f"{number}.png")
    crops = start.crops_of(tmp_path, 100, 0)
    assert 4 <= len(crops) <= 7 and all(crop.shape == (256, 256, 3) for crop in crops)
    Image.fromarray(tiny.picture(40, 40)).save(tmp_path / "small.png")
    small = tmp_path / "few"
    small.mkdir()
    for number in range(2):
        Image.fromarray(tiny.picture(40, 40, seed=number)).save(small / f"{number}.png")
    with pytest.raises(FileError, match="256x256"):
        start.crops_of(small, 4, 0)
