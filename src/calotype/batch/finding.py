"""Which files a run is about: words of the command line become files, folders are walked, what is no picture is left.

A file that was named is always tried, and fails by name. One that was found in a folder is tried if its first bytes or
its suffix say that it is wanted; others are counted. Nothing is decoded here.
"""

from __future__ import annotations

import glob
import os
import posixpath
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calotype.batch import places
from calotype.batch.places import Spot, Stamp
from calotype.errors import CalotypeError, FileError

__all__ = ["Found", "Kind", "Search", "coded_pictures", "is_pattern", "pictures", "search", "words_of"]

OURS = ".calotype-"  # manifests: hidden, and not worth a word
_MAGIC_LETTERS = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """One file. `relative` (with "/") is where it lies below the folder that was named, and names its output."""

    source: Spot
    relative: str
    root: Spot
    stamp: Stamp
    named: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """What a run looks for: a question for the first 16 bytes, and the suffixes that such files usually have."""

    begins: Callable[[bytes], bool]
    suffixes: tuple[str, ...]


@dataclass(slots=True)
class Search:
    """All that was found. `left` counts what was passed over: by suffix, or "hidden", "linked twice", "no file"."""

    found: list[Found] = field(default_factory=list)
    failures: list[tuple[str, CalotypeError]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def pictures() -> Kind:
    """Picture files that `encode` reads."""
    from calotype import formats
    from calotype.errors import FormatError

    def begins(first: bytes) -> bool:
        try:
            return bool(formats.name_of(first))
        except FormatError:
            return False

    usual = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".jp2", ".qoi")
    return Kind(begins, usual)


def coded_pictures() -> Kind:
    """.calo files."""
    from calotype.container.layout import MAGIC

    return Kind(lambda first: first.startswith(MAGIC), (".calo",))


def search(words: Sequence[str], kind: Kind) -> Search:
    """Files for each word: a file, a folder, a pattern (where the shell left one), an address. Never raises for one."""
    result = Search()
    for word in words:
        try:
            _word(word, kind, result)
        except CalotypeError as error:  # noqa: PERF203
            result.failures.append((word, error))
    seen: set[tuple[Spot, str]] = set()
    unique = [
        item
        for item in result.found
        if not ((item.source, item.relative) in seen or seen.add((item.source, item.relative)))
    ]
    result.found = unique
    return result


def is_pattern(word: str) -> bool:
    """Whether a word is a pattern rather than the name of something that is there."""
    return any(letter in word for letter in _MAGIC_LETTERS) and (places.is_address(word) or not os.path.lexists(word))


def _word(word: str, kind: Kind, result: Search) -> None:
    if not word:
        raise FileError("''", "is no name of a file")
    if is_pattern(word):
        _pattern(word, kind, result)
        return
    place = places.spot(word)
    if place.store and (found := places.stamp(place)):
        name = posixpath.basename(place.path)
        result.found.append(Found(place, name, Spot(place.store, posixpath.dirname(place.path)), found, True))
    elif place.store:
        _store(place, kind, result)
    elif places.is_folder(place):
        _folder(place, kind, result)
    elif (found := places.stamp(place)) is None:
        raise FileError(word, "not found")
    else:
        path = Path(place.path)
        result.found.append(Found(place, path.name, Spot("", str(path.parent)), found, True))


def _pattern(word: str, kind: Kind, result: Search) -> None:
    """A pattern's files lie below its part without letters of patterns; folders that fit are walked."""
    if places.is_address(word):
        from calotype.batch import buckets

        place = places.spot(word)
        root = Spot(place.store, _fixed(place.path))
        matches = buckets.glob(place)
        _take_listed(root, matches, kind, result, named=True)
    else:
        root = Spot("", _fixed(word) or ".")
        # Hidden names fit only where the pattern says the dot, as in a shell.
        matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 (keeps the user's spelling)
        for match in matches:
            if Path(match).is_dir():
                if "**" not in word:
                    _folder(Spot("", match), kind, result, root=root)
            elif (found := places.stamp(Spot("", match))) is not None:
                relative = Path(os.path.relpath(match, root.path)).as_posix()
                _offer(Found(Spot("", match), relative, root, found, False), kind, result)
    if not matches:
        raise FileError(word, "nothing fits this pattern")


def _fixed(pattern: str) -> str:
    """The folder of a pattern: its components before the first that has a letter of patterns."""
    parts = pattern.split("/")
    first = next(number for number, part in enumerate(parts) if any(letter in part for letter in _MAGIC_LETTERS))
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else "")


def _folder(folder: Spot, kind: Kind, result: Search, root: Spot | None = None) -> None:
    """Walk a folder, in the order of names. Each real folder is entered once, so links may form loops."""
    root = root or folder
    queue, links, entered = deque([folder.path]), deque[str](), set[tuple[int, int]]()
    while queue or links:
        path = queue.popleft() if queue else links.popleft()  # links last: the real place wins
        try:
            about = os.stat(path)  # noqa: PTH116
            identity = (about.st_dev, about.st_ino)
            # Windows has no numbers for folders on some file systems.
            if identity != (0, 0) and identity in entered:
                result.left["linked twice"] += 1
                continue
            entered.add(identity)
            with os.scandir(path) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            result.failures.append((path, FileError(path, f"can't be read: {error.strerror or error}")))
            continue
        for entry in ordered:
            if entry.name.startswith(OURS):
                continue
            if entry.name.startswith("."):
                result.left["hidden"] += 1
                continue
            try:
                if entry.is_dir():
                    (links if entry.is_symlink() else queue).append(entry.path)
                    continue
                found = entry.stat()
            except OSError:
                result.left["no file"] += 1  # a link to nowhere, or to itself
                continue
            if not stat.S_ISREG(found.st_mode):
                result.left["no file"] += 1  # a pipe would wait for ever
                continue
            relative = Path(os.path.relpath(entry.path, root.path)).as_posix()
            found = Stamp(found.st_size, found.st_mtime_ns)
            _offer(Found(Spot("", entry.path), relative, root, found, False), kind, result)


def _store(folder: Spot, kind: Kind, result: Search) -> None:
    files = places.listed(folder) or {}
    if not files:
        raise FileError(folder, "not found, or nothing lies below it")
    _take_listed(folder, files, kind, result, named=False)


def _take_listed(root: Spot, files: dict[str, Stamp], kind: Kind, result: Search, *, named: bool) -> None:
    """Files of a store, judged by their suffix: a look at the first bytes of each would be a question over the network."""
    prefix = root.path.rstrip("/") + "/" if root.path.strip("/") else ("/" if root.path.startswith("/") else "")
    for path in sorted(files):
        relative = path.removeprefix(prefix)
        parts = relative.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\\" in relative or ":" in parts[0]:
            # An archive may hold names that lead out of the folder where they are unpacked.
            result.failures.append((path, FileError(Spot(root.store, path), "has a name that leads out of its folder")))
        elif parts[-1].startswith(OURS):
            continue
        elif any(part.startswith(".") for part in parts):
            result.left["hidden"] += 1
        elif not path.lower().endswith(kind.suffixes):
            result.left[posixpath.splitext(path)[1].lower() or "no suffix"] += 1
        else:
            result.found.append(Found(Spot(root.store, path), relative, root, files[path], named))


def _offer(item: Found, kind: Kind, result: Search) -> None:
    """Take a file that was found if it is wanted. One that can't be read, or looks damaged, fails later and by name."""
    suffix = posixpath.splitext(item.relative)[1].lower()
    if suffix in kind.suffixes:
        result.found.append(item)
        return
    try:
        wanted = kind.begins(places.head(item.source))
    except CalotypeError as error:
        result.failures.append((str(item.source), error))
        return
    if wanted:
        result.found.append(item)
    elif suffix != ".calo":  # outputs of an earlier run beside their sources are as they should be
        result.left[suffix or "no suffix"] += 1


def words_of(left: Counter[str]) -> Iterator[str]:
    """What was passed over, for people: "12 .txt", most frequent first."""
    for name, count in left.most_common():
        yield f"{count:,} {name}"
