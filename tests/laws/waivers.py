"""What a recipe may be excused from, as data: (law, recipe) -> why. An empty table is the best one."""

from __future__ import annotations

import pytest

from calotype import zoo

# Laws about networks and training hold for whatever has some; a designed recipe has neither.
DESIGNED = {
    "L2 in training": "nothing is trained",
    "L5 halo": "windows need no halo, so there is none to take away",
    "L6 in groups": "there are no networks that rows could be grouped for",
}
VECTORS = ("vq-lbg", "vq2023-lena", "nn-vq-som", "fcm-vq", "fred2019-bat", "vq-hybrid", "brifcani2010-msvq-dwt",
           "kasban2019-hvq-huffman")  # fmt: skip
ERRORS = ("huffman", "golomb-adaptive", "rle", "lzw", "arithmetic", "venugopal2016-block", "rusyn2016-remote")
TREES = ("spiht", "gaussian-pyramid", "karaca2018-wpca", "li2019-subband-spiht", "curvelet-svm")
STRINGS = ("kasban2019-hvq-huffman", *ERRORS)
WAIVERS: dict[tuple[str, str], str] = {}
WAIVERS |= {
    ("L2 escapes", name): "indices end where codebooks end, so few symbols leave their tables" for name in VECTORS
}
WAIVERS |= {("L4", name): "byte strings, whose codes are no distributions of the port" for name in STRINGS}
WAIVERS |= {("L2 escapes", name): "byte strings have escapes of their own" for name in ERRORS}
WAIVERS |= {
    ("L2 escapes", name): "tables wide enough for errors of photographs hold those of noise"
    for name in ("predictive-lossless", "nn-predictive", "schiopu2018-cnn-lossless")
}
WAIVERS |= {
    ("L2 escapes", "ashok2018-varlatent"): "at the least rate most of what is far out is not coded at all",
    ("L5 gain", "ashok2018-varlatent"): "its gains are the same at all rates",
    ("L2 escapes", "cai2020-tucker"): "at the least rate most of what is far out is not coded at all",
    ("L2 escapes", "gregor2016-convdraw"): "at the least rate most of what is far out is not coded at all",
    ("L5 gain", "gregor2016-convdraw"): "its gains are the same at all rates",
    ("L5 gain", "cai2020-tucker"): "its gains are the same at all rates",
    ("L5 gain", "choi2019-conditional"): "its synthesis depends on the rate as a whole",
    ("L5 gain", "ma2020-iwave"): "gains are applied by the walk, tile by tile",
    ("L5 gain", "sun2021-int8"): "gains are applied by the walk, tile by tile",
    ("L5 gain", "wu2021-lbhic"): "gains are applied by the walk, tile by tile",
    ("L5 halo", "swift"): "how far its wavelet reaches is computed (tests/tiles), and nothing else looks around",
    ("L5 halo", "kamisli2022-block"): "its blocks are pixels, so windows need no halo and have no gain",
    ("L5 halo", "minnen2018-tiled"): "its blocks are pixels, so windows need no halo and have no gain",
}
MASKED = ("li2018-content-weighted", "mentzer2018-cpm", "agustsson2017-s2h", "cai2020-roi",
          "li2021-content-weighted-pami", "alexandre2018-nctu")  # fmt: skip
WAIVERS |= {("L2 escapes", name): "places among centres end where centres end" for name in MASKED}
WAIVERS |= {("L5 gain", name): "centres are the same at all rates" for name in MASKED}
WAIVERS |= {("L2 escapes", name): "decisions have no symbols but those of their table" for name in TREES}
WAIVERS |= {
    ("L2 escapes", name): "means are predicted by far less than a table holds, flags and shapes end where tables end"
    for name in ("khalaf2019-tanh", "fractal-pifs", "li2019-fractal-cnn-gep")
}


def excused(law: str, recipe: str) -> None:
    """Skip the test if the recipe is excused from the law."""
    if law in DESIGNED and zoo.recipe(recipe).design is not None:
        pytest.skip(f"{law} does not ask {recipe}: {DESIGNED[law]}")
    if reason := WAIVERS.get((law, recipe)):
        pytest.skip(f"{law} waived for {recipe}: {reason}")
