"""Sizes, rates and qualities as people ask for them: the options of `calotype encode` besides --quality.

They arrive in the verb's settings under their own names. The search is calotype.targets'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from calotype.errors import UsageError

__all__ = ["options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*((?:[KMG]I?)?)B?\s*", re.IGNORECASE)


class Size(click.ParamType):
    """A number of bytes: 12000, 12KB (thousands), 1.5MB, 12KiB (1024s)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SIZE.fullmatch(str(value))
        if found is None or not (size := int(float(found[1]) * _UNITS[found[2].upper()])):
            self.fail(f"{value!r} is no size; write bytes, or 12KB, 1.5MB, 12KiB", param, ctx)
        return size


_OPTIONS = (
    click.option("--size", type=Size(), metavar="BYTES", help="At most so large: 12000, 12KB, 1.5MB, 12KiB."),
    click.option("--bpp", type=float, metavar="BITS", help="Bits per pixel of the whole file, within 2 %."),
    click.option("--psnr", type=float, metavar="DB", help="PSNR of R, G and B, within 0.1 dB."),
    click.option("--ms-ssim", type=float, metavar="X", help="MS-SSIM: 0.98, or decibels above 1; within 0.1 dB."),
    click.option("--ssimulacra2", type=float, metavar="POINTS", help="SSIMULACRA2, within 0.2 points."),
    click.option("--best-effort", is_flag=True, help="Write the nearest file there is where a target is missed."),
)
_EXCLUSIVE = ("quality", "size", "bpp", "psnr", "ms_ssim", "ssimulacra2", "lossless")


def options(command: Command) -> Command:
    """Adds the options, and refuses two that contradict each other before any work is done."""

    def called(**words: Any) -> Any:
        asked = [f"--{name.replace('_', '-')}" for name in _EXCLUSIVE if words.get(name) not in (None, False)]
        if len(asked) > 1:
            raise UsageError("options", value=" and ".join(asked), allowed="one of them at a time")
        if words["best_effort"] and (not asked or asked[0] in ("--quality", "--lossless")):
            raise UsageError("--best-effort", value="no target", allowed="with --size, --bpp, --psnr and the like")
        return command(**words)

    called.__doc__, called.__name__ = command.__doc__, command.__name__
    called.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        called = option(called)
    return called  # type: ignore[return-value]
