"""`calotype models`: list, add, remove and verify models. What the store does is calotype.model.store's."""

from __future__ import annotations

import json

import click

__all__ = ["models"]


@click.group()
def models() -> None:
    """List, add, remove and verify models.

    Models lie in the package, and in the folder `models` of $CALOTYPE_HOME or of your application data.
    """


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array on standard output.")
def list_(as_json: bool) -> None:
    """What is installed: name, identity, size, where from, recipe, licence."""
    from calotype.cli.main import note
    from calotype.model import store

    entries = store.installed()
    if as_json:
        click.echo(json.dumps([entry.as_dict() for entry in entries]))
        return
    if not entries:
        note(f"no models are installed; calotype models add FILE puts one into {store.home()}")
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        said = entry.problem or f"{entry.file_bytes:>12,} bytes  {entry.source:8}  {entry.recipe}  {entry.licence}"
        click.echo(f"{entry.name:{width}}  {entry.identity[:16]:16}  {said}".rstrip())


@models.command()
@click.argument("source", metavar="FILE")
@click.option("--name", default="", help="What to call it; its own name where left out.")
@click.option("--force", is_flag=True, help="Replace an added model of that name.")
def add(source: str, name: str, force: bool) -> None:
    """Verify FILE, a .calomodel, and put it into your store.

    Refused are operators that no model may use, anything that reaches outside the file, and networks whose
    exactness can't be proved. Needs the package onnx: pip install 'calotype[models]'.
    """
    from calotype.cli import files
    from calotype.cli.main import note
    from calotype.model import store

    entry = store.add(files.read_bytes(source), name, force=force)
    click.echo(f"{entry.name}  {entry.identity}")
    note(f"{entry.name} is verified and added: {entry.path}")


@models.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> None:
    """Delete models from your store. Files made with them can't be decoded until they are added again."""
    from calotype.cli.main import note
    from calotype.model import store

    for name in names:
        entry = store.remove(name)
        note(f"{entry.name} is removed: {entry.path}")


@models.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--proof", is_flag=True, help="Every sum of every exact network, with its bound.")
def verify(names: tuple[str, ...], proof: bool) -> None:
    """Check digests, operators and exactness again; of all installed models where no NAME is given."""
    from calotype.model import store

    for name in names or store.names():
        model, verdict = store.verify(name)
        click.echo(f"{model.name}  {model.identity.hex()}  verified; networks proved exact: {len(verdict.proofs)}")
        if proof:
            for shown in verdict.proofs.values():
                click.echo(str(shown))
