"""Which golden files there are and how each was made; making them is tools/golden, checking them test_golden.py.

A golden is NAME.calo with NAME.json beside it: the model's file, what the latents hashed to, and what it is there for.
Goldens are never made again: the models are committed, so a file of this release decodes for ever.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests import fitting, tiny

from calotype import codec, container, cutting, overlays, planes, rates
from calotype.errors import FileError, TargetExists, UsageError
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture

FOLDER = Path(__file__).parent
MODELS = FOLDER / "models"


@dataclass(frozen=True)
class Case:
    """How a golden is made: `height` x `width` pixels of tiny.picture, or of noise, at `quality` with a frozen model."""

    model: str
    height: int
    width: int
    quality: float
    covers: str
    noise: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    cut_bytes: int = 0  # of an embedded file: cut to so many
    fitted: bool = False  # the file brings networks of its own
    over: tuple[int, ...] = ()  # tiles that are drawn in few colours, and coded exactly

    def picture(self) -> Picture:
        if self.noise:  # extremes side by side, in blocks, which no table foresees
            cells = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (self.height, self.width, 3))
            pixels = cells.repeat(16, 0).repeat(16, 1)[: self.height, : self.width]
        else:
            pixels = tiny.picture(self.height, self.width, seed=21)
        return Picture(pixels, **self.metadata)


_METADATA = {
    "icc": b"a profile" * 9,
    "comments": ("golden", "a second one"),
    "dpi": (72, 300),
    "modified_ns": 10**18 + 7,
}

CASES = {
    "pyramid-tiles": Case("swift-1", 200, 300, 60, "six tiles of the pyramid walk, metadata", metadata=_METADATA),
    "pyramid-overlaid": Case("swift-1", 140, 270, 60, "exact samples over two of six tiles", over=(0, 4)),
    "pyramid-1x1": Case("swift-1", 1, 1, 50, "the smallest picture"),
    "pyramid-odd": Case("swift-1", 37, 61, 5, "odd sides, low rate"),
    "pyramid-escapes": Case("swift-1", 48, 80, 100, "noise beyond the tables, highest rate", noise=True),
    "factorized-tiles": Case("factorized-1", 150, 260, 30, "tiles of two sizes, a prior per rate"),
    "factorized-escapes": Case("factorized-1", 128, 192, 100, "noise beyond the tables, highest rate", noise=True),
    "hyperprior-1x1": Case("hyperprior-1", 1, 1, 80, "the smallest picture with side information"),
    "hyperprior-odd": Case("hyperprior-1", 131, 67, 95, "one row of tiles is three pixels high"),
    "checkerboard-tiles": Case("checkerboard-1", 140, 270, 45, "two passes, six tiles", metadata={"xmp": b"<x/>" * 8}),
    "checkerboard-thin": Case("checkerboard-1", 1, 300, 10, "one row of pixels"),
    "blocks-odd": Case("dct-1", 131, 67, 60, "two tiles of blocks, means in interlaced passes"),
    "vectors-tiles": Case("vq-1", 140, 270, 80, "six tiles of vectors, samples as they are"),
    "staged-odd": Case("msvq-1", 131, 67, 70, "two tiles, wavelet bands in stages, tables by stages of the parent"),
    "dense-odd": Case("bpnn-1", 131, 67, 70, "two tiles of hidden units, one layer of integers decodes"),
    "dense-deep": Case("relu-1", 67, 61, 50, "two layers of integers decode"),
    "predictive-odd": Case("predictive-1", 37, 61, 100, "without loss, errors in interlaced passes"),
    "predictive-golomb": Case("golomb-1", 67, 131, 100, "two tiles, adaptive Golomb codes"),
    "predictive-arithmetic": Case("arithmetic-1", 61, 37, 60, "nearly lossless, tables that adapt"),
    "predictive-mlp": Case("mlp-1", 61, 37, 100, "a network of integers predicts"),
    "trees-tiles": Case("spiht-1", 140, 270, 45, "six tiles in six segments each, ordered by segment"),
    "trees-cut": Case("spiht-1", 131, 107, 70, "two tiles, an embedded file cut to 4001 bytes", cut_bytes=4001),
    "trees-short": Case("spiht-1", 100, 120, 80, "one tile, cut within its states and words", cut_bytes=777),
    "laplacian-odd": Case("laplacian-1", 131, 67, 70, "two tiles of differences between scales, by bit planes"),
    "trees-learned": Case("subband-1", 131, 140, 70, "four tiles, a trained filter bank, contexts from all bands"),
    "trees-kernels": Case("curvelet-1", 131, 140, 70, "four tiles, weights of kernels in place of coefficients"),
    "clustered-odd": Case("clustered-1", 131, 67, 70, "two tiles of blocks, each with axes of colour of its own"),
    "hadamard-odd": Case("hadamard-1", 67, 131, 60, "two tiles of blocks in a basis of the model"),
    "staged-prefix": Case("hvq-1", 67, 131, 80, "two tiles, interpolated means, strings of prefix codes"),
    "bespoke-tiles": Case("bespoke-1", 131, 140, 55, "four tiles, networks of the picture's own", fitted=True),
    "bespoke-odd": Case("bespoke-1", 67, 131, 30, "two tiles, by the start's networks"),
    "layers-tiles": Case("layers-1", 131, 140, 60, "four tiles in layers, networks of the picture's own", fitted=True),
    "layers-odd": Case("layers-1", 67, 131, 30, "two tiles in layers, by the start's networks"),
    "diagonals-tiles": Case("layers-3", 131, 140, 60, "four tiles in layers on diagonals", fitted=True),
    "chroma-tiles": Case("layers-2", 131, 140, 60, "four tiles in layers with planes of chroma", fitted=True),
    "grids-odd": Case("mftr-1", 131, 67, 60, "two tiles of fuzzy components, levels told by the level before"),
    "surfaces-tiles": Case("tanh-1", 140, 270, 70, "six tiles of quad trees, leaves that are hyperbolic tangents"),
    "fractal-odd": Case("fractal-1", 131, 67, 55, "two tiles, leaves that are copies, found by iteration"),
    "measurements-odd": Case("bcs-1", 131, 67, 70, "two tiles of random measurements"),
    "gained-odd": Case("gained-1", 67, 131, 70, "two tiles, tables by scale and skew"),
    "competing-tiles": Case("competing-1", 140, 270, 40, "six tiles, a choice of static tables for each place"),
    "laplacians-tiles": Case("laplacians-1", 140, 270, 60, "six tiles, means and tables of every feature sent"),
    "truncated-odd": Case("truncated-1", 61, 37, 50, "some channels are not coded"),
    "levels-odd": Case("coarse2fine-1", 131, 67, 60, "two tiles, three levels of side information"),
    "slices-odd": Case("charm-1", 67, 131, 90, "two tiles, channel slices and what rounding took from them"),
    "joint-odd": Case("joint-1", 67, 131, 60, "two tiles, wavefronts of a serial context"),
    "divided-odd": Case("ccn-1", 37, 150, 30, "two tiles, fronts over groups of channels"),
    "mixtures-odd": Case("gmm-1", 61, 37, 80, "wavefronts, tables by scale and shape"),
    "attended-odd": Case("contextformer-1", 37, 61, 70, "attention to what was decoded, in integers"),
    "volume-odd": Case("nlaic-1", 37, 141, 70, "two tiles, a context along channels too, masks"),
    "referred-odd": Case("causal-1", 61, 137, 60, "two tiles, the best match among decoded positions"),
    "recalled-odd": Case("recalled-1", 131, 67, 75, "two tiles, what was decoded anywhere, mixed by likeness"),
    "lifted-odd": Case("iwave-1", 67, 131, 100, "two tiles, reversible lifting, steps of one: nothing is lost"),
    "lifted-parts": Case("iwave-2", 61, 137, 60, "two tiles, lifting in sixteenths where something is lost"),
    "allocated-odd": Case("msd-1", 131, 67, 60, "two tiles, scales that are allotted bits by content"),
    "drawn-odd": Case("convdraw-1", 67, 131, 40, "two tiles, channels that are expected and not coded"),
    "tiled-odd": Case("tiled-1", 61, 141, 55, "two tiles of blocks in a closed loop, in stages"),
    "consulted-odd": Case("reference-1", 131, 67, 60, "two tiles, references from a store, a map of importance"),
    "predictive-cnn": Case("cnn-1", 61, 37, 100, "a causal network of integers predicts"),
    "masked-odd": Case("masked-1", 67, 131, 60, "two tiles, a map of importance, bits in diagonal planes"),
    "dithered-odd": Case("dithered-1", 61, 37, 70, "a lattice that a hash of positions moves"),
    "winners-odd": Case("winners-1", 67, 131, 50, "two tiles, places of the largest values, then the values"),
    "modes-tiles": Case("modes-1", 140, 270, 60, "six tiles, transforms chosen on a quad-tree of blocks"),
    "integers-odd": Case("int8-1", 131, 67, 75, "two tiles, integers up to the pixels"),
}

MADE_FROM = {  # frozen model -> recipe
    "swift-1": "swift",
    "factorized-1": "balle2018-factorized",
    "hyperprior-1": "minnen2018-hyperprior",
    "checkerboard-1": "he2021-checkerboard",
    "dct-1": "dct-threshold",
    "vq-1": "vq-lbg",
    "bpnn-1": "bpnn-block",
    "relu-1": "hussain2016-relu",
    "predictive-1": "predictive-lossless",
    "golomb-1": "golomb-adaptive",
    "arithmetic-1": "arithmetic",
    "mlp-1": "nn-predictive",
    "msvq-1": "brifcani2010-msvq-dwt",
    "spiht-1": "spiht",
    "laplacian-1": "gaussian-pyramid",
    "subband-1": "li2019-subband-spiht",
    "curvelet-1": "curvelet-svm",
    "clustered-1": "bascones2018-vq-pca-jp2",
    "hadamard-1": "pratt1969-hadamard",
    "hvq-1": "kasban2019-hvq-huffman",
    "bespoke-1": "bespoke",
    "layers-1": "bespoke-layers",
    "layers-2": "bespoke-layers",
    "layers-3": "bespoke-layers",
    "mftr-1": "dimartino2019-mftr",
    "tanh-1": "khalaf2019-tanh",
    "fractal-1": "fractal-pifs",
    "bcs-1": "bcs-spl",
    "gained-1": "cui2021-gained",
    "competing-1": "brummer2021-priors",
    "laplacians-1": "alves2021-satellite",
    "truncated-1": "ashok2018-varlatent",
    "coarse2fine-1": "hu2020-coarse2fine",
    "charm-1": "minnen2020-charm",
    "joint-1": "minnen2018-joint",
    "ccn-1": "li2020-ccn",
    "gmm-1": "cheng2020-gmm",
    "nlaic-1": "chen2021-nlaic",
    "causal-1": "guo2021-causal",
    "recalled-1": "li2021-nonlocal-entropy",
    "iwave-1": "ma2020-iwave",
    "iwave-2": "ma2020-iwave",
    "msd-1": "cai2019-msd",
    "convdraw-1": "gregor2016-convdraw",
    "tiled-1": "minnen2018-tiled",
    "reference-1": "yin2018-reference",
    "cnn-1": "schiopu2018-cnn-lossless",
    "masked-1": "li2018-content-weighted",
    "dithered-1": "choi2019-conditional",
    "winners-1": "dumas2017-swta",
    "modes-1": "wang2020-ensemble",
    "int8-1": "sun2021-int8",
    "contextformer-1": "koyuncu2022-contextformer",
}


@cache
def model(name: str) -> Model:
    """A committed model; FileError where it is missing."""
    return bundle.read(MODELS / f"{name}.calomodel")


def golden(name: str) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a golden and what was recorded with it; a missing one is an error and never made on the way."""
    try:
        return (FOLDER / f"{name}.calo").read_bytes(), json.loads((FOLDER / f"{name}.json").read_text())
    except FileNotFoundError as error:
        raise FileError(
            error.filename, f"golden {name} is missing; only `tools/golden --new {name}` makes one"
        ) from error


def latents_sha256(data: bytes, model: Model) -> str:
    """Over every value of every tile: tile, name, shape, sixteenths as little-endian int32."""
    digest = hashlib.sha256()
    for number, tile in enumerate(codec.latents(data, model=model)):
        for name, array in sorted(tile.items()):
            digest.update(f"{number} {name} {array.shape} ".encode())
            digest.update(np.round(array.astype(np.float64) * 16).astype("<i4").tobytes())
    return digest.hexdigest()


def make(name: str) -> None:
    """Write a new golden; TargetExists if there is one of that name, for goldens are for ever."""
    if name not in CASES:
        raise UsageError("golden", value=name, allowed=", ".join(CASES))
    case, target = CASES[name], FOLDER / f"{name}.calo"
    if target.exists():
        raise TargetExists(target)
    if not (MODELS / f"{case.model}.calomodel").exists():
        make_model(case.model)
    with_model = model(case.model)
    picture, fit = case.picture(), None
    if case.fitted:
        fit = fitting.some(with_model, picture.pixels, rates.index(case.quality, with_model.manifest))
    data = codec.encode(picture, with_model, quality=case.quality, threads=1, fitted=fit)
    data = _overlaid(picture, with_model, data, case) if case.over else data
    data = cutting.cut(data, case.cut_bytes, model=with_model) if case.cut_bytes else data
    record = {
        "model": case.model,
        "identity": with_model.identity.hex(),
        "latents_sha256": latents_sha256(data, with_model),
        "width_px": case.width,
        "height_px": case.height,
        "covers": case.covers,
    }
    target.write_bytes(data)
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


def _overlaid(picture: Picture, model: Model, data: bytes, case: Case) -> bytes:
    """The file with stripes drawn over some tiles, coded exactly."""
    header, pixels = container.parse(data).header, picture.pixels.copy()
    for number in case.over:
        place = planes.region_of(header, number)
        pixels[place.rows, place.cols] = np.where(
            np.indices((place.height, place.width)).sum(0)[..., None] % 5 < 2, 9, 240
        )
    drawn, below = (
        container.parse(codec.encode(Picture(what), model, quality=case.quality, threads=1))
        for what in (pixels, overlays.continued(pixels, header, case.over))
    )
    over = overlays.choose(pixels, drawn.tiles, header, {}, pool=None)
    return container.build(replace(below, tiles=tuple(overlays.laid(pixels, list(below.tiles), over, header, ()))))


def make_model(name: str) -> None:
    """Commit the present tiny model of a recipe under a name of its own; it is never made again."""
    target = MODELS / f"{name}.calomodel"
    if target.exists():
        raise TargetExists(target)
    packed, present = io.BytesIO(), tiny.model(MADE_FROM[name])
    manifest, branch = present.manifest, present.manifest.transform.get("branch")
    # A megabyte that only encoders use, and that they can do without; the identity does not cover it.
    nets = {key: net for key, net in manifest.nets.items() if key != branch}
    graphs = {key: present.graphs[key] for key in nets}
    present = replace(present, manifest=replace(manifest, nets=nets), graphs=graphs)
    stored = zipfile.ZipFile(io.BytesIO(bundle.write(present)))
    with zipfile.ZipFile(
        packed, "w", zipfile.ZIP_DEFLATED
    ) as archive:  # a twentieth of the size: tables are mostly zeros
        for entry in stored.infolist():
            archive.writestr(zipfile.ZipInfo(entry.filename), stored.read(entry), zipfile.ZIP_DEFLATED, 9)
    MODELS.mkdir(exist_ok=True)
    target.write_bytes(packed.getvalue())
