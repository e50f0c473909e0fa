"""What an encoder does about what it wrote: keep it, raise the rate, or code exactly. Decisions only, no coding.

A model promises a PSNR for each quality (its manifest's `promise`: what nearly all photographs reach). Noise, text and
line art may miss it, or need more bytes from the model than they do exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calotype.model.manifest import Manifest
from calotype.tiles import Region

__all__ = ["Attempt", "Settled", "exact_bytes_guessed", "promised_db", "sampled", "settle"]

MAX_RATE = 1023
RATES_PER_DB = 50  # the dial of a model spans about 15 dB; more than its mean slope would overshoot
MOST_RAISES = 4
OPTIMISM = 0.5  # of an entropy guess: what contexts, runs and repetitions may save besides
SMALL_PX = 2**13  # up to here coding exactly is tried always: it takes no time
_GUESS_PX = 2**18
_ALL_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """A file that a model wrote at a rate index, and what its pixels are worth.

    psnr_db   against the picture, None if nobody looked, -inf if it could not be decoded
    """

    rate: int
    data: bytes
    psnr_db: float | None


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


def sampled(windows: tuple[Region, ...]) -> tuple[Region, ...]:
    """Windows whose pixels are looked at: all of a small picture, every third of a large one, evenly spread."""
    return windows if len(windows) <= _ALL_WINDOWS else windows[1::3]


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
