"""From a picture to its file through a fit: what is said meanwhile, what Ctrl-C does, what is kept. Needs torch.

The optimisation is loop.py's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from calotype import encoding, rates
from calotype.encoding import Encoded
from calotype.fit import effort as efforts
from calotype.fit.effort import Effort
from calotype.fit.heap import kept
from calotype.fit.layers import LayersRun
from calotype.fit.loop import Best, Plan, Progress, Run
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.workers import count_of

__all__ = ["encode", "fitted"]

_SAID_EVERY_S = 2.0
_SEVERAL_THREADS = 3 * 2**18  # samples


def encode(
    picture: Picture,
    model: Model,
    chosen: Effort,
    number: int,
    options: dict[str, Any],
    seed: int,
    say: Callable[[str], None] | None,
) -> Encoded:
    """Fit, then write; parameters as `calotype.fit.encode` has them."""
    rate = rates.index(options["quality"], model.manifest)
    pixels = picture.width_px * picture.height_px
    if say is not None:
        minutes = efforts.minutes(number, pixels, model.manifest.walk)
        room = efforts.gigabytes(pixels)
        said = f"fitting {model.name} with effort {number}: {chosen.iterations} iterations"
        said += f", about {minutes:.1f} minutes on one core"
        say(said + (f", {room:.0f} GB of memory" if model.manifest.walk == "layers" and room >= 1 else ""))
    plan = Plan(
        iterations=chosen.iterations,
        network_rate=chosen.network_rate,
        kinds=chosen.kinds,
        seed=seed,
    )
    began = time.monotonic()
    best = fitted(encoding.colours_of(picture), model, rate, plan, options["threads"], say)
    minutes = (time.monotonic() - began) / 60
    note = f"fitted in {best.iterations} of {plan.iterations} iterations, {minutes:.1f} minutes"
    note += f"; {best.ended}" if best.ended else ""
    coded = encoding.encode(picture, model, fitted=best, **options)
    return replace(coded, notes=(note, *coded.notes))


def fitted(
    colours: Any, model: Model, rate: int, plan: Plan, threads: int | None, say: Callable[[str], None] | None
) -> Best:
    """What was found for colours uint8 [h, w, 3] at a rate index.

    The first KeyboardInterrupt lets a fit in layers settle in half a minute, any other ends it there; the next ends it
    in any case, and one more goes on to the caller.
    """
    spoken = time.monotonic()

    def progress(at: Progress) -> None:
        nonlocal spoken
        if say is not None and (time.monotonic() - spoken >= _SAID_EVERY_S or at.iteration == at.iterations):
            spoken = time.monotonic()
            minutes, seconds = divmod(round(at.seconds_left), 60)
            said = f"{at.iteration}/{at.iterations}: {at.bpp:.3f} bpp, {at.psnr_db:.2f} dB, {minutes}:{seconds:02} left"
            say(said)

    before = torch.get_num_threads()
    # Threads of small arrays wait for each other more than they work.
    torch.set_num_threads(count_of(threads) if colours.size >= _SEVERAL_THREADS else 1)
    kind = LayersRun if model.manifest.walk == "layers" else Run
    with kept():
        run = kind(colours, model, rate, plan, "cuda" if torch.cuda.is_available() else "cpu")
        try:
            try:
                best = run.run(progress)
            except KeyboardInterrupt:
                seconds = run.hurry()
                if say is not None and seconds:
                    say(f"settling, {seconds:.0f} seconds; Ctrl-C again writes what there is")
                best = run.run(progress) if seconds else run.best()
        except KeyboardInterrupt:
            best = run.best()
        finally:
            torch.set_num_threads(before)
    return best
