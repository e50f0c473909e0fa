"""Rows as a benchmark writes them, made up from smooth curves: quick, and every figure follows from a formula."""

from __future__ import annotations

import math
from typing import Any

import pytest

# Name: family, title, rate against the first at equal quality, megapixels a second (encode, decode), megabytes (both).
CODECS = {
    "jpeg-420": ("jpeg", "JPEG 4:2:0", 1.0, 60, 90, 2, 1),
    "avif-444": ("avif", "AVIF 4:4:4, speed 6", 0.6, 1.5, 60, 30, 10),
    "avif-444-psnr": ("avif", "AVIF 4:4:4, tuned for PSNR, speed 6", 0.5, 1.6, 62, 31, 11),
    "swift": ("calotype", "Calotype swift", 0.48, 3, 4, 150, 120),
    "webp": ("webp", "WebP", 0.75, 8, 70, 9, 4),
}
LEVELS = (10.0, 30.0, 50.0, 70.0, 90.0)


def made(pictures: int = 4, dataset: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """Rows of all codecs and levels, one machine, a lossless codec, and a cell that failed."""
    rows: list[dict[str, Any]] = [
        {"schema": 1, "kind": "machine", "id": "m", "processor": "abacus", "cores": 2, "system": "Linux", "python": "3.11",
         "versions": {"calotype": "0.1.0"}},
    ]  # fmt: skip
    for place in range(pictures):
        same = {
            "schema": 1, "kind": "row", "dataset": dataset, "picture": f"p{place:02}.png", "picture_sha256": f"{place:064}",
            "width_px": 512, "height_px": 384, "machine": "m", "threads": 1, "error": None,
        }  # fmt: skip
        for name, (family, title, factor, encode, decode, up, down) in CODECS.items():
            for level in LEVELS:
                # Twice the bytes bring 5 dB; a picture is easier or harder, and each codec has its own pictures.
                own = 1 + 0.06 * math.sin(place * 2.1 + len(name))
                bpp = factor * own * 2 ** (level / 20 - 2) * (1 + 0.2 * place)
                rows.append(
                    same
                    | {
                        "codec": name, "family": family, "title": title, "level": level, "lossless": False,
                        "describe": {"library": "made", "version": "1", "settings": f"quality={level:g}"},
                        "bytes": round(bpp * 512 * 384 / 8), "bpp": bpp,
                        "metrics": {"psnr": 25 + level / 5, "ms-ssim": 1 - 10 ** -(0.8 + level / 70), "ssimulacra2": level - 5},
                        "encode_s": 0.2 / encode, "decode_s": 0.2 / decode,
                        "encode_peak_bytes": up * 10**6, "decode_peak_bytes": down * 10**6,
                    }
                )  # fmt: skip
        lossless = {"codec": "png", "family": "png", "title": "PNG", "level": 0.0, "lossless": True, "describe": {}}
        figures = {
            "bytes": 250_000,
            "bpp": 10.2,
            "metrics": {"psnr": None, "max-error": 0},
            "encode_s": 0.4,
            "decode_s": 0.01,
        }
        rows.append(same | lossless | figures)
    error = {"type": "ExtraMissing", "message": "HEIC needs pillow-heif", "exit_code": 6}
    rows.append({"schema": 1, "kind": "row", "picture": "p00.png", "codec": "heic", "level": 30.0, "error": error})
    return [row | more if row.get("codec") in CODECS else row for row in rows]


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    """Four pictures of nobody's set."""
    return made()


@pytest.fixture(scope="session")
def kodak_rows() -> list[dict[str, Any]]:
    """As many pictures as Kodak has, under its name: published curves come in."""
    return made(24, "kodak")
