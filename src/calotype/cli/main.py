"""The command `calotype`: its verbs, found when they are asked for, and how errors become exit codes.

Importing this loads click and nothing heavy: no NumPy, Pillow, onnxruntime or torch. Each verb has its own file.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from calotype import __version__
from calotype.errors import CalotypeError, ExtraMissing, FileError, FormatError, LimitError, UnsupportedError

__all__ = ["cli", "concerning", "main", "note", "printable", "run"]

# Verb: module, attribute, what --help says. The help does not import the verbs.
VERBS: dict[str, tuple[str, str, str]] = {
    "encode": ("calotype.cli.encode", "encode", "Pictures become .calo files: one, a folder, a bucket."),
    "decode": ("calotype.cli.decode", "decode", ".calo files become pictures."),
    "info": ("calotype.cli.info", "info", "What a .calo file says of itself."),
    "cut": ("calotype.cli.cut", "cut", "An embedded .calo file, cut to a size."),
    "scramble": ("calotype.cli.scramble", "scramble", "A picture's blocks mixed by a key before it is compressed."),
    "verify": ("calotype.cli.verify", "verify", "Check every checksum of a .calo file."),
    "inspect": ("calotype.cli.inspect", "inspect", "Where the bytes of a .calo file went, and a map of them."),
    "demo": ("calotype.cli.demo", "demo", "Compress an included photograph beside JPEG, WebP and AVIF."),
    "models": ("calotype.cli.models", "models", "List, add, remove and verify models."),
    "systems": ("calotype.cli.systems", "systems", "Surveyed systems: what is built, trained and measured."),
    "bench": ("calotype.cli.bench", "bench", "Codecs side by side on pictures: rows and a report."),
    "train": ("calotype.cli.train", "train", "Train a recipe on a folder of pictures."),
    "completion": ("calotype.cli.completion", "completion", "A script that completes words in your shell."),
    "freeze": ("calotype.cli.train", "freeze", "Make a .calomodel of a training run."),
}
# Options whose value may be left out, and what they mean then; click would take the next word for the value.
_BARE = {"--strip": "--strip=all"}
# Packages that a verb may lack, and the extra that brings them.
EXTRAS = {"torch": "train", "onnxscript": "train", "matplotlib": "train", "onnx": "models"}
COMPLETE = "_CALOTYPE_COMPLETE"

EXIT_CODES = """
\b
Exit codes
  0    done
  1    unexpected failure: a bug (--debug shows where)
  2    usage: unknown option, contradictory options, a value that is not allowed, no input
  3    of several inputs, some failed; each failure is on standard error and in --json
  4    the input is damaged, cut short or not what it should be
  5    not supported: a newer format, another colour mode, a size beyond the format
  6    a model or an optional package is missing (the message names the command)
  7    more than the limits allow (--max-pixels raises the one that matters)
  8    the output exists, and --force was not given
  9    file system: not found, no permission, a directory, disk full
  10   no file of the size or quality asked for (--best-effort writes the nearest)
  130  interrupted     143  terminated     141  nobody reads the output any more
"""


class _Lazy(click.Group):
    """A group that knows its verbs' names and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        return getattr(importlib.import_module(module), attribute)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Who gives a file at once wants one of two verbs; say which."""
        word = args[0] if args else ""
        if word not in VERBS and os.path.exists(word):  # noqa: PTH110
            verb = "decode" if word.lower().endswith(".calo") else "encode"
            ctx.fail(f"{printable(word)} is a file, and the verb comes first: calotype {verb} {printable(word)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, said) for name, (_, _, said) in VERBS.items()])


@click.group(
    cls=_Lazy, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="calotype %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--quiet", is_flag=True, help="No notes and no summary; errors only.")
def cli(debug: bool, quiet: bool) -> None:
    """Learned image compression: small files that decode to the same latents on every machine.

    `-` as a file is standard input or output. Data goes to standard output, everything else to standard error.
    """


def note(said: str) -> None:
    """Say something on standard error, unless --quiet was given."""
    context = click.get_current_context(silent=True)
    if context is None or not context.find_root().params.get("quiet"):
        click.echo(f"calotype: {said}", err=True)


@contextmanager
def concerning(source: str) -> Iterator[None]:
    """Errors about what is in a file get its name, which the code that found them does not know."""
    try:
        yield
    except (FormatError, UnsupportedError, LimitError) as error:
        error.filename = source
        raise


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; every expected error is one line on standard error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    ends = arguments.index("--") if "--" in arguments else len(arguments)
    arguments[:ends] = [_BARE.get(word, word) for word in arguments[:ends]]
    debug = "--debug" in arguments[: next((i for i, word in enumerate(arguments) if word in VERBS), len(arguments))]
    try:
        # Pillow and others warn about files; that is talk, and one line of it.
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            # Not cli.main(), which answers a closed pipe and Ctrl-C in its own way before we see them.
            with cli.make_context("calotype", arguments) as context:
                result = cli.invoke(context)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:  # --help and --version
        return done.exit_code
    except BrokenPipeError:
        # The interpreter would complain again when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except (KeyboardInterrupt, click.Abort):
        click.echo("calotype: interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except Exception as error:
        return _failed(error, debug=debug)


def main() -> NoReturn:
    """Entry point of the console script. SIGTERM unwinds like an error, so that no temporary file stays."""
    signal.signal(signal.SIGTERM, _terminated)
    if COMPLETE in os.environ:  # the script that `calotype completion` prints asks us for words
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "calotype", COMPLETE, os.environ[COMPLETE]))
    sys.exit(run())


def _failed(error: Exception, *, debug: bool) -> int:
    """Say what went wrong in one line and return the exit code of its class."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EXTRAS:
        package = (error.name or "").partition(".")[0]
        error = ExtraMissing("this command", package=package, extra=EXTRAS[package])
    elif isinstance(error, MemoryError):
        error = FileError(
            "memory", "there is not enough of it for this picture; decode a --region, or use a larger machine"
        )
        error.exit_code = LimitError.exit_code
    if debug:
        traceback.print_exception(error)
    if isinstance(error, CalotypeError):
        hint = (
            " (on the command line: --max-pixels N)"
            if isinstance(error, LimitError) and error.field == "max_pixels"
            else ""
        )
        where = f"{error.filename}: " if error.filename else ""
        click.echo("calotype: " + printable(f"{where}{error}{hint}"), err=True)
        return error.exit_code
    if not debug:
        again = "calotype --debug ... shows where"
        click.echo(f"calotype: unexpected {type(error).__name__}: {printable(error)}; this is a bug, {again}", err=True)
    return 1


def printable(said: object) -> str:
    """Text without line breaks and control characters, which a hostile file name could bring."""
    return "".join(letter if letter.isprintable() else " " for letter in str(said))


def _show_warning(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
    """A warning as a note of one line."""
    note(f"note: {printable(message)}")


def _terminated(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
