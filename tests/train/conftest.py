"""Fixtures of the training tests: a folder of small pictures, and the tiny recipe."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if find_spec("torch"):
    import torch

    from calotype.train.loop import Settings

    torch.set_num_threads(1)
else:  # training needs the extra [train]; a skip raised here would be an error
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth pictures of several sizes, formats and modes, nested; one is damaged, one is no picture."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(5)
    (folder / "deep" / "deeper").mkdir(parents=True)
    sizes = [(64, 48), (40, 90), (20, 20), (1, 1), (33, 70), (48, 64)] * 4
    for i, (height, width) in enumerate(sizes):
        coarse = random.integers(0, 256, (3, 4, 3), np.uint8)
        picture = Image.fromarray(coarse, "RGB").resize((width, height), Image.Resampling.BICUBIC)
        picture = picture.convert(["RGB", "L", "RGB", "RGBA"][i % 4])
        suffix = ["png", "webp"][i % 2]
        picture.save(folder / ["", "deep", "deep/deeper"][i % 3] / f"p{i}.{suffix}")
    (folder / "damaged.png").write_bytes((folder / "p0.png").read_bytes()[:60])
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def settings(pictures: Path, tmp_path: Path) -> Settings:
    """A run of 12 steps that logs each of them."""
    return Settings(
        data=pictures,
        run=tmp_path / "run",
        steps=12,
        threads=1,
        precision="float32",
        validation_crops=3,
        validation_px=32,
        validation_share=0.2,
        validate_steps=4,
        log_steps=1,
        quiet=True,
    )
