"""Tiny frozen models of every recipe, for laws and goldens: trained for a moment, exported once per state of the sources.

Exporting costs a second a network, so models are kept in a cache folder that is named by the sources they come from.
No tests here. `python -m tests.tiny` fills the cache.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from calotype import walks, zoo
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.train import design

ROOT = Path(__file__).parents[1]
SOURCES = ("nets", "train/anchors.py", "train/freeze.py", "train/priors.py", "train/port.py", "train/system.py",
           "train/integer_system.py", "train/pyramid_system.py", "train/methods", "walks", "zoo", "coding/densities.py",
           "coding/shapes.py",
           "coding/frequencies.py", "model/storage.py", "model/identity.py", "model/manifest.py", "model/bundle.py")  # fmt: skip
DESIGNED = ("train/block_contexts.py", "train/causal_layers.py",
            "train/grid_contexts.py", "train/tree_contexts.py", "train/embedded_tables.py",
            "train/measurement_contexts.py", "sensing.py", "recovery.py",
            "pyramid.py", "filterbank.py", "train/filter_bank.py", "kernels.py",
            "wavelets.py", "laplacian.py", "clustered.py", "train/design.py", "fuzzy.py", "walks", "zoo",
            "blocks.py", "colour.py", "sampled.py",
            "codebooks", "coding/densities.py", "coding/frequencies.py", "model/identity.py", "model/manifest.py",
            "model/bundle.py")  # fmt: skip
PYRAMIDS = ("pyramid.py", "pyramid_system.py", "pyramid_context.py", "pyramid_frozen.py", "postfilter.py", "wavelet.py")
HYPERPRIORS = (
    "system.py",
    "integer_system.py",
    "causal.py",
    "families.py",
    "residual.py",
    "attention.py",
    "integer.py",
    "priors.py",
    "hyper.py",
    "density.py",
    "transforms.py",
)
STEPS = 60
TILE_PX = 128  # small, so that small pictures have tile borders; a file states its own


def recipes() -> tuple[str, ...]:
    """Every registered recipe."""
    return zoo.names()


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [h, w, 3]: noise with the spectrum of photographs, and an edge."""
    random = np.random.default_rng(seed)
    sides = [max(side, 8) for side in (height, width)]
    distance = np.hypot(np.fft.fftfreq(sides[0])[:, None], np.fft.fftfreq(sides[1])) + 1 / 256
    planes = []
    for _ in range(3):
        spectrum = np.fft.fft2(random.standard_normal(sides)) / distance
        planes.append(np.fft.ifft2(spectrum).real)
    whole = np.stack(planes, -1)
    whole = whole / whole.std() * 40 + 120 + whole[..., :1] / whole.std() * 30
    whole[sides[0] // 3 :, sides[1] // 2 :] *= 0.6
    return np.clip(np.round(whole), 0, 255).astype(np.uint8)[:height, :width]


def model(name: str) -> Model:
    """The tiny model of a recipe."""
    return _made(name)[0]


def system(name: str) -> Any:
    """The torch system that it was frozen from, in exact mode and evaluation; a fresh object each time.

    Designed recipes have none.
    """
    import torch

    made = zoo.recipe(name).system("tiny")
    made.load_state_dict(torch.load(io.BytesIO(_made(name)[1]), weights_only=True))
    return made.eval()


@cache
def fingerprint(recipe: str) -> str:
    """Of the sources and of the exporter that the tiny model of a recipe depends on."""
    designed = zoo.recipe(recipe).design is not None
    digest = hashlib.sha256(f"{'' if designed else _torch_version()} {np.__version__}".encode())
    digest.update(Path(__file__).read_bytes())
    walk = zoo.recipe(recipe).walk
    others = {f"{walk_of}.py" for walk_of in walks.names()} - {f"{walk}.py"}
    others |= set(HYPERPRIORS if walk == "pyramid" else PYRAMIDS)
    if not designed:  # designs borrow from each other's files
        others |= {f"{name.replace('-', '_')}.py" for name in recipes() if name != recipe}
    for entry in DESIGNED if designed else SOURCES:
        place = ROOT / "src" / "calotype" / entry
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            if path.name not in others:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _torch_version() -> str:
    import torch

    return torch.__version__


@cache
def _made(name: str) -> tuple[Model, bytes]:
    """The model and the state of its system, from the cache or made now; one process makes it, others wait."""
    folder = ROOT / ".pytest_cache" / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    frozen, state, lock = (folder / f"{name}-{fingerprint(name)}.{suffix}" for suffix in ("calomodel", "pt", "lock"))
    while not frozen.exists():
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            if time.time() - lock.stat().st_mtime > 600:  # its process was killed
                lock.unlink(missing_ok=True)
            time.sleep(0.2)
            continue
        try:
            model, weights = make(name)
            state.write_bytes(weights)
            beside = frozen.with_suffix(".part")
            beside.write_bytes(bundle.write(model))
            beside.replace(frozen)
        finally:
            lock.unlink(missing_ok=True)
    return bundle.read(frozen), state.read_bytes()


def make(name: str, steps: int = STEPS) -> tuple[Model, bytes]:
    """Train the recipe's size "tiny" for a moment, half of it with integers, and freeze it; or design it."""
    recipe = zoo.recipe(name)
    if recipe.design is not None:
        made = design.model_of(recipe, [picture(256, 256)], size="tiny", name=f"tiny-{name}")
        return replace(made, manifest=replace(made.manifest, tile_px=TILE_PX)), b""
    import torch

    from calotype.train.freeze import freeze_system
    from calotype.train.phases import Phase

    torch.manual_seed(1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = recipe.system("tiny")
    whole = torch.from_numpy(picture(256, 256)).permute(2, 0, 1).float()
    crops = whole.unfold(1, 64, 64).unfold(2, 64, 64).permute(1, 2, 0, 3, 4).reshape(-1, 3, 64, 64)
    made.begin(crops)
    optimiser = torch.optim.Adam(made.parameters(), 3e-3)
    for step in range(steps):
        if step == steps // 2:
            made.enter(Phase(name="integers", options={"exact": True, "calibration_batches": 1}), lambda: crops)
        batch = crops[torch.randint(0, len(crops), (4,))]
        with torch.enable_grad():  # whatever the test is in that needs the model first
            made(batch, torch.rand(4))["loss"].mean().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    weights = io.BytesIO()
    torch.save(made.state_dict(), weights)
    with _one_registry():
        model = freeze_system(made.eval(), recipe=name, name=f"tiny-{name}", training={"steps": steps})
    torch.set_num_threads(threads)
    manifest = replace(model.manifest, tile_px=TILE_PX)
    return replace(model, manifest=manifest), weights.getvalue()


@cache
def _registry_once(make_registry: Any) -> Any:
    return cache(lambda **named: make_registry(**named))


@contextmanager
def _one_registry() -> Iterator[None]:
    """The exporter reads its table of operators anew for every network, a third of its time; here it does so once."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        original, bound = vars(ONNXRegistry)["from_torchlib"], ONNXRegistry.from_torchlib
    except (ImportError, AttributeError, KeyError):  # another release keeps it elsewhere, and takes its time
        yield
        return
    ONNXRegistry.from_torchlib = staticmethod(_registry_once(bound))
    try:
        yield
    finally:
        ONNXRegistry.from_torchlib = original


if __name__ == "__main__":
    for recipe in recipes():
        began = time.process_time()
        print(recipe, model(recipe).identity[:8].hex(), f"{time.process_time() - began:.1f} s")
