"""The walk of vector quantization: blocks of samples become indices of a codebook, and the codebook's entries the picture.

How codebooks are designed lives in codebooks.py and the recipes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from calotype import codebooks
from calotype.errors import CorruptError
from calotype.walks import interlaced

__all__ = ["Book", "Books", "Vectors", "blocks_of", "chroma_blocks", "luma_chroma", "samples_of"]

SIDES = (2, 4)  # of luma blocks, pixels; a chroma block is twice as wide, with 2x2 samples of each of two planes
MOST_VECTORS = 2**18  # that a picture's own codebook is designed from


class Book(NamedTuple):
    """The sizes of the codebooks of a rate: side of a luma block, entries for luma, entries for chroma."""

    side: int
    luma: int
    chroma: int


class Books(NamedTuple):
    """The codebooks of a rate: entries as int32 [n, side * side] and [n, 8]."""

    side: int
    luma: np.ndarray
    chroma: np.ndarray


def luma_chroma(samples: np.ndarray) -> np.ndarray:
    """R, G, B int32 [..., 3, h, w] -> Y, Co, Cg of the same shape, without loss.

    source   Malvar, Sullivan 2003, "YCoCg-R", JVT-I014r3
    """
    red, green, blue = (samples[..., k, :, :] for k in range(3))
    orange = red - blue
    mean = blue + (orange >> 1)
    greenness = green - mean
    return np.stack([mean + (greenness >> 1), orange, greenness], -3)


def samples_of(planes: np.ndarray) -> np.ndarray:
    """The inverse of `luma_chroma`, clipped to 0..255, uint8."""
    luma, orange, greenness = (planes[..., k, :, :] for k in range(3))
    mean = luma - (greenness >> 1)
    green, blue = greenness + mean, mean - (orange >> 1)
    return np.clip(np.stack([blue + orange, green, blue], -3), 0, 255).astype(np.uint8)


def blocks_of(planes: np.ndarray, side: int) -> np.ndarray:
    """Blocks of planes [p, h, w] in raster order: [h w / side^2, p * side * side]."""
    count, height, width = planes.shape
    cut = planes.reshape(count, height // side, side, width // side, side)
    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, count * side * side)


def chroma_blocks(planes: np.ndarray, side: int) -> np.ndarray:
    """Vectors of two chroma planes [2, h, w]: means of side x side pixels, 2x2 of them from each: float32 [m, 8]."""
    count, height, width = planes.shape
    means = planes.reshape(count, height // side, side, width // side, side).mean((2, 4), dtype=np.float32)
    return blocks_of(means, 2)


def _placed(vectors: np.ndarray, planes: int, side: int, height: int, width: int) -> np.ndarray:
    """The inverse of `blocks_of`: [planes, height, width]."""
    cut = vectors.reshape(height // side, width // side, planes, side, side)
    return cut.transpose(2, 0, 3, 1, 4).reshape(planes, height, width)


class Vectors:
    """Vector quantization of luma and chroma blocks (Gray 1984, doi:10.1109/MASSP.1984.1162229).

        R G B -> Y Co Cg (exact) -> Y: blocks of 2x2 or 4x4       -> nearest entry -> index --+--> port
                                 -> Co, Cg: means, 2x2 of each    -> nearest entry -> index --+
        samples <- R G B <- Y Co Cg <- entries <- indices

    Entries are sorted by their mean, so neighbouring indices resemble each other: they are coded in interlaced passes,
    each predicted from its neighbours ("entropy"), or as they are, in log2(entries) bits ("fixed"), where a wrong bit
    spoils one block only.

    books      [side, luma entries, chroma entries] for each of the equally spaced rates
    indices    "entropy" or "fixed"
    codebook   "model": entries are tables of the model; "file": designed from each picture, and sent before its tiles
    """

    domain = "pixels"

    def __init__(self, books: Sequence[Sequence[int]], indices: str = "entropy", codebook: str = "model") -> None:
        self.books = tuple(Book(*(int(value) for value in book)) for book in books)
        if indices not in ("entropy", "fixed") or codebook not in ("model", "file"):
            raise TypeError("indices is entropy or fixed, codebook is model or file")
        self.fixed, self.own = indices == "fixed", codebook == "file"

    def place(self, rate: int) -> int:
        """Which of the books a rate index means: the nearest."""
        return (int(rate) * (len(self.books) - 1) + 511) // 1023

    def prepare(self, nets: Any, port: Any, samples: np.ndarray | None = None) -> bytes:
        """The picture's own codebook, one byte a sample, as the port carries it; nothing where the model has one.

        samples   [3, h, w] of the whole picture, padded; None when reading
        """
        if not self.own:
            return b""
        book = self.books[self.place(nets.rates[0])]
        data = None
        if samples is not None:
            planes = luma_chroma(_integers(samples))
            entries = [_designed(blocks_of(planes[:1], book.side), book.luma)]
            entries.append((_designed(chroma_blocks(planes[1:], book.side), book.chroma) + 256) // 2)
            data = [b"".join(np.clip(part, 0, 255).astype(np.uint8).tobytes() for part in entries)]
        (found,) = port.opaque("codebook", data)
        return found

    def __call__(self, nets: Any, port: Any, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        samples = None if given is None else luma_chroma(_integers(np.asarray(given["samples"])))
        _, _, rows, columns = port.shape("luma4")
        height, width = 4 * interlaced.CELL * rows, 4 * interlaced.CELL * columns
        places = [self.place(rate) for rate in nets.rates]
        books = {place: self._books(nets, place) for place in set(places)}
        found = self._fixed if self.fixed else self._entropy
        planes = [
            _planes(books[place], luma, chroma, height, width)
            for place, (luma, chroma) in zip(
                places, found(nets, port, places, books, samples, height, width), strict=True
            )
        ]
        return {"samples": samples_of(np.stack(planes))}

    def _books(self, nets: Any, place: int) -> Books:
        """The codebooks of a rate, from the model or from what the picture brought."""
        book = self.books[place]
        if not self.own:
            return Books(book.side, nets.table(f"luma.{place}"), nets.table(f"chroma.{place}"))
        entries = np.frombuffer(nets.shared, np.uint8).astype(np.int32)
        luma = book.luma * book.side**2
        if len(entries) != luma + 8 * book.chroma:
            raise CorruptError("codebook", found=len(entries), expected=f"{luma + 8 * book.chroma} bytes")
        return Books(
            book.side, entries[:luma].reshape(book.luma, -1), 2 * entries[luma:].reshape(book.chroma, -1) - 256
        )

    def _entropy(
        self, nets: Any, port: Any, places: list[int], books: Mapping[int, Books], samples: Any, height: int, width: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Indices of luma and chroma blocks of each row of the batch, each in raster order."""
        found: list[list[np.ndarray]] = [[] for _ in places]
        chosen = None
        if samples is not None:
            chosen = [_indices(books[place], row) for place, row in zip(places, samples, strict=True)]
        for kind, factor in (("luma", 1), ("chroma", 2)):
            for side in SIDES:
                kept = np.array([books[place].side == side for place in places])
                shape = (len(places), 1, height // (factor * side), width // (factor * side))
                scale = np.stack([nets.table(f"{kind}.{place}.scale") for place in places])
                middle = np.array([len(getattr(books[place], kind)) // 2 for place in places], np.int32)
                planes = None
                if chosen is not None:
                    planes = np.zeros(shape, np.int32)
                    for row in np.flatnonzero(kept):
                        planes[row] = chosen[row][factor - 1].reshape(shape[1:])
                known = interlaced.code(port, f"{kind}{side}", planes, scale, first=middle, kept=kept)
                for row in np.flatnonzero(kept):
                    found[row].append(known[row].ravel())
        return [(luma, chroma) for luma, chroma in found]

    def _fixed(
        self, nets: Any, port: Any, places: list[int], books: Mapping[int, Books], samples: Any, height: int, width: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same as bits, highest first: all luma indices, then all chroma indices."""
        data = None
        if samples is not None:
            data = []
            for place, row in zip(places, samples, strict=True):
                parts = zip(_indices(books[place], row), self.books[place][1:], strict=True)
                data.append(np.packbits(np.concatenate([_bits(index, count) for index, count in parts])).tobytes())
        found = []
        for place, string in zip(places, port.opaque("indices", data), strict=True):
            book = self.books[place]
            luma = height * width // book.side**2
            sizes = luma * _width(book.luma), luma // 4 * _width(book.chroma)
            flat = np.zeros(sum(sizes), np.uint8)
            read = np.unpackbits(np.frombuffer(string, np.uint8))[: len(flat)]
            flat[: len(read)] = read
            found.append((_numbers(flat[: sizes[0]], book.luma), _numbers(flat[sizes[0] :], book.chroma)))
        return found


def _integers(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples), 0, 255).astype(np.int32)


def _designed(vectors: np.ndarray, count: int) -> np.ndarray:
    """A codebook of a picture's own vectors, rounded."""
    step = -(-len(vectors) // MOST_VECTORS)
    return np.rint(codebooks.design(vectors[::step].astype(np.float32), count)).astype(np.int32)


def _indices(books: Books, planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest entries of planes int32 [3, h, w], in raster order of the blocks."""
    luma = codebooks.nearest(blocks_of(planes[:1], books.side), books.luma)
    return luma, codebooks.nearest(chroma_blocks(planes[1:], books.side), books.chroma)


def _planes(books: Books, luma: np.ndarray, chroma: np.ndarray, height: int, width: int) -> np.ndarray:
    """Y, Co, Cg int32 [3, height, width] of indices; what is beyond a codebook is its last entry."""
    side = books.side
    first = _placed(books.luma[np.clip(luma, 0, len(books.luma) - 1)], 1, side, height, width)
    small = _placed(books.chroma[np.clip(chroma, 0, len(books.chroma) - 1)], 2, 2, height // side, width // side)
    return np.concatenate([first, small.repeat(side, 1).repeat(side, 2)]).astype(np.int32)


def _width(count: int) -> int:
    """Bits of an index of fixed length."""
    return max(1, (count - 1).bit_length())


def _bits(index: np.ndarray, count: int) -> np.ndarray:
    shifts = np.arange(_width(count) - 1, -1, -1)
    return ((index[:, None] >> shifts) & 1).astype(np.uint8).ravel()


def _numbers(bits: np.ndarray, count: int) -> np.ndarray:
    shifts = np.arange(_width(count) - 1, -1, -1)
    return (bits.reshape(-1, _width(count)).astype(np.int32) << shifts).sum(1)
