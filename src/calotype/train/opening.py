"""What a session does before its first step: load pictures, choose precision, write down what runs; the steps are the loop's."""

from __future__ import annotations

import dataclasses
import json
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype.train import data, step
from calotype.train.log import Progress
from calotype.train.phases import Phase
from calotype.train.settings import Settings

__all__ = ["pictures", "precision", "record"]


def pictures(settings: Settings, device: torch.device, progress: Progress) -> tuple[data.Gallery, Tensor | None]:
    """The pictures to learn from, on `device`, and the validation crops: float32 [n, 3, h, w], or None if none are wanted."""
    share = settings.validation_share if settings.validation_crops else 0.0
    learning, held_out = data.split(data.find(settings.data), share)
    began = time.monotonic()
    room = data.memory_bytes() if device.type == "cpu" else torch.cuda.mem_get_info(device)[0] // 2
    threads = settings.threads or torch.get_num_threads()
    gallery = data.load(
        learning,
        device,
        max_bytes=room,
        threads=threads,
        tell=lambda done, total: progress.show(done / total, f"reading pictures {done}/{total}"),
    )
    crops = None
    if held_out:
        held = data.load(held_out, device, threads=threads)
        crops = held.fixed(settings.validation_crops, settings.validation_px)
    progress.say(
        f"{len(gallery)} pictures, {gallery.pixels / 1e6:.0f} Mpx, read in {time.monotonic() - began:.0f} s; "
        f"{0 if crops is None else len(crops)} crops held out"
        + (f"; {len(gallery.unreadable)} unreadable" if gallery.unreadable else "")
        + (f"; {gallery.left_out} left out for lack of memory" if gallery.left_out else "")
    )
    return gallery, crops


def precision(
    settings: Settings, system: nn.Module, device: torch.device, gallery: data.Gallery, phase: Phase
) -> tuple[step.Mode, dict[str, float]]:
    """The mode that the settings ask for or that is fastest, laid out; and what was measured, seconds per pass."""
    if settings.precision == "auto" and device.type == "cpu":
        # A generator of its own: what is drawn later must not depend on whether something was measured.
        count = min(2, phase.batch)
        crops = gallery.draw(np.random.default_rng(0), count, phase.crop_px)
        return step.fastest(system, crops, torch.full((count,), 0.5), device)
    name = settings.precision
    if name == "auto":
        name = "bfloat16-channels-last" if torch.cuda.is_bf16_supported() else "float32-channels-last"
    mode = step.named(name)
    mode.lay_out(system)
    return mode, {}


def record(
    settings: Settings,
    recipe: str,
    phases: Sequence[Phase],
    system: nn.Module,
    gallery: data.Gallery,
    mode: step.Mode,
    device: torch.device,
) -> dict[str, Any]:
    """Write run.json: everything one needs to know to repeat the run; returns it."""
    said = {
        "recipe": recipe,
        "settings": _plain(settings),
        "phases": [_plain(phase) for phase in phases],
        "parameters": sum(p.numel() for p in system.parameters()),
        "pictures": {"count": len(gallery), "pixels": gallery.pixels, "fingerprint": gallery.fingerprint()},
        "mode": mode.name,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "torch": torch.__version__,
    }
    settings.run.mkdir(parents=True, exist_ok=True)
    (settings.run / "run.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
