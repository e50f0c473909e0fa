"""Encryption before compression: blocks of a picture change places, turn, and turn negative, as a key says; and back.

What remains in order inside a block still compresses, so somebody who may not see a picture can still code it. A visual
scrambling, no cipher: for secrets, encrypt the file. Files and pictures with metadata are cli/scramble.py's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from itertools import permutations

import numpy as np

from calotype.errors import UsageError

__all__ = ["PARTS", "SIDE", "scrambled", "unscrambled"]

SIDE = 16  # pixels of a block's side: whole blocks of JPEG, with chroma at half size
PARTS = ("places", "turns", "negatives", "colours")  # what a key decides, in this order
_DOMAIN = b"calotype scrambling 1\0"  # before the key, so that no other use of it draws the same
_ORDERS = np.array(list(permutations(range(3))))


def scrambled(pixels: np.ndarray, key: bytes, parts: Collection[str] = PARTS) -> np.ndarray:
    """Blocks of uint8 or uint16 [h, w, 1 or 3] permuted, turned or mirrored, negated and their colours exchanged.

    What is less than a block at the right and lower edges changes places with its like, and is not turned by 90 degrees.

    key      any bytes, with the picture's size they decide everything; the same on every machine and for ever
    parts    of PARTS: to measure what each costs
    raises   UsageError for arrays of another shape or type, and for an empty key
    source   Kurihara et al. 2017, "An encryption-then-compression system for lossless image compression standards"
    """
    return _changed(pixels, key, parts, back=False)


def unscrambled(pixels: np.ndarray, key: bytes, parts: Collection[str] = PARTS) -> np.ndarray:
    """The inverse of `scrambled`, of pixels that a codec may have changed a little."""
    return _changed(pixels, key, parts, back=True)


def _changed(pixels: np.ndarray, key: bytes, parts: Collection[str], *, back: bool) -> np.ndarray:
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype not in (np.uint8, np.uint16):
        raise UsageError(
            "picture to scramble",
            value=f"{pixels.dtype} {list(pixels.shape)}",
            allowed="uint8 or uint16 [h, w, 1 or 3], without alpha",
        )
    if not key:
        raise UsageError(
            "key to scramble with", value="nothing", allowed="at least one byte, better 16 that nobody knows"
        )
    if not set(parts) <= set(PARTS):
        raise UsageError("parts", value=sorted(parts), allowed=", ".join(PARTS))
    out = np.empty_like(pixels)
    for place, (rows, columns, height, width) in enumerate(_groups(*pixels.shape[:2])):
        blocks = _cut(pixels[rows, columns], height, width)
        seed = _DOMAIN + bytes([place]) + np.array(pixels.shape[:2], "<u4").tobytes() + key
        places, turns, negative, orders = _drawn(seed, len(blocks), square=height == width)
        if "places" not in parts:
            places = np.arange(len(blocks))
        if "turns" not in parts:
            turns[:] = 0
        if "negatives" not in parts:
            negative[:] = False
        if "colours" not in parts or pixels.shape[2] == 1:
            orders[:] = 0
        if back:
            blocks = _negated(blocks, negative)
            blocks = _exchanged(blocks, np.argsort(_ORDERS, 1)[orders])
            found = np.empty_like(blocks)
            found[places] = _turned(blocks, turns, back=True)
        else:
            found = _turned(blocks[places], turns, back=False)
            found = _negated(_exchanged(found, _ORDERS[orders]), negative)
        _joined(found, out[rows, columns])
    return out


def _groups(height: int, width: int) -> Iterator[tuple[slice, slice, int, int]]:
    """Rows, columns and the sides of blocks: whole ones, and what is left at the right, below and in the corner."""
    whole_h, whole_w = height // SIDE * SIDE, width // SIDE * SIDE
    for rows, block_h in ((slice(0, whole_h), SIDE), (slice(whole_h, height), height - whole_h)):
        for columns, block_w in ((slice(0, whole_w), SIDE), (slice(whole_w, width), width - whole_w)):
            if rows.stop > rows.start and columns.stop > columns.start:
                yield rows, columns, block_h, block_w


def _drawn(seed: bytes, count: int, *, square: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places, turns (0 to 7), whether negative, and orders of colours (0 to 5), one for each block.

    Of SHAKE-256, whose stream no release changes; NumPy's generators may.
    """
    words = np.frombuffer(hashlib.shake_256(seed).digest(16 * count), "<u8").reshape(2, count)
    turns = (words[1] & 7).astype(int)
    negative = (words[1] >> np.uint64(8) & np.uint64(1)).astype(bool)
    orders = ((words[1] >> np.uint64(16)) % np.uint64(6)).astype(int)
    return np.argsort(words[0], kind="stable"), turns if square else turns & ~1, negative, orders


def _turned(blocks: np.ndarray, turns: np.ndarray, *, back: bool) -> np.ndarray:
    """Blocks [n, h, w, p] mirrored where a turn is four or more, then turned by so many quarters; or back."""
    found = np.empty_like(blocks)
    for turn in np.unique(turns):  # of blocks that are not square, no quarters
        chosen = np.flatnonzero(turns == turn)
        if back:
            part = np.rot90(blocks[chosen], -(turn % 4), (1, 2))
            found[chosen] = part[:, :, ::-1] if turn >= 4 else part
        else:
            part = blocks[chosen]
            found[chosen] = np.rot90(part[:, :, ::-1] if turn >= 4 else part, turn % 4, (1, 2))
    return found


def _negated(blocks: np.ndarray, negative: np.ndarray) -> np.ndarray:
    return np.where(negative[:, None, None, None], np.iinfo(blocks.dtype).max - blocks, blocks)


def _exchanged(blocks: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Planes of each block [n, h, w, p] in its order, int [n, 3]."""
    if blocks.shape[3] == 1:
        return blocks
    return np.take_along_axis(blocks, orders[:, None, None, :], 3)


def _cut(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns, planes = pixels.shape[0] // height, pixels.shape[1] // width, pixels.shape[2]
    parts = pixels.reshape(rows, height, columns, width, planes).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(parts).reshape(-1, height, width, planes)


def _joined(blocks: np.ndarray, onto: np.ndarray) -> None:
    _, height, width, planes = blocks.shape
    rows, columns = onto.shape[0] // height, onto.shape[1] // width
    onto[...] = blocks.reshape(rows, columns, height, width, planes).transpose(0, 2, 1, 3, 4).reshape(onto.shape)
