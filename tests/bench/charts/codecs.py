"""Codecs whose faults are known, so that what the charts must say about them is known too."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from calotype.errors import UnsupportedError


@dataclass(frozen=True)
class Exact:
    """Gives back what it was given."""

    name: str = "exact"
    family: str = "test"
    title: str = "Exact"
    lossless: bool = True
    levels: tuple[float, ...] = (0.0,)

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        return struct.pack("<III", *pixels.shape[:2], round(level * 1000)) + zlib.compress(pixels.tobytes(), 1)

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        height, width, level = struct.unpack_from("<III", data)
        pixels = np.frombuffer(zlib.decompress(data[12:]), np.uint8).reshape(height, width, 3)
        return self.spoil(pixels, level / 1000)

    def spoil(self, pixels: np.ndarray, level: float) -> np.ndarray:
        return pixels

    def describe(self) -> dict[str, str]:
        return {"library": "tests", "version": "1", "settings": "none"}


@dataclass(frozen=True)
class Decimating(Exact):
    """Every second sample, without a filter before: the textbook's way to aliasing."""

    name: str = "decimating"
    lossless: bool = False

    def spoil(self, pixels: np.ndarray, level: float) -> np.ndarray:
        return decimated(pixels)


@dataclass(frozen=True)
class Fading(Exact):
    """Contrast falls with the level and nothing else happens."""

    name: str = "fading"
    lossless: bool = False
    levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    def spoil(self, pixels: np.ndarray, level: float) -> np.ndarray:
        return np.rint(128 + level * (pixels.astype(float) - 128)).astype(np.uint8)


@dataclass(frozen=True)
class Striping(Exact):
    """A line of every eight is a level too bright."""

    name: str = "striping"
    lossless: bool = False

    def spoil(self, pixels: np.ndarray, level: float) -> np.ndarray:
        spoiled = pixels.astype(int)
        spoiled[::8] += 1
        return spoiled.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Sized(Exact):
    """Files of as many bits per pixel as the level says, or as a rounded dial gives."""

    name: str = "sized"
    lossless: bool = False
    levels: tuple[float, ...] = (0.05, 0.1, 0.3, 0.7, 2.0, 6.0)
    whole: bool = False

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        rate = round(10 * level) / 10 if self.whole else level
        return bytes(round(pixels.shape[0] * pixels.shape[1] * rate / 8))


@dataclass(frozen=True)
class Refusing(Exact):
    name: str = "refusing"

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        raise UnsupportedError("picture size", found="1024x768", supported="smaller ones")


def decimated(pixels: np.ndarray, factor: int = 2) -> np.ndarray:
    """Every `factor`-th sample, repeated."""
    small = pixels[::factor, ::factor]
    return small.repeat(factor, axis=0).repeat(factor, axis=1)[: pixels.shape[0], : pixels.shape[1]]
