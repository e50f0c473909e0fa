"""Principal components by a Hebbian rule: one linear layer that learns the basis of blocks from one block after the other.

    pictures -> Y Cb Cr -> 8x8 blocks -> y = W x; W += rate * (y x^T - lower(y y^T) W) -> rows, made orthonormal -> basis
    picture -> as dct-threshold, with this basis

Sanger 1989, after Oja 1982. What it learns is what `pca-blocks` computes; how near it comes is the only question.

Differs from the paper: small batches with a falling rate; the rows are made orthonormal at the end, as the coder's
quantizer asks for a basis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def learnt(crops: Sequence[np.ndarray], side: int, steps: int) -> np.ndarray:
    """Bases by Sanger's rule, float32 [3, n, n]: rows in the order in which they were learnt."""
    import numpy as np

    from calotype import blocks
    from calotype.train.block_contexts import coefficients

    n = side * side
    parts = coefficients(crops, np.eye(n, dtype=np.float32), blocks.LUMA_CHROMA, side)
    vectors = np.concatenate([part.reshape(3, n, -1) for part in parts], 2).astype(np.float64)
    random, bases = np.random.default_rng(0), []
    for plane in vectors:
        plane = plane / np.sqrt(np.square(plane).sum(0).mean())
        weights = random.normal(0, 0.1, (n, n))
        for step in range(steps):
            x = plane[:, random.integers(0, plane.shape[1], 64)]
            y = weights @ x
            rate = 1.0 / (1 + 4 * step / steps)
            # Rows late in the order carry little and would never arrive; each moves by its own power.
            power = np.square(y).mean(1, keepdims=True) + 1e-4
            weights += 0.3 * rate * (y @ x.T - np.tril(y @ y.T) @ weights) / 64 / np.maximum(power, 0.02)
            weights /= np.maximum(1, np.linalg.norm(weights, axis=1, keepdims=True) / 2)
        rows = np.linalg.qr(weights.T)[0].T
        rows[0] *= np.sign(rows[0].sum())
        bases.append(rows)
    return np.stack(bases).astype(np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9, steps: int = 4000) -> Any:
    """The model from pictures uint8 [h, w, 3]; `steps` of learning."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=learnt(crops, side, steps))


RECIPE = Recipe(
    name="hebbian-pca",
    title="principal components of blocks, learnt by Sanger's Hebbian rule",
    paper="Sanger 1989, doi:10.1016/0893-6080(89)90044-0",
    rows=("hebbian-pca",),
    walk="blocks",
    design=design,
    sizes={"tiny": {"anchors": 3, "steps": 200}},
)
