"""The same piece of a picture by several codecs at equal rate: encoded anew while the report is made, kept in crops.json.

Nothing is compared by figures here; pieces are shown without loss.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from calotype import formats, metrics
from calotype.bench.report.curves import Codec

__all__ = ["FILE", "Crop", "Scene", "load", "make", "save"]

FILE = "crops.json"
SIDE_PX = 224
# The rate that codecs are brought to, and how far off one may be.
TARGET_BPP, TOLERANCE = 0.3, 0.12
_TRIES = 6
# Of all pieces together, as files; in the page they are a third larger.
MOST_BYTES = 2_000_000
# Of larger pictures a window around the piece is coded instead of the whole; no scene is begun after so many seconds.
MOST_PIXELS, WINDOW_PX = 1_500_000, 1024
MOST_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Crop:
    """A piece by one codec. bpp and psnr are those of all that was coded, the whole picture or a window of a large one;
    webp_base64 is the piece without loss; codec "": the original."""

    codec: str
    title: str
    bpp: float | None
    psnr: float | None
    level: float | None
    webp_base64: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The pieces of one picture, the original first; `missing` says which codecs could not be brought to the rate."""

    picture: str
    left: int
    top: int
    crops: list[Crop] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def make(codecs: Sequence[Codec], files: Iterable[Path], get: Callable[[str], object], scenes: int = 3) -> list[Scene]:
    """Pieces of up to `scenes` pictures: an easy, a middling and a hard one, as their files tell.

    codecs   whose pieces are shown, in this order
    files    where pictures are; those that are not in the rows (by SHA-256) are passed over
    get      from a codec's name to the codec that encodes
    """
    known: dict[str, Path] = {}
    for file in files:
        with contextlib.suppress(OSError):
            known[hashlib.sha256(file.read_bytes()).hexdigest()] = file
    rows = {picture: list(levels.values()) for codec in codecs for picture, levels in codec.cells.items()}
    here = [picture for picture, cells in rows.items() if cells[0]["picture_sha256"] in known]
    # Of a run that is not finished: what all codecs have, if there is something.
    here = [picture for picture in here if all(picture in codec.cells for codec in codecs)] or here
    here.sort(key=lambda picture: min(row["bpp"] for row in rows[picture]))
    places = sorted({round(share * (len(here) - 1)) for share in (0.2, 0.55, 0.85)}) if here else []
    found, spent, began = [], 0, time.monotonic()
    for picture in [here[place] for place in places][:scenes]:
        if time.monotonic() - began > MOST_SECONDS:
            break
        scene = _scene(picture, known[rows[picture][0]["picture_sha256"]], codecs, get)
        spent += sum(len(crop.webp_base64) * 3 // 4 for crop in scene.crops)
        if spent > MOST_BYTES:
            break
        if len(scene.crops) > 2:
            found.append(scene)
    return found


def _scene(picture: str, file: Path, codecs: Sequence[Codec], get: Callable[[str], object]) -> Scene:
    pixels = np.ascontiguousarray(formats.read(file).pixels)
    top, left = _busy(pixels)
    scene = Scene(picture, left, top)
    if pixels.shape[0] * pixels.shape[1] > MOST_PIXELS:
        pixels, top, left = _window(pixels, top, left)
    scene.crops.append(Crop("", "Original", None, None, None, _webp(_cut(pixels, top, left))))
    for codec in codecs:
        if picture not in codec.cells:
            scene.missing.append(f"{codec.title}: not measured on this picture")
            continue
        try:
            level, data, decoded = _at_rate(codec, picture, pixels, get(codec.name))
        except Exception as error:  # anybody's codec: hours of measurements must not lose their report to a picture
            scene.missing.append(f"{codec.title}: {error}")
            continue
        rate = 8 * len(data) / (pixels.shape[0] * pixels.shape[1])
        if abs(rate / TARGET_BPP - 1) > TOLERANCE:
            scene.missing.append(f"{codec.title}: {rate:.2f} bpp is as near as its dial comes")
            continue
        piece = _webp(_cut(decoded, top, left))
        scene.crops.append(Crop(codec.name, codec.title, rate, metrics.psnr(pixels, decoded), level, piece))
    return scene


def _at_rate(codec: Codec, picture: str, pixels: np.ndarray, coder) -> tuple[float, bytes, np.ndarray]:
    """Level, file and pixels nearest to the target: by bisection between the two measured levels around it."""
    wanted = TARGET_BPP * pixels.shape[0] * pixels.shape[1] / 8
    by_rate = sorted((row["bytes"], level) for level, row in codec.cells[picture].items())
    below = [level for size, level in by_rate if size <= wanted]
    above = [level for size, level in by_rate if size > wanted]
    low, high = (below or above)[-1 if below else 0], (above or below)[0 if above else -1]
    whole = all(float(level).is_integer() for level in codec.levels)
    best: tuple[float, bytes] | None = None
    tried = set()
    for _ in range(_TRIES):
        level = (low + high) / 2
        level = float(round(level)) if whole else level
        if level in tried:
            break
        tried.add(level)
        data = coder.encode(pixels, level)
        if best is None or abs(len(data) - wanted) < abs(len(best[1]) - wanted):
            best = level, data
        if abs(len(data) / wanted - 1) < 0.01:
            break
        low, high = (low, level) if len(data) > wanted else (level, high)
    assert best
    return *best, coder.decode(best[1])


def _busy(pixels: np.ndarray) -> tuple[int, int]:
    """Top and left of a piece with much to see: the nine-tenths point of gradient energy over a grid of pieces."""
    grey = pixels.astype(np.float32).mean(axis=2)
    energy = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    places = [
        (float(energy[top : top + SIDE_PX, left : left + SIDE_PX].mean()), top, left)
        for top in range(0, max(1, pixels.shape[0] - SIDE_PX), SIDE_PX // 2)
        for left in range(0, max(1, pixels.shape[1] - SIDE_PX), SIDE_PX // 2)
    ]
    _, top, left = sorted(places)[int(0.9 * (len(places) - 1))]
    return top, left


def _window(pixels: np.ndarray, top: int, left: int) -> tuple[np.ndarray, int, int]:
    """A part of a large picture around a piece, and where the piece lies in it."""
    start = [
        int(np.clip(at + SIDE_PX // 2 - WINDOW_PX // 2, 0, max(0, side - WINDOW_PX)))
        for at, side in zip((top, left), pixels.shape[:2], strict=True)
    ]
    part = pixels[start[0] : start[0] + WINDOW_PX, start[1] : start[1] + WINDOW_PX]
    return np.ascontiguousarray(part), top - start[0], left - start[1]


def _cut(pixels: np.ndarray, top: int, left: int) -> np.ndarray:
    return pixels[top : top + SIDE_PX, left : left + SIDE_PX]


def _webp(piece: np.ndarray) -> str:
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(piece).save(target, "WEBP", lossless=True, method=6)
    return base64.b64encode(target.getvalue()).decode()


def save(scenes: Sequence[Scene], folder: Path) -> None:
    """crops.json, so that the report can be drawn again where there are no pictures and no codecs."""
    (folder / FILE).write_text(json.dumps([asdict(scene) for scene in scenes]) + "\n", encoding="utf-8")


def load(folder: Path) -> list[Scene]:
    """What `save` left; nothing where there is no such file."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except OSError:
        return []
    return [Scene(**{**scene, "crops": [Crop(**crop) for crop in scene["crops"]]}) for scene in said]
