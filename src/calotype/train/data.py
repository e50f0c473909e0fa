"""Pictures for training: a folder becomes one flat uint8 buffer, and crops are gathered from it where it lies.

Knows nothing of rates, losses or systems. Every random choice comes from the NumPy generator that the caller hands in,
so that a resumed run draws the crops that the uninterrupted one would have drawn.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from calotype.errors import FileError, UsageError

__all__ = ["Gallery", "Source", "find", "load", "memory_bytes", "rates", "split"]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif"})


@dataclass(frozen=True, slots=True)
class Source:
    """A picture file and the name of the photograph it shows.

    origin   `origin_path` of the folder's index.csv where there is one, otherwise the path below the folder: views and
             details of one photograph have the same origin and stay on the same side of the validation split
    """

    path: Path
    name: str
    origin: str


def find(folder: Path) -> list[Source]:
    """All pictures below `folder`, nested, sorted by name; hidden files and folders are left out.

    Raises FileError where the folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise FileError(folder, "not a folder of pictures")
    origins: dict[Path, str] = {}
    for index in sorted(folder.rglob("index.csv")):
        with index.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if row.get("file") and row.get("origin_path"):
                    origins[index.parent / row["file"]] = row["origin_path"]
    sources = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.parts) and path.is_file():
            sources.append(Source(path, name.as_posix(), origins.get(path, name.as_posix())))
    if not sources:
        raise FileError(folder, f"no pictures below it; looked for {', '.join(sorted(SUFFIXES))}")
    return sorted(sources, key=lambda source: source.name)


def split(sources: Sequence[Source], share: float) -> tuple[list[Source], list[Source]]:
    """(learning, held out): by the hash of a photograph's origin alone, so the split survives any rebuild of the folder.

    share    of the photographs, about; in small folders the four of lowest hash, or a quarter of them, are held out
    raises   UsageError where there is but one photograph
    """
    hashes = {x.origin: int.from_bytes(hashlib.sha256(x.origin.encode()).digest()[:8], "big") for x in sources}
    if share <= 0:
        return list(sources), []
    if len(hashes) < 2:
        raise UsageError("data", value=f"{len(hashes)} photograph", allowed="two at least: one is held out")
    below = sum(value < share * 2**64 for value in hashes.values())
    count = max(below, min(4, len(hashes) // 4), 1)
    held_out = set(sorted(hashes, key=hashes.__getitem__)[:count])
    return [x for x in sources if x.origin not in held_out], [x for x in sources if x.origin in held_out]


def load(
    sources: Sequence[Source],
    device: torch.device | str = "cpu",
    *,
    max_bytes: int | None = None,
    threads: int = 1,
    tell: Callable[[int, int], None] | None = None,
) -> Gallery:
    """Decode `sources` into a Gallery on `device`.

    max_bytes   pictures that no longer fit are left out, in an order that depends on their names' hashes only
    tell        called with (pictures read, pictures in all)
    raises      UsageError if nothing could be read
    """
    order = sorted(range(len(sources)), key=lambda i: hashlib.sha256(sources[i].name.encode()).digest())
    arrays: dict[int, np.ndarray] = {}
    unreadable, left_out, used = [], 0, 0
    for done, (i, array) in enumerate(_decoded(sources, order, threads), start=1):
        if array is None:
            unreadable.append(sources[i].name)
        elif max_bytes is not None and used + array.nbytes > max_bytes:
            left_out += 1
        else:
            arrays[i] = array
            used += array.nbytes
        if tell is not None:
            tell(done, len(sources))
    if not arrays:
        raise UsageError(
            "data", value=f"{len(sources)} files, none of them readable", allowed="pictures that Pillow reads"
        )
    kept = sorted(arrays)
    sizes = np.array([arrays[i].shape[1:] for i in kept], np.int64)
    buffer = torch.empty(used, dtype=torch.uint8)
    flat, at = buffer.numpy(), 0
    for i in kept:
        array = arrays.pop(i)  # freed once it is copied
        flat[at : at + array.size] = array.reshape(-1)
        at += array.size
    return Gallery(
        buffer.to(device), sizes, [sources[i] for i in kept], unreadable=tuple(unreadable), left_out=left_out
    )


def _decoded(sources: Sequence[Source], order: Sequence[int], threads: int) -> Iterator[tuple[int, np.ndarray | None]]:
    with ThreadPoolExecutor(max(1, threads)) as pool:
        ahead = 4 * max(1, threads)  # decoded pictures in flight: bounded, so that `max_bytes` means something
        queue = [(i, pool.submit(_planes, sources[i].path)) for i in order[:ahead]]
        for i in order[ahead:]:
            first, future = queue.pop(0)
            yield first, future.result()
            queue.append((i, pool.submit(_planes, sources[i].path)))
        for first, future in queue:
            yield first, future.result()


def _planes(path: Path) -> np.ndarray | None:
    # Whatever Pillow can't read (damaged, 16-bit, a decompression bomb) is left out and counted: one bad file among
    # thousands must not end a run.
    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                return None
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            return np.ascontiguousarray(np.asarray(upright).transpose(2, 0, 1))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


class Gallery:
    """Pictures of any sizes in one flat uint8 buffer, planes of a picture one after the other.

    buffer       uint8 [total samples], on the CPU or an accelerator
    sizes        int64 [pictures, 2]: height and width in pixels
    sources      what each picture is
    unreadable   names of files that could not be decoded
    left_out     how many pictures did not fit into the memory allowed
    """

    def __init__(
        self,
        buffer: Tensor,
        sizes: np.ndarray,
        sources: Sequence[Source],
        *,
        unreadable: tuple[str, ...] = (),
        left_out: int = 0,
    ) -> None:
        self.buffer, self.sizes, self.sources = buffer, sizes, list(sources)
        self.unreadable, self.left_out = unreadable, left_out
        pixels = sizes.prod(axis=1)
        self.offsets = np.concatenate([[0], np.cumsum(3 * pixels)])[:-1]
        weight = np.sqrt(pixels)
        self.odds = np.cumsum(weight / weight.sum())

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def pixels(self) -> int:
        """Pixels of all pictures together."""
        return int(self.sizes.prod(axis=1).sum())

    def fingerprint(self) -> str:
        """Changes when a picture is added, removed, renamed or resized: a resumed run says so."""
        said = "\n".join(f"{s.name} {h}x{w}" for s, (h, w) in zip(self.sources, self.sizes, strict=True))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def draw(self, generator: np.random.Generator, count: int, side_px: int, *, rotations: bool = False) -> Tensor:
        """Random square crops, flipped left to right half of the time.

        A picture is chosen with a probability proportional to the square root of its pixels; where it is smaller than
        the crop it is continued by reflection.
        returns   float32 [count, 3, side_px, side_px] in 0..255, on the buffer's device
        """
        which = np.minimum(np.searchsorted(self.odds, generator.random(count), side="right"), len(self) - 1)
        room = np.maximum(self.sizes[which] - side_px + 1, 1)
        corner = (generator.random((count, 2)) * room).astype(np.int64)
        flip = generator.random(count) < 0.5
        quarter = generator.integers(0, 4, count) if rotations else np.zeros(count, np.int64)
        return self._gather(which, corner, flip, quarter, side_px)

    def fixed(self, count: int, side_px: int) -> Tensor:
        """At most `count` crops for validation, one per picture, always the same: places come from the names' hashes.

        Pictures of one photograph count once, the one with most pixels; photographs are taken in the order of their hashes.
        """
        largest: dict[str, int] = {}
        for i in np.argsort(-self.sizes.prod(axis=1), kind="stable"):
            largest.setdefault(self.sources[i].origin, int(i))
        digests = {origin: hashlib.sha256(b"validation " + origin.encode()).digest() for origin in largest}
        origins = sorted(largest, key=lambda origin: digests[origin])[:count]
        which = np.array([largest[origin] for origin in origins])
        places = np.array([np.frombuffer(digests[origin][:8], ">u4") / 2**32 for origin in origins])
        corner = (places * np.maximum(self.sizes[which] - side_px + 1, 1)).astype(np.int64)
        nothing = np.zeros(len(which), np.int64)
        return self._gather(which, corner, nothing.astype(bool), nothing, side_px)

    def _gather(
        self, which: np.ndarray, corner: np.ndarray, flip: np.ndarray, quarter: np.ndarray, side_px: int
    ) -> Tensor:
        height, width = self.sizes[which].T
        rows = _reflected(corner[:, :1] + np.arange(side_px), height[:, None])
        columns = np.arange(side_px)[None] + np.zeros_like(corner[:, :1])
        columns = _reflected(corner[:, 1:] + np.where(flip[:, None], side_px - 1 - columns, columns), width[:, None])
        device = self.buffer.device
        starts = self.offsets[which][:, None] + np.arange(3) * (height * width)[:, None]
        at = torch.from_numpy(rows * width[:, None]).to(device)[:, None, :, None]  # b 1 h 1
        at = at + torch.from_numpy(columns).to(device)[:, None, None, :]  # b 1 h w
        at = at + torch.from_numpy(starts).to(device)[:, :, None, None]  # b 3 h w
        crops = torch.take(self.buffer, at).float()
        for turns in range(1, 4):
            chosen = torch.from_numpy(quarter == turns).to(device)
            if (quarter == turns).any():
                crops[chosen] = torch.rot90(crops[chosen], turns, (2, 3))
        return crops


def _reflected(index: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Indices beyond an array of `length`, reflected at its edges without repeating them, as often as it takes."""
    period = np.maximum(2 * (length - 1), 1)
    folded = index % period
    return np.where(length == 1, 0, np.minimum(folded, period - folded))


def rates(generator: np.random.Generator, count: int, anchors: int) -> np.ndarray:
    """Rates of the samples of a step, in [0, 1]: half of the draws on the anchors k / (anchors - 1), half in between.

    Draws are spread evenly over [0, 1) within the step, which keeps their distribution and lowers the gradient's variance.
    returns   float32 [count]
    """
    spread = (generator.permutation(count) + generator.random(count)) / count
    on_anchor = generator.random(count) < 0.5
    anchor = np.minimum((spread * anchors).astype(np.int64), anchors - 1) / max(anchors - 1, 1)
    return np.where(on_anchor, anchor, spread).astype(np.float32)


def memory_bytes() -> int:
    """Half of the memory that is free now, for the pictures; 4 GiB where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 2**32
