"""Where models lie: those shipped in the package, then the user's store; with the command line, all that touches a disk.

The store is $CALOTYPE_HOME/models, or the folder `models` in the platform's folder for application data. A picture file
names its model by the first 8 bytes of the identity; nothing is ever fetched.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype import writing
from calotype.errors import CalotypeError, FileError, ModelError, TargetExists, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import bundle
from calotype.model.bundle import Model

if TYPE_CHECKING:
    from calotype.model.trust import Verdict

__all__ = ["SUFFIX", "Entry", "add", "by_identity", "find", "home", "installed", "name_of", "names", "remove", "verify"]

SUFFIX = ".calomodel"
PREFIX_BYTES = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One installed model, as its manifest describes it; nothing but the manifest was checked.

    source    "packaged" or "added"
    identity  64 hexadecimal digits
    problem   why the file can't be used, "" if nothing is known against it
    """

    name: str
    identity: str
    source: str
    path: str
    file_bytes: int
    recipe: str = ""
    licence: str = ""
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def home() -> Path:
    """The folder of the user's models; it need not exist."""
    if own := os.environ.get("CALOTYPE_HOME"):
        return Path(own) / "models"
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "calotype" / "models"


def packaged() -> Path:
    """The folder of the models that the package ships."""
    return Path(str(resources.files("calotype") / "models"))


def installed() -> tuple[Entry, ...]:
    """All models: the packaged ones first, each group by name. Damaged files are listed with their problem."""
    return tuple(_entry(path, source, stamp) for path, source, stamp in _files())


def names() -> tuple[str, ...]:
    """Names that `find` knows, each once."""
    return tuple(dict.fromkeys(entry.name for entry in installed()))


def find(wanted: str | bytes, limits: Limits = DEFAULT) -> Model:
    """The model of this name or identity; the same object again while its file does not change.

    wanted   a name, at least 6 hexadecimal digits of an identity, or its first bytes (a picture file has 8)
    raises   ModelError where there is none, or the digits fit several; what bundle.read raises
    """
    files = list(_files())
    digits = wanted.hex() if isinstance(wanted, bytes) else wanted.lower()
    chosen = [file for file in files if file[0].stem == wanted][:1]  # a packaged model before an added one
    if not chosen and _HEX.fullmatch(digits):
        chosen = [file for file in files if _entry(*file).identity.startswith(digits)]
    if not chosen:
        places = f"the models of the package and {home()}"
        hint = "calotype models list shows what is installed, calotype models add FILE adds one"
        raise ModelError(
            "no such model", wanted=digits if isinstance(wanted, bytes) else wanted, looked=places, hint=hint
        )
    if len(chosen) > 1 and len({_entry(*file).identity for file in chosen}) > 1:
        raise ModelError("several models fit", wanted=digits, found=", ".join(file[0].stem for file in chosen))
    path, _, stamp = chosen[0]
    return _opened(path, stamp, path.stem, limits)


def by_identity(prefix: bytes, limits: Limits = DEFAULT) -> Model:
    """The model that a picture file names by the first bytes of its identity; raises what `find` raises."""
    return find(bytes(prefix), limits)


def name_of(prefix: bytes) -> str | None:
    """The name of the first installed model whose identity starts so, or None."""
    return next((entry.name for entry in installed() if entry.identity.startswith(prefix.hex())), None)


def add(source: bytes | Path | str, name: str = "", *, force: bool = False, limits: Limits = DEFAULT) -> Entry:
    """Verify a model (trust.py) and put it into the user's store, whole or not at all.

    name     what to call it; its own name where left out
    force    replace another model of that name
    raises   what bundle.read and trust.verify raise; UsageError (name), TargetExists, FileError
    """
    model = bundle.read(source, limits)
    name = name or model.name
    if not _NAME.fullmatch(name):
        raise UsageError("name", value=name, allowed="1 to 64 letters, digits, '_', '.', '-'")
    if any(entry.name == name and entry.source == "packaged" for entry in installed()):
        raise UsageError("name", value=name, allowed="one that no packaged model has (--name)")
    target = home() / f"{name}{SUFFIX}"
    if target.exists() and not force:
        raise TargetExists(target)
    _verified(model)
    _write(target, bundle.write(model))
    return next(entry for entry in installed() if entry.name == name)


def remove(name: str) -> Entry:
    """Delete a model of the user's store; files made with it can't be decoded until it is added again."""
    for entry in installed():
        if entry.name == name:
            if entry.source == "packaged":
                raise UsageError("name", value=name, allowed="models that were added; this one belongs to the package")
            try:
                Path(entry.path).unlink()
            except OSError as exc:
                raise FileError(entry.path, exc.strerror or str(exc)) from exc
            return entry
    raise ModelError("no such model", wanted=name, looked=home())


def verify(name: str, limits: Limits = DEFAULT) -> tuple[Model, Verdict]:
    """Digests, operators and proofs of an installed model again; raises what `add` raises."""
    model = find(name, limits)
    return model, _verified(model)


def _verified(model: Model) -> Verdict:
    from calotype.model import trust  # not needed to decode, and a cold start counts milliseconds

    return trust.verify(model)


def _files() -> Iterator[tuple[Path, str, tuple[int, int]]]:
    for folder, source in ((packaged(), "packaged"), (home(), "added")):
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as exc:
            raise FileError(folder, exc.strerror or str(exc)) from exc
        for path in paths:
            try:
                state = path.stat()
            except OSError:  # removed meanwhile
                continue
            yield path, source, (state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _entry(path: Path, source: str, stamp: tuple[int, int]) -> Entry:
    """The entry of a file, kept while its time and size (`stamp`) stay."""
    try:
        manifest = bundle.peek(path)
    except CalotypeError as exc:
        return Entry(path.stem, "", source, str(path), stamp[1], problem=str(exc))
    return Entry(path.stem, manifest.identity, source, str(path), stamp[1], manifest.recipe, manifest.licence)


@lru_cache(maxsize=4)
def _opened(path: Path, stamp: tuple[int, int], name: str, limits: Limits) -> Model:
    """The model of a file, with its sessions, kept for the next picture while the file stays as it is."""
    return bundle.named(bundle.read(path, limits), name)


def _write(target: Path, data: bytes) -> None:
    """All bytes under the final name, or the old file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        writing.appear(target, data, replace=True)
    except OSError as exc:
        raise FileError(target, f"can't be written: {exc.strerror or exc}") from exc
