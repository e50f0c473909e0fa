"""A trained system -> a model file: networks exported to ONNX, rows and tables made integers, exactness proved.

What a system hands over is a `Frozen`: networks, rows, tables, floats. Nothing here knows a particular recipe.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype import writing
from calotype.coding.tables import TableBank
from calotype.errors import ModelError, TargetExists
from calotype.model import bundle
from calotype.model.manifest import Latent, Manifest, Net
from calotype.model.proof import prove_model
from calotype.model.storage import compact

__all__ = ["Frozen", "FrozenNet", "freeze", "freeze_system"]


@dataclass(frozen=True, kw_only=True)
class FrozenNet:
    """A network to export.

    module    in the state to freeze; exact networks in mode "folded"
    inputs    name -> example array, in the order of `forward`; sides of 8 and more are free, as is the batch
    ranges    exact networks: what each input may hold, as in `model.manifest.Net`
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    exact: bool = False
    part: str = "decoder"
    ranges: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """Everything of a model file that the system knows; names as in `model.manifest.Manifest` and `bundle.build`."""

    walk: str
    latents: Mapping[str, Latent]
    nets: Mapping[str, FrozenNet]
    rate_anchors: int
    walk_parameters: Mapping[str, Any] = field(default_factory=dict)
    transform: Mapping[str, Any] = field(default_factory=dict)
    halo: int | str = 0
    align_px: int = 64
    tile_px: int = 512
    quality_map: tuple[tuple[float, int], ...] = ((1.0, 0), (100.0, 1023))
    banks: Mapping[str, TableBank] = field(default_factory=dict)
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    floats: Mapping[str, np.ndarray] = field(default_factory=dict)
    encoder: Mapping[str, np.ndarray] = field(default_factory=dict)


def freeze(
    run: Path,
    output: Path,
    *,
    which: str = "last",
    force: bool = False,
    name: str | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Freeze the averaged weights of a run into a `.calomodel` file.

    which   "last" or "best" resume file of the run
    name    what users call the model; default: the recipe's name
    raises  TargetExists, ModelError (not proved exact: the network's name and the bound)
    """
    from calotype import zoo
    from calotype.train import resume

    if output.exists() and not force:
        raise TargetExists(output)
    state = resume.load(run / f"{which}.pt")
    recipe = zoo.recipe(state["recipe"])
    system = recipe.system(state.get("size", "default"))
    system.load_state_dict(state["system"] | resume.averaged(state))
    record = {"steps": int(state["plan"]["step"]), "which": which}
    model = freeze_system(system.eval(), recipe=recipe.name, name=name or recipe.name, training=record, say=say)
    writing.appear(output, bundle.write(model), replace=force)


def freeze_system(
    system: Any,
    *,
    recipe: str,
    name: str,
    training: Mapping[str, Any] | None = None,
    licence: str = "Apache-2.0",
    say: Callable[[str], None] = lambda _: None,
) -> bundle.Model:
    """The model of a system's present weights; `system.frozen()` says of what it consists."""
    frozen: Frozen = system.frozen()
    graphs: dict[str, bytes] = {}
    nets: dict[str, Net] = {}
    for place, (key, net) in enumerate(frozen.nets.items(), 1):
        say(f"exporting {key} ({place} of {len(frozen.nets)})")
        graphs[key] = compact(export(net), exact=net.exact, sample=_sample(net))
        nets[key] = Net(
            file=f"nets/{key}.onnx", inputs=tuple(net.inputs), outputs=net.outputs, exact=net.exact, part=net.part,
            ranges=net.ranges,
        )  # fmt: skip
    manifest = Manifest(
        name=name, recipe=recipe, walk=frozen.walk, walk_parameters=frozen.walk_parameters, latents=frozen.latents,
        nets=nets, transform=frozen.transform, halo=frozen.halo, align_px=frozen.align_px, tile_px=frozen.tile_px,
        rate_anchors=frozen.rate_anchors, quality_map=frozen.quality_map, licence=licence, training=dict(training or {}),
    )  # fmt: skip
    model = bundle.build(
        manifest, graphs=graphs, banks=frozen.banks, rows=frozen.rows, floats=frozen.floats, encoder=frozen.encoder
    )
    say("proving the exact networks")
    prove_model(model)
    return model


def _sample(net: FrozenNet) -> dict[str, np.ndarray]:
    """Small integers in the shapes of the examples, whose sizes fit each other."""
    draw = np.random.default_rng(0).integers
    return {
        key: draw(0, 16 + place, example.shape).astype(example.numpy().dtype)
        for place, (key, example) in enumerate(net.inputs.items())
    }


def export(net: FrozenNet) -> bytes:
    """A module as an ONNX graph with free batch and sides."""
    from torch.export import Dim

    shapes = tuple(
        {
            axis: Dim.DYNAMIC
            for axis, side in enumerate(example.shape)
            if axis == 0 or (side >= 8 and axis in _sides(example))
        }
        for example in net.inputs.values()
    )
    with _quietly():
        program = torch.onnx.export(
            net.module.eval(), tuple(net.inputs.values()), dynamo=True, dynamic_shapes=shapes,
            input_names=list(net.inputs), output_names=list(net.outputs), verbose=False,
        )  # fmt: skip
    if program is None:
        raise ModelError("the network could not be exported", found=type(net.module).__name__)
    graph = io.BytesIO()
    program.save(graph)
    return graph.getvalue()


def _sides(example: Tensor) -> tuple[int, int]:
    """The axes of height and width: samples are interleaved, latents are not."""
    return (1, 2) if example.dtype == torch.uint8 and example.shape[-1] <= 4 else (2, 3)


@contextmanager
def _quietly():
    """The exporter talks about packages that nobody needs."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    noise = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(noise), redirect_stderr(noise):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
