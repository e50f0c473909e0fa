"""The walk of fitted Laplacians: the encoder sends where each feature lies and how wide it is, then codes it by that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import LAPLACE_STEPS, Laplace, constant, namespace

__all__ = ["Laplacians"]


class Laplacians:
    """One Laplacian for a feature of a block, as sent (Alves de Oliveira et al. 2021, doi:10.3390/rs13030447, section 3.2).

        y --median of each channel and block--> "middle" --port--> means
        y - means --least bits of 64 tables---> "scale"  --port--> tables, as differences to row "y.index"
        y --port(means, tables)--> y

    Both are arrays of one value for each channel and block, sent in the first of the block's cells; the other cells are
    not coded. Rows hold what is expected of a channel at a rate; no network stands between the file and the tables.

    block   cells of "middle" and "scale" along a block's side; as many as a tile has: one block for all of it
    cells   values of y along the side of such a cell
    """

    domain = "latents"

    def __init__(self, block: int, cells: int) -> None:
        self.block, self.cells = int(block), int(cells)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        _, _, height, width = port.shape("y")
        row = nets.rows("y.index")
        expected = _nearest(constant(row))
        _, _, rows, columns = port.shape("scale")
        sent = _first(row, rows, columns, self.block)
        middle = scale = None
        if y is not None:
            middle, index = self._fitted(constant(y))
            middle, scale = self._placed(middle, sent), self._placed(index, sent) - row * sent
        middle = constant(port.code("middle", middle, replace(nets.prior("middle"), kept=sent)))
        scale = constant(port.code("scale", scale, replace(nets.prior("scale"), kept=sent)))
        mean16 = 16 * self._spread(middle, height, width)
        index = self._spread(_nearest(scale) + expected * sent, height, width).clip(0, LAPLACE_STEPS - 1)
        return {"middle": middle, "scale": scale, "y": port.code("y", y, Laplace(mean16, index))}

    def _fitted(self, y: Any) -> tuple[list[list[Any]], list[list[Any]]]:
        """Means and table indices of all blocks, rows of blocks of [b, c]."""
        side = self.block * self.cells
        bands = [y[:, :, top : top + side] for top in range(0, y.shape[2], side)]
        found = [[fitted(band[..., left : left + side]) for left in range(0, y.shape[3], side)] for band in bands]
        return [[mean for mean, _ in row] for row in found], [[index for _, index in row] for row in found]

    def _placed(self, blocks: list[list[Any]], sent: Any) -> Any:
        """Values of blocks in their first cells, zero elsewhere: [b, c, rows, columns]."""
        xp = namespace(blocks[0][0])
        rows = [xp.concatenate([value[:, :, None, None] for value in row], -1) for row in blocks]
        return _wide(xp.concatenate(rows, 2), self.block)[:, :, : sent.shape[2], : sent.shape[3]] * sent

    def _spread(self, array: Any, height: int, width: int) -> Any:
        """The value of every block at all its positions in y."""
        return _wide(array[:, :, :: self.block, :: self.block], self.block * self.cells)[:, :, :height, :width]


def fitted(y: Any) -> tuple[Any, Any]:
    """The Laplacian of every channel that codes rounded values in the fewest bits: (whole means, table indices), [b, c].

    y   [b, c, h, w] without gradients. Bits of a table are a sum of three: zeros, ones, and what exceeds one
    """
    flat = y.reshape(*y.shape[:2], -1)
    mean = _nearest(namespace(y).quantile(flat, 0.5, -1))
    size = abs(_nearest(flat - mean[..., None]))
    zeros, all_of_them = (1.0 * (size < 0.5)).sum(-1), size.shape[-1]
    more = size.sum(-1) - (all_of_them - zeros)
    bits = [_bits(y)[k] for k in range(3)]
    costs = zeros[..., None] * bits[0] + (all_of_them - zeros)[..., None] * bits[1] + more[..., None] * bits[2]
    coded = zeros < all_of_them  # else the table of certain zeros
    return mean, 1.0 * (costs[..., 1:].argmin(-1) + 1) * coded


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Bits of a zero, of a one, and of every step beyond, for all tables: float32 [3, 64]."""
    symbols = np.arange(3, dtype=np.float32)[:, None]
    bits = Laplace(None, np.arange(LAPLACE_STEPS, dtype=np.float32)).bits(symbols)
    return np.stack([bits[0], bits[1], bits[2] - bits[1]]).astype(np.float32)


def _bits(like: Any) -> Any:
    return _table() if isinstance(like, np.ndarray) else like.new_tensor(_table())


def _nearest(array: Any) -> Any:
    """Whole numbers, halves up."""
    return namespace(array).floor(array + 0.5)


def _first(like: Any, rows: int, columns: int, block: int) -> Any:
    """1 in the first cell of every block, else 0: [1, 1, rows, columns], in the world of `like`."""
    mask = np.zeros((1, 1, rows, columns), np.float32)
    mask[:, :, ::block, ::block] = 1
    return mask if isinstance(like, np.ndarray) else like.new_tensor(mask)


def _wide(array: Any, side: int) -> Any:
    """Every value of [b, c, h, w] as a square of so many."""
    if isinstance(array, np.ndarray):
        return array.repeat(side, 2).repeat(side, 3)
    return array.repeat_interleave(side, 2).repeat_interleave(side, 3)
