"""The manifest of a folder in a store, where nothing can be appended to: parts are uploaded, and joined at the end.

The parts lie beside it, `.calotype-manifest.<run>.<number>.jsonl`. A killed run loses the lines of the last two seconds:
its files are begun but not finished for the next run, and made again. A store has no locks: one run at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.batch import places
from calotype.batch.manifest import NAME, Manifest, as_lines
from calotype.batch.places import Spot

__all__ = ["InStore"]

_PART = NAME.removesuffix("jsonl")
SECONDS, LINES = 2.0, 256


class InStore(Manifest):
    """Manifest of a folder that fsspec opens."""

    def __init__(self, root: Spot, *, write: bool, mark: str) -> None:
        super().__init__(root, mark)
        self._write = write
        self._waiting: list[Mapping[str, Any]] = []
        self._sent = time.monotonic()
        self._number = 0
        folder = places.inside(root, "x").path.removesuffix("x")
        here = [path for path in places.listed(root) or {} if path.startswith(folder + _PART)]
        self._parts = sorted(path for path in here if path != folder + NAME)
        for path in ([folder + NAME] if folder + NAME in here else []) + self._parts:
            self._read(places.read(Spot(root.store, path)))

    def _append(self, lines: Sequence[Mapping[str, Any]], *, lasting: bool) -> None:
        self._waiting += lines
        if lasting or len(self._waiting) >= LINES or time.monotonic() - self._sent > SECONDS:
            self._send()

    def _send(self) -> None:
        if not self._waiting:
            return
        name = f"{_PART}{time.time_ns():020}.{self.mark}.{self._number:06}.jsonl"
        place = places.inside(self.root, name)
        places.write(place, as_lines(self._waiting), mark=self.mark)
        self._parts.append(place.path)
        self._number += 1
        self._waiting, self._sent = [], time.monotonic()

    def close(self) -> None:
        """Join the parts. The whole appears before the parts go, so that a kill between loses nothing."""
        if not self._write or not (self._superfluous or self._parts or self._waiting):
            return
        places.write(places.inside(self.root, NAME), self._whole(), replace=True, mark=self.mark)
        for path in self._parts:
            places.remove(Spot(self.root.store, path))
        self._parts, self._waiting = [], []
