"""`calotype systems`: the surveyed systems, and what of each is built, trained and measured. They live in literature/."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["systems"]

_METHOD_LETTERS = 96  # of the method, in the list


@click.command()
@click.option("--family", default="", help="One family: 1.C, C, or a word of its title such as recurrent.")
@click.option("--survey", default="", help="Rows that one survey cites: 000 to 004.")
@click.option("--built", is_flag=True, help="Only what has a recipe, a command or a codec of the benchmark.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array with all that is known, on standard output.")
def systems(family: str, survey: str, built: bool, as_json: bool) -> None:
    """Surveyed systems of image compression: what each is, whether it is built, trained and measured.

    A line for each: row, must or selectable, class of weights (A: trains on a CPU; B: wants an accelerator; C: wants
    data of its domain), method. Below it, the recipes that build it, or under which names the benchmark has it.
    """
    from calotype import literature
    from calotype.cli.main import note

    rows = [row for row in literature.chosen(family, survey) if row.built or not built]
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in rows], ensure_ascii=False))
        return
    title = ""
    for row in rows:
        if row.family != title:
            title = row.family
            click.echo(f"\n{title} {literature.families()[title]}")
        click.echo(f"  {row.id:30}  {row.status:10}  {row.weights:2.2}  {_short(row.method)}")
        if row.verb:
            click.echo(f"    calotype {row.verb}")
        if row.codecs:
            click.echo(f"    calotype bench --codecs {','.join(row.codecs)}")
        for name in row.recipes:
            click.echo(f"    {name}: {_said(literature.figures().get(name))}")
    have = sum(row.built for row in rows)
    note(f"{len(rows)} systems, {have} built; --json has references, parts and measured points")


def _short(method: str) -> str:
    return method if len(method) <= _METHOD_LETTERS else method[: _METHOD_LETTERS - 1] + "…"


def _said(known: Any) -> str:
    """What is known of a recipe, in words."""
    if known is None:
        return "built"
    parts = [
        (known.parameters, "{:,} parameters"),
        (known.kmac_decode, "{:.1f} kMAC a pixel to decode"),
        (known.passes, "{} pass" if known.passes == 1 else "{} passes"),
        (known.bd_rate, "{:+.1f} % of rate against JPEG on Kodak"),
    ]
    return ", ".join([known.made, *(form.format(value) for value, form in parts if value is not None)])
