"""Named data sets: how many pictures they have, of which sizes, and hashes of their pixels where those are known here.

The user says where the pictures lie; nothing is downloaded. Hashes are of decoded pixels, so that a set which was stored
as another lossless format is still recognised, and one that was scaled or made lossy is not.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from calotype.errors import CalotypeError, FileError, UsageError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["DATASETS", "Dataset", "check", "get", "pixels_sha256", "recognise"]

SUFFIXES = frozenset({".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg", ".avif", ".jxl"})


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of pictures that publications name.

    sides    pairs (long, short) in pixels that its pictures have; empty: they differ, or it is not known here
    hashes   name of a picture: pixels_sha256; empty where the pictures were not at hand
    source   where its owners publish it, in words
    note     what is taken for it by mistake
    """

    name: str
    title: str
    count: int
    source: str
    sides: tuple[tuple[int, int], ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


_KODAK = (
    "d5489d7aae4e22ee9b35a05b91a920106b4c377046cb2d995425e60b3e45d51f",
    "037e2fa13f86933bb2fca1adf431e0330f5562d6623d878728f14181a30b3aca",
    "86d60be348556352f0a88060e7b89dacb180ec7dcea1754e907f325c2ad5109d",
    "411979aa973465ab93876a0a19531b7abb341bf692c11a46e39f17c2b29b560a",
    "320e95e6a1d53d973f165f17064f922b3708809086e1f4397fd9e29c2aa24915",
    "a302f82a12047aa9703075a13f6c11304a47368cf778ddd6331dc2d32e9d2cad",
    "fcb8d499f9b51811ed1ad6cd092c8d2a2ad65e3ab1a3bf6805ead842bc719ef3",
    "896afd61a1638cff0a8a0f62dfb576a3b4aee8f214fb9f922ff847813a30f12a",
    "e30fe308bd41e53ff52dc36108090c415025d197b578bf3fe96fb00e61037320",
    "bd764928a9c3bf26e0ac219320354e927f091a5b74ff83686997f6faed6caf18",
    "230e50fe1586d8c0e6e9d071aaac03c6382eeb13d0bbe5edcd11afcb6fbbf775",
    "17206b9d5ad1f755f35063087b8f74a9e4da3a36d6245909f4c1128c5c6f64a3",
    "7b0c38eafc48c3f8d5476d10660d7a44689696560f26021b02e83dafb816da1d",
    "5fcb386e0072afce518a45aa886041f2d10cba9d81d2272f971692b6d8d4a731",
    "df13a17c1e0cb1489fed4707c6d004709f730c72a0d0c790f9091f94249341d6",
    "7a77bbf11dc6ead9463fe47f7095829dfebcb075b9359832f9877b3dcc7728a4",
    "3573b9099d8387aefd03e5c7e478d4e87bd50b8d08078ed8b8c2c4632031607c",
    "a165200c6f30cff2fbcd05ca55ee7d292b074aa5a05083a53bd7c544d9416dac",
    "c376310e146a45d552e59c342342a1bbe8054ff9d38128e30420ce8565e8d9b1",
    "b65f9a7dba82154dc225f70c07c83c9badfdeff3bebe79dfb9adfb29593757b9",
    "70b2c161d20dd2caf776879ae19bcad5401f0a81bced34aeefee8d8df9a1bf13",
    "647e6ff4bb8f4c4c6ce6d9c4b013afb91761488c041a8ca0212bd3c2368117f1",
    "f3ccf488a7f353152584dae7c72900ce8bb5c4e46151db39b1f30b3c269b60a4",
    "cb40b9af11765778cd9bf3ab8140669d9aadfb7bfac0ef054777665ad9ebc707",
)
_SET5 = {
    "baby": "cd85e81970fdd28ef4e221512fd47f70a068c708dbfaf81b24117003e801a597",
    "bird": "e4d5290cc5b85dc982d57a2bce33ec19e921300a6aa5b02144c311f96f761aee",
    "butterfly": "90ed8d3d3f7886425bb15b4424d8e837426e11a7ead7b2efd9c6b803a9355678",
    "head": "25d0ef3e7380ef3fd32f4df57fa3be830b04b32b8f2f341c603d97eca046a34f",
    "woman": "32d576d91495295c5e5d973e74c3ca3c5522f375ca00363e3705b81f6f087c27",
}

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "kodak",
            "Kodak",
            24,
            "Kodak lossless true colour image suite, kodim01 to kodim24",
            sides=((768, 512),),
            hashes={f"kodim{number:02}": found for number, found in enumerate(_KODAK, 1)},
        ),
        Dataset(
            "clic2020-professional-valid",
            "CLIC2020 professional validation",
            41,
            "Workshop and Challenge on Learned Image Compression 2020, validation part",
            note="CompressAI's results/image/clic2020-professional are of another set: curves can't be compared",
        ),
        Dataset(
            "clic2020-mobile-valid",
            "CLIC2020 mobile validation",
            61,
            "Workshop and Challenge on Learned Image Compression 2020, validation part",
        ),
        Dataset(
            "clic2020-test",
            "CLIC2020 test",
            428,
            "Workshop and Challenge on Learned Image Compression 2020, test part, professional and mobile",
        ),
        Dataset(
            "clic2022-valid",
            "CLIC2022 validation",
            30,
            "Workshop and Challenge on Learned Image Compression 2022, validation part, long side 2048",
        ),
        Dataset(
            "tecnick",
            "Tecnick",
            100,
            "TESTIMAGES, sampling set, RGB originals of 1200x1200",
            sides=((1200, 1200),),
            note="a part of 40 pictures goes by the same name",
        ),
        Dataset("set5", "Set5", 5, "super-resolution test set", hashes=_SET5),
        Dataset("set14", "Set14", 14, "super-resolution test set", note="some of its pictures are grey"),
        Dataset("div2k-valid", "DIV2K validation", 100, "NTIRE 2017 challenge, high-resolution part, 0801 to 0900"),
    )
}


def get(name: str) -> Dataset:
    """The data set of this name; UsageError with the near ones."""
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=3, cutoff=0.3) or tuple(DATASETS)
        raise UsageError("data set", value=name, allowed=", ".join(near))
    return DATASETS[name]


def pixels_sha256(pixels: np.ndarray) -> str:
    """SHA-256 of the line "WIDTHxHEIGHT RGB8" and the samples, uint8 [h, w, 3] in rows, in hexadecimal digits."""
    import numpy as np

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UsageError("pixels", value=f"{pixels.dtype} {list(pixels.shape)}", allowed="uint8 [h, w, 3]")
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width}x{height} RGB8\n".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def check(name: str, folder: Path | str) -> list[str]:
    """What is wrong with a folder that should hold this data set, in sentences; empty: nothing that is known here.

    errors   UsageError for an unknown name, FileError for a folder that can't be listed
    """
    dataset, found = get(name), _files(Path(folder))
    problems = []
    if len(found) != dataset.count:
        problems.append(f"{len(found)} pictures, {dataset.title} has {dataset.count}")
    known, left = set(dataset.hashes.values()), dict(dataset.hashes)
    for file in found:
        try:
            pixels = _pixels(file)
        except FileError as exc:
            problems.append(str(exc))
            continue
        height, width = pixels.shape[:2]
        sides = (max(width, height), min(width, height))
        if dataset.sides and sides not in dataset.sides:
            problems.append(f"{file.name}: {width}x{height} pixels is no size of {dataset.title}")
        elif known and (digest := pixels_sha256(pixels)) not in known:
            problems.append(f"{file.name}: its pixels are those of no picture of {dataset.title}")
        elif known:
            left = {picture: own for picture, own in left.items() if own != digest}
    if dataset.hashes and left and len(found) >= dataset.count:
        problems.append(f"missing: {', '.join(left)}")
    return problems


def recognise(pictures: Iterable[Path | str]) -> str | None:
    """The name of the data set that these files are, whole and unchanged, or None.

    Only sets with hashes are ever recognised; files are read only where their number fits one of those.
    """
    files = [Path(picture) for picture in pictures]
    for dataset in DATASETS.values():
        if not dataset.hashes or len(files) != dataset.count:
            continue
        wanted = set(dataset.hashes.values())
        try:
            for file in files:
                wanted.remove(pixels_sha256(_pixels(file)))
        except (KeyError, FileError):  # another picture, the same one twice, or none
            continue
        return dataset.name
    return None


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as exc:
        raise FileError(folder, exc.strerror or str(exc)) from exc


def _pixels(file: Path) -> np.ndarray:
    """uint8 [h, w, 3]; FileError for what is no such picture."""
    from calotype import formats

    try:
        pixels = formats.read(file).pixels
    except CalotypeError as exc:
        raise FileError(file, f"can't be read: {exc}") from exc
    if pixels.dtype.name != "uint8" or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise FileError(file, f"is no 8-bit RGB picture but {pixels.dtype} {list(pixels.shape)}")
    return pixels
