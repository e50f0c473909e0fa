"""Codecs by name, and groups of them; a codec's library is imported when it is used, not here.

A file that holds codecs is named in MODULES and has a tuple CODECS; ours.py adds the models that are installed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module

from calotype.bench.codecs import ours
from calotype.bench.codecs.adapter import Adapter
from calotype.bench.codecs.protocol import Codec
from calotype.errors import CalotypeError, UsageError

__all__ = ["GROUPS", "MODULES", "available", "expand", "get", "missing", "names"]

MODULES = (
    "jpeg",
    "webp",
    "jpeg2000",
    "jpegxr",
    "jpegxl",
    "avif",
    "heic",
    "hevc",
    "vvc",
    "png",
    "jpegls",
    "qoi",
)

# What a word on the command line stands for, besides names and families.
GROUPS: dict[str, Callable[[Codec], bool]] = {
    "all": lambda codec: codec.name not in BY_NAME,
    "lossy": lambda codec: not codec.lossless and codec.name not in BY_NAME,
    "lossless": lambda codec: codec.lossless,
    "fast": lambda codec: codec.name in FAST,
}
# Only by their names: minutes a picture, or variants that take one part of a codec apart (cai2013-jp2-dwt).
BY_NAME = frozenset({"bespoke", "bespoke-quick", "jpeg2000-53", "jpeg2000-2levels"})
# Under a third of a second to encode a Kodak picture, on one core.
FAST = frozenset({"jpeg-420", "jpeg-444", "webp", "jpeg2000", "jpegxr", "jpegxl-e7", "avif-444-psnr", "png", "qoi"})


@cache
def _adapters() -> dict[str, Codec]:
    """Codecs of other people's libraries, in the order of MODULES."""
    found: dict[str, Codec] = {}
    for module in MODULES:
        for codec in import_module(f"calotype.bench.codecs.{module}").CODECS:
            if codec.name in found:
                raise UsageError("codec", value=codec.name, allowed="names that no other codec has")
            found[codec.name] = codec
    return found


def _known() -> dict[str, Codec]:
    return {codec.name: codec for codec in ours.codecs()} | _adapters()


def names() -> tuple[str, ...]:
    """All names, ours first, whether their libraries are here or not."""
    return tuple(_known())


def get(name: str) -> Codec:
    """The codec of this name; a path to a .calomodel file is one too.

    errors   UsageError for an unknown name, with those that look like it; ExtraMissing where its library is absent;
             ModelError for a file that is no model
    """
    codec = _known().get(name) or ours.of_file(name)
    if codec is None:
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.5) or names()
        raise UsageError("codec", value=name, allowed=f"{', '.join(near)} (calotype bench --list shows all)")
    if isinstance(codec, Adapter):
        codec.require()
    return codec


def missing(name: str) -> CalotypeError | None:
    """Why a codec can't be used here, or None."""
    try:
        get(name).describe()
    except CalotypeError as error:
        return error
    return None


def available() -> tuple[str, ...]:
    """Names that work here."""
    return tuple(name for name in names() if missing(name) is None)


def expand(words: Iterable[str]) -> tuple[str, ...]:
    """Names of codecs, each once, of a list of names, families ("avif") and groups ("lossless").

    Groups and families bring what works here; a name stays as it is, so that `get` can say what it lacks.
    """
    known, found = _known(), {}
    for word in words:
        if word in known:
            found[word] = None
        elif word in GROUPS:
            found |= {name: None for name, codec in known.items() if GROUPS[word](codec) and missing(name) is None}
        elif family := [name for name, codec in known.items() if codec.family == word]:
            found |= {name: None for name in family if missing(name) is None}
        else:
            found[word] = None
    return tuple(found)
