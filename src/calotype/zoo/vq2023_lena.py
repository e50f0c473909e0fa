"""The survey's experiment with vector quantization as a codec: 2x2 blocks, 1024 or 2048 entries of the picture's own.

    picture -> Y Co Cg -> blocks of 2x2 -> splitting, centroids -> codebook -> one byte a sample, in the file
                                        \\-> nearest entries -> indices of 10 or 11 bits
    picture <- R G B <- entries <- indices

The survey codes Lena in grey at 2.6 and 2.9 bpp, and takes 6 and 10 minutes for the codebook; it gives no PSNR. What
it is on grey pictures, in seconds: docs/systems/vector-quantization.md. Here it is for colour, with 512 entries for chroma.

Differs from the survey: colour; half of the dial is each codebook. A preset of `vq-lbg`.
"""

from __future__ import annotations

from calotype.zoo import Recipe
from calotype.zoo.vq_lbg import design

RECIPE = Recipe(
    name="vq2023-lena",
    title="vector quantization of 2x2 blocks, 1024 or 2048 entries in the file, indices of fixed length",
    paper="Linde, Buzo, Gray 1980, doi:10.1109/TCOM.1980.1094577",
    rows=("vq2023-lena",),
    walk="vectors",
    design=design,
    sizes={
        "default": {"books": ((2, 1024, 512), (2, 2048, 512)), "codebook": "file", "indices": "fixed"},
        "entropy": {"books": ((2, 1024, 512), (2, 2048, 512)), "codebook": "file"},
        "tiny": {"books": ((2, 16, 8), (2, 32, 16)), "codebook": "model"},
    },
)
