"""Designed recipes: those whose model is computed from pictures in seconds, without training and without torch.

A recipe says `design`, a function of pictures that returns a `Design`; here it becomes a model file. Freezing a trained
system is freeze.py's.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calotype import writing
from calotype.coding.tables import TableBank
from calotype.errors import FileError, TargetExists, UsageError
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.model.manifest import Latent, Manifest

if TYPE_CHECKING:
    from calotype.zoo import Recipe

__all__ = ["DESIGNED", "Design", "design", "freeze", "model_of", "pictures"]

DESIGNED = "designed.calomodel"  # what a run's folder holds
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif"})
CROP_PX, MOST_PX = 256, 4_000_000


@dataclass(frozen=True, kw_only=True)
class Design:
    """Everything of a model file that a recipe knows; names as in `model.manifest.Manifest` and `bundle.build`."""

    walk: str
    latents: Mapping[str, Latent]
    transform: Mapping[str, Any]
    walk_parameters: Mapping[str, Any] = field(default_factory=dict)
    halo: int = 0
    align_px: int = 64
    tile_px: int = 512
    rate_anchors: int = 2
    quality_map: tuple[tuple[float, int], ...] = ((1.0, 0), (100.0, 1023))
    banks: Mapping[str, TableBank] = field(default_factory=dict)
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    floats: Mapping[str, np.ndarray] = field(default_factory=dict)
    encoder: Mapping[str, np.ndarray] = field(default_factory=dict)


def pictures(folder: Path, *, most_px: int = MOST_PX, seed: int = 0) -> list[np.ndarray]:
    """Crops of at most 256x256, uint8 [h, w, 3], from pictures drawn from a folder; repeatable for a seed.

    raises   FileError where the folder is missing or holds no picture that can be read
    """
    from PIL import Image, ImageOps

    if not folder.is_dir():
        raise FileError(folder, "not a folder of pictures")
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    random = np.random.default_rng(seed)
    crops, total = [], 0
    for place in random.permutation(len(found)):
        try:
            with Image.open(found[place]) as opened:
                whole = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        top, left = (int(random.integers(0, max(1, side - CROP_PX + 1))) for side in whole.shape[:2])
        crops.append(np.ascontiguousarray(whole[top : top + CROP_PX, left : left + CROP_PX]))
        total += crops[-1].shape[0] * crops[-1].shape[1]
        if total >= most_px:
            break
    if not crops:
        raise FileError(folder, "no picture that can be read")
    return crops


def model_of(
    recipe: Recipe,
    crops: Sequence[np.ndarray],
    *,
    size: str = "default",
    name: str | None = None,
    training: Mapping[str, Any] | None = None,
) -> Model:
    """The model that a recipe designs from pictures, uint8 [h, w, 3] each."""
    if recipe.design is None:
        raise UsageError("recipe", value=recipe.name, allowed="one that is designed; this one is trained")
    made: Design = recipe.design(crops, **recipe.arguments(size))
    manifest = Manifest(
        name=name or recipe.name, recipe=recipe.name, walk=made.walk, walk_parameters=made.walk_parameters,
        latents=made.latents, nets={}, transform=made.transform, halo=made.halo, align_px=made.align_px,
        tile_px=made.tile_px, rate_anchors=made.rate_anchors, quality_map=made.quality_map, licence="Apache-2.0",
        training=dict(training or {}),
    )  # fmt: skip
    return bundle.build(manifest, graphs={}, banks=made.banks, rows=made.rows, floats=made.floats, encoder=made.encoder)


def design(
    recipe: Recipe,
    data: Path,
    run: Path,
    *,
    size: str = "default",
    seed: int = 0,
    force: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Design a recipe from a folder of pictures; the run's folder then holds the model and run.json. Returns its path.

    raises   TargetExists, FileError, UsageError
    """
    target = run / DESIGNED
    if target.exists() and not force:
        raise TargetExists(target)
    crops = pictures(data, seed=seed)
    began = time.monotonic()
    model = model_of(recipe, crops, size=size, training={"pictures": len(crops), "seed": seed, "size": size})
    seconds = time.monotonic() - began
    run.mkdir(parents=True, exist_ok=True)
    writing.appear(target, bundle.write(model), replace=force)
    record = {"recipe": recipe.name, "size": size, "seed": seed, "pictures": len(crops), "seconds": round(seconds, 2),
              "pixels": sum(crop.shape[0] * crop.shape[1] for crop in crops), "identity": model.identity.hex()}  # fmt: skip
    (run / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    say(f"designed from {len(crops)} crops in {seconds:.1f} s: {target}")
    return target


def freeze(run: Path, output: Path, *, force: bool = False) -> bool:
    """Copy the model of a designed run; False where the run is none. Raises TargetExists."""
    made = run / DESIGNED
    if not made.exists():
        return False
    if output.exists() and not force:
        raise TargetExists(output)
    with made.open("rb") as source, output.open("wb") as target:
        shutil.copyfileobj(source, target)
    return True
