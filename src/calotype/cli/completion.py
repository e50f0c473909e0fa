"""`calotype completion`: the script that completes verbs, options, models and files in a shell. click writes it."""

from __future__ import annotations

import click

from calotype.cli.main import COMPLETE

__all__ = ["completion", "models"]

_WHERE = {
    "bash": 'eval "$(calotype completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(calotype completion zsh)" in ~/.zshrc',
    "fish": "calotype completion fish > ~/.config/fish/completions/calotype.fish",
}


@click.command(epilog="\b\nTo have it in every shell:\n" + "\n".join(f"  {line}" for line in _WHERE.values()))
@click.argument("shell", type=click.Choice(list(_WHERE)))
def completion(shell: str) -> None:
    """Print the script that completes words after `calotype` in SHELL."""
    from click.shell_completion import get_completion_class

    from calotype.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not .source(), which asks for bash's version by running it.
    script = kind(cli, {}, "calotype", COMPLETE)
    click.echo(script.source_template % script.source_vars())


def models(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of installed models that begin so."""
    from calotype.model import store

    return [name for name in store.names() if name.startswith(incomplete)]
