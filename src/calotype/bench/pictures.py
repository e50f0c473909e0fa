"""The pictures of a benchmark: found in folders and patterns, named, hashed, and read as 8-bit RGB or refused by name."""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calotype import formats
from calotype.errors import CalotypeError, FileError, UnsupportedError, UsageError

__all__ = ["PictureFile", "find", "pixels_of", "sha256_of"]


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file that is to be measured.

    name   what rows and reports call it: below the folder that was given, with "/" on every system
    """

    path: Path
    name: str


def find(words: Iterable[str]) -> list[PictureFile]:
    """All picture files of the words, each once: files, folders (with what is below them) and patterns (`**` too).

    In a folder, files count whose suffix or first bytes are those of a picture; a file named by itself always counts.

    errors   UsageError where a word finds nothing, FileError where the file system refuses
    """
    found: dict[Path, str] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            here = [(file, file.relative_to(path).as_posix()) for file in sorted(path.rglob("*")) if _pictured(file)]
        elif path.exists() or not glob.has_magic(word):
            here = [(path, path.name)]
        else:
            here = [(file, file.name) for file in map(Path, sorted(glob.glob(word, recursive=True))) if file.is_file()]  # noqa: PTH207
        if not here:
            raise UsageError("pictures", value=word, allowed="what has at least one picture file in it")
        for file, name in here:
            if not file.exists():
                raise FileError(file, "is not there")
            found.setdefault(file.resolve(), name)
    return [PictureFile(path, name) for path, name in _distinct(found).items()]


def sha256_of(file: PictureFile) -> str:
    """SHA-256 of the file's bytes, in hexadecimal digits; FileError."""
    return hashlib.sha256(formats.load(file.path)).hexdigest()


def pixels_of(file: PictureFile) -> np.ndarray:
    """uint8 [h, w, 3], as stored: EXIF orientation and colour profile are not applied.

    errors   those of formats.read; UnsupportedError for grey, transparency and more than 8 bits
    """
    picture = formats.read(file.path)
    pixels = np.ascontiguousarray(picture.pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        planes = 1 if pixels.ndim == 2 else pixels.shape[2]
        found = f"{planes} plane{'s' * (planes > 1)} of {8 * pixels.itemsize} bits"
        raise UnsupportedError("a picture of", found=found, supported="8-bit RGB, on which codecs are compared")
    return pixels


def _pictured(file: Path) -> bool:
    """Whether a file in a folder is meant as a picture."""
    if not file.is_file() or any(part.startswith(".") for part in file.parts[-1:]):
        return False
    if file.suffix.lower() in formats.SUFFIXES or file.suffix.lower() in (".gif", ".jp2", ".j2k", ".pgm", ".pbm"):
        return True
    try:
        with file.open("rb") as opened:
            formats.name_of(opened.read(16))
    except (CalotypeError, OSError):
        return False
    return True


def _distinct(found: dict[Path, str]) -> dict[Path, str]:
    """The same with names that differ: where two are alike, folders are put before them."""
    depth = 1
    while True:
        twice = {name for name, count in Counter(found.values()).items() if count > 1}
        if not twice:
            return found
        depth += 1
        found = {
            path: "/".join(path.parts[-max(depth, name.count("/") + 2) :]) if name in twice else name
            for path, name in found.items()
        }
