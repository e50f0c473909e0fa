"""Vector quantization with LBG codebooks: every block of pixels is the index of the entry that is nearest to it.

    pictures -> blocks -> splitting, centroids (mini-batches) -> codebooks of every rate -> model, or picture's own file
    picture -> Y Co Cg -> blocks of Y, of subsampled Co and Cg -> nearest entries -> indices -> interlaced passes, tables
    picture <- R G B <- entries <- indices                                    (or log2(entries) bits each: "fixed")

The dial goes from 4x4 blocks with 64 entries to 2x2 blocks with 2048. Linde, Buzo, Gray 1980; sizes "fixed" (indices of
fixed length, where a wrong bit spoils one block), "own" (a codebook designed for each picture, in its file).

Differs from the paper: splitting where the error is, and rounds on samples; indices predicted from their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

BOOKS = ((4, 64, 64), (4, 256, 128), (4, 1024, 256), (2, 128, 128), (2, 512, 256), (2, 1024, 512), (2, 2048, 512))
TINY = ((4, 16, 8), (2, 32, 16))


def design(
    crops: Sequence[np.ndarray],
    *,
    books: Sequence[Sequence[int]] = BOOKS,
    indices: str = "entropy",
    codebook: str = "model",
    method: str = "lbg",
) -> Any:
    """The model from pictures uint8 [h, w, 3]; `books`, `indices` and `codebook` as walks/vectors.py has them.

    method   of `codebooks.designer`; a picture's own codebook is always made by splitting
    """
    import numpy as np

    from calotype import codebooks
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import laplace
    from calotype.train.design import Design
    from calotype.train.index_contexts import scales
    from calotype.walks.vectors import Book, Books, blocks_of, chroma_blocks, luma_chroma

    sizes = [Book(*book) for book in books]
    most = max(max(book.luma, book.chroma) for book in sizes) - 1
    sample = [luma_chroma(crop[: crop.shape[0] // 32 * 32, : crop.shape[1] // 32 * 32].transpose(2, 0, 1).astype(np.int32))
              for crop in crops if min(crop.shape[:2]) >= 32]  # fmt: skip
    rows: dict[str, np.ndarray] = {}
    make = codebooks.designer(method)
    for place, book in enumerate(sizes):
        luma = np.concatenate([blocks_of(planes[:1], book.side) for planes in sample])
        chroma = np.concatenate([chroma_blocks(planes[1:], book.side) for planes in sample])
        entries = [np.rint(make(part, count)).astype(np.int64)
                   for part, count in ((luma, book.luma), (chroma, book.chroma))]  # fmt: skip
        rows |= scales(sample, Books(book.side, *entries), place)
        if codebook == "model":
            rows |= {f"luma.{place}": entries[0], f"chroma.{place}": entries[1]}
    return Design(
        walk="vectors",
        walk_parameters={"books": books, "indices": indices, "codebook": codebook},
        latents={
            "samples": Latent(3, 1, 0, 255, coded=False),
            "luma2": Latent(16, 8, 0, most),
            "luma4": Latent(16, 16, 0, most),
            "chroma2": Latent(16, 16, 0, most),
            "chroma4": Latent(16, 32, 0, most),
        },
        transform={"kind": "samples"},
        align_px=32,
        rate_anchors=len(sizes),
        banks={"laplace": laplace()},
        rows=rows,
    )


RECIPE = Recipe(
    name="vq-lbg",
    title="vector quantization of 4x4 and 2x2 blocks, codebooks of 64 to 2048 entries by splitting",
    paper="Linde, Buzo, Gray 1980, doi:10.1109/TCOM.1980.1094577",
    walk="vectors",
    design=design,
    sizes={
        "fixed": {"indices": "fixed"},
        "own": {"codebook": "file"},
        "own-fixed": {"codebook": "file", "indices": "fixed"},
        "tiny": {"books": TINY},
        "tiny-fixed": {"books": TINY, "indices": "fixed"},
        "tiny-own": {"books": TINY, "codebook": "file"},
        "tiny-own-fixed": {"books": TINY, "codebook": "file", "indices": "fixed"},
    },
)
