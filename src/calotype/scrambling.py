"""Encryption before compression: blocks of a picture change places, turn, and turn negative, as a key says; and back.

What remains in order inside a block still compresses, so somebody who may not see a picture can still code it. A visual
scrambling, no cipher: for secrets, encrypt the file.
"""

from __future__ import annotations

import numpy as np

from calotype.errors import UsageError

__all__ = ["SIDE", "scrambled", "unscrambled"]

SIDE = 16  # pixels of a block's side: whole blocks of JPEG, with chroma at half size


def scrambled(pixels: np.ndarray, key: int) -> np.ndarray:
    """Blocks of uint8 [h, w, 3] permuted, rotated or flipped, negated and their colours exchanged.

    raises   UsageError where a side is no multiple of SIDE
    source   Kurihara et al. 2017, "An encryption-then-compression system for lossless image compression standards"
    """
    blocks, (places, turns, negative, colours) = _blocks(pixels), _drawn(pixels.shape, key)
    out = np.empty_like(blocks)
    for at, place in enumerate(places):
        block = _turned(blocks[place], turns[at])[:, :, colours[at]]
        out[at] = 255 - block if negative[at] else block
    return _joined(out, pixels.shape)


def unscrambled(pixels: np.ndarray, key: int) -> np.ndarray:
    """The inverse of `scrambled`, of pixels that a codec may have changed a little."""
    blocks, (places, turns, negative, colours) = _blocks(pixels), _drawn(pixels.shape, key)
    out = np.empty_like(blocks)
    for at, place in enumerate(places):
        block = 255 - blocks[at] if negative[at] else blocks[at]
        out[place] = _turned_back(block[:, :, np.argsort(colours[at])], turns[at])
    return _joined(out, pixels.shape)


def _drawn(shape: tuple[int, ...], key: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places, turns (0 to 7), whether negative, and orders of colours, one for each block."""
    count = shape[0] // SIDE * (shape[1] // SIDE)
    random = np.random.Generator(np.random.PCG64(key))
    orders = np.array([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    return (random.permutation(count), random.integers(0, 8, count), random.integers(0, 2, count).astype(bool),
            orders[random.integers(0, 6, count)])  # fmt: skip


def _turned(block: np.ndarray, turn: int) -> np.ndarray:
    return np.rot90(block[:, ::-1] if turn >= 4 else block, turn % 4)


def _turned_back(block: np.ndarray, turn: int) -> np.ndarray:
    block = np.rot90(block, -(turn % 4))
    return block[:, ::-1] if turn >= 4 else block


def _blocks(pixels: np.ndarray) -> np.ndarray:
    height, width, planes = pixels.shape
    if height % SIDE or width % SIDE or planes != 3:
        raise UsageError("picture to scramble", value=pixels.shape, allowed=f"[h, w, 3], sides multiples of {SIDE}")
    cut = pixels.reshape(height // SIDE, SIDE, width // SIDE, SIDE, planes)
    return np.ascontiguousarray(cut.transpose(0, 2, 1, 3, 4)).reshape(-1, SIDE, SIDE, planes)


def _joined(blocks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    height, width, planes = shape
    cut = blocks.reshape(height // SIDE, width // SIDE, SIDE, SIDE, planes)
    return np.ascontiguousarray(cut.transpose(0, 2, 1, 3, 4)).reshape(height, width, planes)
