"""`python -m calotype.train`: training where click is not installed; the same flags as `calotype train`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from calotype.errors import CalotypeError

TYPES = {
    "data": Path, "run": Path, "init": Path, "minutes": float, "steps": int, "stop_minutes": float, "seed": int,
    "threads": int, "device": str, "precision": str, "batch": int, "crop_px": int, "validation_share": float,
    "validation_crops": int, "validation_px": int, "save_s": float, "validate_s": float, "validate_steps": int,
    "log_steps": int, "size": str, "schedule": str,
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """One flag per field of Settings, under the field's name; --out is the run folder, as in `calotype train`."""
    from calotype.train.loop import Settings

    flags = argparse.ArgumentParser(prog="python -m calotype.train", description=__doc__)
    flags.add_argument("recipe")
    for field in dataclasses.fields(Settings):
        flag = "--out" if field.name == "run" else "--" + field.name.replace("_", "-")
        if field.name in TYPES:
            required = field.name in ("data", "run")
            default = None if required else field.default
            flags.add_argument(flag, dest=field.name, type=TYPES[field.name], required=required, default=default)
        else:
            flags.add_argument(flag, dest=field.name, action=argparse.BooleanOptionalAction, default=field.default)
    return flags


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit code: 0, the error's, or 128 + the signal's number."""
    values = vars(parser().parse_args(arguments))
    name = values.pop("recipe")
    try:
        from calotype import zoo
        from calotype.train.loop import Settings, train

        outcome = train(zoo.recipe(name), Settings(**values))
    except CalotypeError as error:
        print(f"calotype: {error}", file=sys.stderr)
        return error.exit_code
    return 0 if outcome.signal is None else 128 + outcome.signal


if __name__ == "__main__":
    sys.exit(main())
