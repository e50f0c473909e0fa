"""Codecs for the runner's tests, named as tests.bench.runner.fakes:NAME; some that work, others that don't."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np

from calotype.errors import ExtraMissing


class Plain:
    """Quantizes, deflates; leaves a line in the file that CALOTYPE_TEST_CALLS names for every encode."""

    name, family, title, lossless, levels = "plain", "fake", "Quantized and deflated", False, (32.0, 16.0, 8.0, 4.0)

    def encode(self, pixels, level, threads=1):
        if calls := os.environ.get("CALOTYPE_TEST_CALLS"):
            with Path(calls).open("a") as file:
                file.write(f"{self.name} {level} {zlib.crc32(pixels.tobytes())}\n")
        shape = np.array(pixels.shape[:2], "<u4").tobytes()
        return bytes([int(level)]) + shape + zlib.compress((pixels // int(level)).tobytes(), 1)

    def decode(self, data, threads=1):
        height, width = np.frombuffer(data[1:9], "<u4")
        indices = np.frombuffer(zlib.decompress(data[9:]), np.uint8).reshape(height, width, 3)
        return np.minimum(indices.astype(int) * data[0] + data[0] // 2, 255).astype(np.uint8)

    def describe(self):
        return {"library": "zlib", "version": os.environ.get("CALOTYPE_TEST_VERSION", "1"), "settings": "LEVEL"}


class Exact(Plain):
    name, title, lossless, levels = "exact", "Deflated", True, (1.0,)


class Lying(Plain):
    name, lossless, levels = "lying", True, (2.0,)


class Few(Plain):
    levels = (16.0,)


class Exiting(Few):
    name = "exiting"

    def encode(self, pixels, level, threads=1):
        os._exit(0)


class Leaving(Few):
    name = "leaving"

    def decode(self, data, threads=1):
        sys.exit("enough")


class Crashing(Few):
    name = "crashing"

    def decode(self, data, threads=1):
        ctypes.string_at(0)


class Hanging(Few):
    """With a program of its own, which must not stay behind."""

    name = "hanging"

    def encode(self, pixels, level, threads=1):
        program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(os.environ["CALOTYPE_TEST_PROGRAM"]).write_text(str(program.pid))
        time.sleep(60)


class Raising(Few):
    name = "raising"

    def encode(self, pixels, level, threads=1):
        raise ValueError("no such\nluck")


class Turning(Few):
    name = "turning"

    def decode(self, data, threads=1):
        return super().decode(data).swapaxes(0, 1)


class Floating(Few):
    name = "floating"

    def decode(self, data, threads=1):
        return super().decode(data) / 255


class Textual(Few):
    name = "textual"

    def encode(self, pixels, level, threads=1):
        return "a file"


class Talking(Few):
    """Writes where the answers go."""

    name = "talking"

    def encode(self, pixels, level, threads=1):
        print("{}")
        os.write(1, b"noise\n")
        return super().encode(pixels, level)


class Hungry(Few):
    """Needs over 64 MiB to encode, over 32 MiB to decode: the kernel counts pages in batches, so not on the dot."""

    name = "hungry"

    def encode(self, pixels, level, threads=1):
        assert np.ones(65 << 20, np.uint8)[-1]
        return super().encode(pixels, level)

    def decode(self, data, threads=1):
        assert np.ones(33 << 20, np.uint8)[-1]
        return super().decode(data)


class Missing(Few):
    name = "missing"

    def describe(self):
        raise ExtraMissing("missing", package="nowhere", extra="bench")


BROKEN = {
    "Exiting": ("ProcessEnded", "exit code 0"),
    "Leaving": ("SystemExit", "enough"),
    "Crashing": ("ProcessEnded", "SIGSEGV"),
    "Hanging": ("TooSlow", "within 2 seconds"),
    "Raising": ("ValueError", "no such luck"),
    "Turning": ("WrongResult", "uint8 [24, 40, 3] instead of uint8 [40, 24, 3]"),
    "Floating": ("WrongResult", "float64"),
    "Textual": ("WrongResult", "str instead of"),
    "Lying": ("NotLossless", "differs by 1 levels"),
}
not_a_codec = 3
