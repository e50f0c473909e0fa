"""What an encoder does about what it wrote: keep it, raise the rate, or code exactly. Decisions only, no coding.

A model promises a PSNR for each quality (its manifest's `promise`: what nearly all photographs reach). Noise, text and
line art may miss it, or need more bytes from the model than they do exactly.

What can go wrong between an encoder and the decoder that meets its file, and what the check (selfcheck.py) does about it:

1. *The stream does not give the values back*: lanes, escapes, opaque strings, framing. That depends on the data, so every
   tile's stream is decoded, with the tables that it was written with, and the hash of the values compared. An eighth of
   the encoder's time.
2. *The decoder finds other tables.* It runs the same exact networks on the same values, so this takes a processor or
   memory that errs, or a walk that looks at something a reader does not have. The second is a bug of ours, met by the laws
   over all recipes; the first strikes anywhere. To run all networks twice would cost half of the encoder's time and
   still miss an error that this machine makes each time. So every eighth tile, drawn by the content, is decoded from the
   bytes of the file as any decoder does it, in many pictures as in one large: a machine that errs is found by its second
   or third file, and one bit that flips once, in seven of eight cases, by the reader, whose hash tells the tile. Where no
   networks decide about tables, or where a walk codes in its own way or in a closed loop, decoding is cheap or the only
   proof, and all tiles are. `calotype verify`, and `--replace` before it removes an original, decode all of them.
3. *The model does badly.* Windows that cover a third of the picture are synthesised from the values that were written
   (equal to those that are read, by 1 and 2). A photograph is decibels above what is promised, and then a third is
   enough; if it is less than DOUBT_DB above, all of the file is decoded and looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calotype import walks
from calotype.container import PictureFile
from calotype.model.bundle import Model
from calotype.model.manifest import Manifest
from calotype.tiles import Region, windows_of

__all__ = ["DOUBT_DB", "Attempt", "Settled", "exact_bytes_guessed", "promised_db", "sampled", "settle", "tiles_again"]

MAX_RATE = 1023
RATES_PER_DB = 50  # the dial of a model spans about 15 dB; more than its mean slope would overshoot
MOST_RAISES = 4
OPTIMISM = 0.5  # of an entropy guess: what contexts, runs and repetitions may save besides
SMALL_PX = 2**13  # up to here coding exactly is tried always: it takes no time
_GUESS_PX = 2**18
_ALL_PX = 2**17  # up to here all pixels are looked at
_WINDOW_PX = 256
_ONE_OF = 8  # tiles is decoded again
DOUBT_DB = 1.5  # above the promise: what a third of a picture says of the whole


@dataclass(frozen=True, slots=True)
class Attempt:
    """A file that a model wrote at a rate index, and what its pixels are worth.

    psnr_db   against the picture, None if nobody looked, -inf if it could not be decoded
    overlaid  how many tiles were coded exactly (overlays.py)
    exact_bytes   how many bytes exact coding is known to take, about; infinite if nobody knows
    """

    rate: int
    data: bytes
    psnr_db: float | None
    overlaid: int = 0
    exact_bytes: float = math.inf


@dataclass(frozen=True, slots=True)
class Settled:
    """The file that is kept; `attempt` is None where it is the exact one. `notes` say why, where it was not the first."""

    data: bytes
    attempt: Attempt | None
    notes: tuple[str, ...] = ()


def promised_db(manifest: Manifest, quality: float) -> float | None:
    """The PSNR that a model promises at a quality, None where it promises nothing."""
    if not manifest.promise:
        return None
    qualities, psnr = zip(*manifest.promise, strict=True)
    return float(np.interp(quality, qualities, psnr))


def settle(
    attempt: Callable[[int], Attempt],
    exactly: Callable[[], bytes],
    *,
    rate: int,
    promise_db: float | None,
    guessed_bytes: float,
) -> Settled:
    """Try the rate that was asked for, and then what is needed.

    attempt        codes at a rate index and looks at the result
    exactly        codes without any loss
    guessed_bytes  how small an exact file might be; it is made only if it may win
    """
    found = attempt(rate)
    guessed_bytes = min(guessed_bytes, found.exact_bytes)
    exact: bytes | None = None
    if guessed_bytes < len(found.data) or found.psnr_db == -math.inf:
        exact = exactly()
        if found.psnr_db == -math.inf:
            return Settled(exact, None, ("coded exactly: what the model wrote could not be decoded again",))
        if len(exact) <= len(found.data):
            said = f"coded exactly: that takes {len(exact):,} bytes, the model {len(found.data):,}"
            return Settled(exact, None, (said,))
    if promise_db is None or found.psnr_db is None or found.psnr_db >= promise_db:
        return Settled(found.data, found)
    first = found
    short = f"the model reaches {_db(first.psnr_db)} here, and promises {promise_db:.1f} dB"
    for _ in range(MOST_RAISES):
        if found.rate >= MAX_RATE or found.psnr_db is None or found.psnr_db >= promise_db:
            break
        found = attempt(min(MAX_RATE, found.rate + 8 + math.ceil(RATES_PER_DB * (promise_db - found.psnr_db))))
    if exact is None and (not _kept(found, promise_db) or guessed_bytes < len(found.data)):
        exact = exactly()
    if exact is not None and (not _kept(found, promise_db) or len(exact) <= len(found.data)):
        return Settled(exact, None, (f"coded exactly: {short}",))
    return Settled(found.data, found, (f"rate raised from {rate} to {found.rate} of {MAX_RATE}: {short}",))


def sampled(whole: Region) -> tuple[Region, ...]:
    """Windows whose pixels are looked at: all of a small picture, a third of a larger one, on diagonals."""
    if whole.height * whole.width <= _ALL_PX:
        return (whole,)
    return tuple(
        window for window in windows_of(whole, _WINDOW_PX) if (window.top + window.left) // _WINDOW_PX % 3 == 0
    )


def tiles_again(file: PictureFile, model: Model, count: int) -> tuple[int, ...]:
    """Which of the first `count` tiles, the model's, are decoded from the bytes of the file as a reader does it."""
    alone = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters)).domain == "latents"
    if file.shared or not alone or not model.manifest.exact_nets:
        return tuple(range(count))
    drawn = file.tiles[0].segments[0].check[0]
    return tuple(tile for tile in range(count) if (tile + drawn) % _ONE_OF == 0)


def exact_bytes_guessed(pixels: np.ndarray) -> float:
    """A low guess of how many bytes exact coding takes: half of the entropy of planar prediction's errors.

    pixels   uint8 [h, w, planes]; at most 2^18 of them are looked at, in pairs of rows
    """
    height, width, planes = pixels.shape
    if height * width <= SMALL_PX:
        return 0.0
    if height == 1:
        pixels, height, width = pixels.reshape(width, 1, planes), width, 1
    step = max(1, height * width // _GUESS_PX)
    rows = np.arange(1, height, step)
    here, above = pixels[rows].astype(np.int16), pixels[rows - 1].astype(np.int16)
    if planes >= 3:  # red and blue against green
        here, above = (
            part - part[..., 1:2] * np.array([1, 0, 1], np.int16) for part in (here[..., :3], above[..., :3])
        )
    errors = here - above
    errors[:, 1:] -= here[:, :-1] - above[:, :-1]
    bits = 0.0
    for plane in range(errors.shape[2]):
        counts = np.bincount((errors[..., plane].ravel() & 1023).astype(np.int64))
        shares = counts[counts > 0] / errors[..., plane].size
        bits -= float((shares * np.log2(shares)).sum())
    return OPTIMISM * bits * height * width / 8


def _kept(found: Attempt, promise_db: float) -> bool:
    return found.psnr_db is not None and found.psnr_db >= promise_db


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} dB"
