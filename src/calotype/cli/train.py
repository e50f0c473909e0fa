"""`calotype train` and `calotype freeze`: a recipe and a folder of pictures become a run, a run becomes a model.

Recipes that are designed, not trained, take seconds and need no torch (train/design.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calotype.errors import ExtraMissing, UsageError

if TYPE_CHECKING:
    from calotype.zoo import Recipe

__all__ = ["freeze", "train"]


def _torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ExtraMissing("training", package="torch", extra="train") from error


@click.command()
@click.argument("recipe")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of pictures, nested, any sizes.")
@click.option("--out", "run", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--minutes", type=float, help="Budget in minutes, over all sessions of the run.")
@click.option("--steps", type=int, help="Budget in steps instead: repeatable to the bit on one machine.")
@click.option("--stop-minutes", type=float, help="Pause after so long; go on later with --resume.")
@click.option("--resume", is_flag=True, help="Go on from the run's last.pt, exactly.")
@click.option("--force", is_flag=True, help="Start anew in the folder of an old run.")
@click.option("--size", default="default", show_default=True, help="Named size of the recipe.")
@click.option("--schedule", default="default", show_default=True, help="Named schedule of the recipe.")
@click.option("--init", type=click.Path(path_type=Path), help="Start from these weights: a run, a .pt or an .npz.")
@click.option("--init-partial", is_flag=True, help="Take what fits of --init instead of refusing.")
@click.option("--threads", type=int, default=0, help="Threads of torch; 0: its own choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="auto measures; or float32, bfloat16, each also with -channels-last.",
)
@click.option("--capture/--no-capture", default=True, help="On CUDA: capture the step as a graph if it can be.")
@click.option("--compile", is_flag=True, help="Compile the system with torch.compile.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--batch", type=int, help="Crops in a step, instead of the phases' own number.")
@click.option("--crop-px", type=int, help="Side of a crop, instead of the phases' own.")
@click.option("--rotations", is_flag=True, help="Also turn crops by quarters.")
@click.option("--quiet", is_flag=True, help="No progress.")
def train(recipe: str, **settings: Any) -> None:
    """Train RECIPE on the pictures of a folder.

    The run's folder holds last.pt and best.pt (resume files), log.jsonl, run.json and curve.png. Ctrl-C saves and stops;
    --resume goes on as if nothing had happened. A recipe whose tables and codebooks are computed is done in seconds:
    it takes --data, --out, --size, --seed, --force and --quiet.
    """
    from calotype import zoo

    found = zoo.recipe(recipe)
    if found.design is not None:
        _design(found, settings)
        return
    _torch()
    from calotype.train import loop

    outcome = loop.train(found, loop.Settings(**settings))
    if outcome.signal is not None:
        sys.exit(128 + outcome.signal)
    if not settings["quiet"]:
        state = "finished" if outcome.finished else "paused"
        click.echo(f"{state} after {outcome.step} steps, {outcome.seconds / 60:.1f} min: {settings['run']}")


def _design(recipe: Recipe, settings: dict[str, Any]) -> None:
    from calotype.train import design

    refused = [name for name in ("minutes", "steps", "stop_minutes", "resume", "init") if settings[name]]
    if refused:
        said = ", ".join("--" + name.replace("_", "-") for name in refused)
        raise UsageError(said, value=settings[refused[0]], allowed=f"none of it: {recipe.name} is designed in one go")
    say = (lambda _: None) if settings["quiet"] else click.echo
    chosen = {name: settings[name] for name in ("size", "seed", "force")}
    design.design(recipe, settings["data"], settings["run"], **chosen, say=say)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .calomodel to write.")
@click.option("--which", type=click.Choice(["last", "best"]), default="last", show_default=True)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def freeze(run: Path, output: Path, which: str, force: bool) -> None:
    """Freeze the averaged weights of RUN into a model file."""
    from calotype.train import design

    if not design.freeze(run, output, force=force):
        _torch()
        from calotype.train import freeze as freezing

        freezing.freeze(run, output, which=which, force=force, say=lambda text: click.echo(text, err=True))
    click.echo(f"{output}: {output.stat().st_size:_} bytes")
