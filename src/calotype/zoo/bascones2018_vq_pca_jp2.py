"""Principal components by cluster: blocks take one of several sets of colour axes, those of their own kind.

    pictures -> blocks -> second moments of their colours, without means -> clusters, each with its eigenvectors -> model
    picture -> blocks -> cluster (fewest bits at this step) ----------------------------------------> table
                      -> DCT of 8x8 -> colours turned by the cluster's axes -> / step(rate) --------> as dct-threshold
    picture <- R G B <- inverse DCT <- turned back <- * step(rate) <-

Bascones, Gonzalez, Mozos 2018 cluster the spectra of a hyperspectral cube by vector quantization, take principal components
of each cluster and code these by JPEG 2000, with bits by variance. Here spectra are colours and clusters belong to blocks,
which a file can say cheaply; bits follow from variance by the contexts of the block coder.

Differs from the paper: three bands, cosines in place of wavelets, axes of the model in place of the file's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 12
FINE, STEP = 2.0, 12.0  # quantizer's steps: that clusters are found at, and that their shares and tables are


def clustered(sample: Sequence[np.ndarray], clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Axes float32 [clusters, 3, 3], rows, of coefficients [3, n, h, w] of pictures, and the share of blocks of each."""
    import numpy as np

    from calotype.clustered import chosen

    flat = np.concatenate([part.reshape(3, part.shape[1], -1) for part in sample], 2)[..., None]
    moments = np.einsum("jnb,knb->bjk", flat[:, 1:, :, 0], flat[:, 1:, :, 0])
    moments /= np.trace(moments, axis1=1, axis2=2)[:, None, None] + 1e-6  # lively blocks count as others do
    random = np.random.default_rng(0)
    first = random.permutation(len(moments))[: 16 * clusters].reshape(clusters, 16)
    turns = np.stack([_axes(moments[some].sum(0)) for some in first])
    turns[0] = np.eye(3)  # a cluster without turning always stays
    for _ in range(ROUNDS):
        which = chosen(flat, turns.astype(np.float32), np.ones(clusters), FINE)[:, 0]
        for cluster in range(1, clusters):
            if (which == cluster).sum() > 8:
                turns[cluster] = _axes(moments[which == cluster].sum(0))
    which = chosen(flat, turns.astype(np.float32), np.full(clusters, 1 / clusters), STEP)[:, 0]
    shares = (np.bincount(which, minlength=clusters) + 1) / (len(which) + clusters)
    return turns.astype(np.float32), shares


def _axes(moments: np.ndarray) -> np.ndarray:
    """Eigenvectors [3, 3], rows, largest eigenvalue first, sums not negative."""
    import numpy as np

    rows = np.linalg.eigh(moments)[1].T[::-1]
    return rows * np.where(rows.sum(1) < 0, -1.0, 1.0)[:, None]


def design(crops: Sequence[np.ndarray], *, clusters: int = 6, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from dataclasses import replace

    import numpy as np

    from calotype import blocks
    from calotype.clustered import chosen, turned
    from calotype.coding.frequencies import bank_from_probabilities
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import coefficients
    from calotype.zoo import dct_threshold
    from calotype.zoo.yadav2018_pca_dct import axes

    colours = axes(crops)
    plain = coefficients(crops, blocks.cosines(8), colours / np.sqrt(3), 32)
    turns, shares = clustered(plain, clusters)
    sample = [turned(part, turns, chosen(part, turns, shares, STEP)) for part in plain]
    made = dct_threshold.design(crops, anchors=anchors, colours=colours, sample=sample)
    return replace(
        made,
        walk="clustered",
        latents={**made.latents, "map": Latent(1, 8, 0, clusters - 1)},
        transform={**made.transform, "kind": "clustered"},
        banks={**made.banks, "map": bank_from_probabilities([(0, shares * 0.999)])},
        rows={**made.rows, "map.index": np.zeros((1, 1), np.int64)},
        floats={**made.floats, "turns": turns.reshape(clusters, 9)},
        encoder={**made.encoder, "shares": shares.astype(np.float32)},
    )


RECIPE = Recipe(
    name="bascones2018-vq-pca-jp2",
    title="principal components of colours by cluster of blocks",
    paper="Bascones, Gonzalez, Mozos 2018",
    walk="clustered",
    design=design,
    sizes={"tiny": {"clusters": 3, "anchors": 3}},
)
