"""`calotype info`: what a .calo file says of itself, for people or as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from calotype.cli import files
from calotype.cli.main import concerning

__all__ = ["info", "plain"]


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def info(source: str, as_json: bool) -> None:
    """What FILE, a .calo file, says of itself. Only its header is read; `verify` checks the rest."""
    data = files.read_bytes(source)

    from calotype import codec

    with concerning(source):
        said = {"file": source, "file_bytes": len(data), **plain(codec.info(data))}
    if as_json:
        click.echo(json.dumps(said))
        return
    width = max(len(name) for name in said)
    for name, value in said.items():
        click.echo(f"{name.replace('_', ' '):{width}}  {_shown(value)}")


def plain(thing: Any) -> Any:
    """A dataclass and what is in it as JSON knows it: objects, lists, numbers and text; bytes in hexadecimal."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, dict):
        return {str(name): plain(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple, set, frozenset)):
        return [plain(value) for value in thing]
    if isinstance(thing, (bytes, bytearray, memoryview)):
        return bytes(thing).hex()
    return thing if thing is None or isinstance(thing, (bool, int, float, str)) else str(thing)


def _shown(value: Any) -> str:
    """One value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value) or "-"
    return "".join(letter if letter.isprintable() else "?" for letter in value)
