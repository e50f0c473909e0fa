#!/usr/bin/env python3
"""Bits that a channel flips: PSNR against the error rate for fixed-length codes, codes against errors, and .calo files.

    python tools/measure_channel.py --pictures CLASSIC --data PICTURES [--draw docs/systems/channel-errors.png]

Grey pictures of 512x512. Fixed-length vector quantization and a fixed-length bottleneck network, unprotected, in
Hamming(7,4) words (put right by syndrome, or by a second network) and in repeat-accumulate code; entropy-coded indices;
files of swift, whole and with checks, and their payload alone without any. What no decoder accepts counts as mid-grey.
Writes results/systems/channel.json and draws it.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, table
from PIL import Image

from calotype import channel, codec, container, dense, zoo
from calotype.coding.reader import Reader
from calotype.container import Segment
from calotype.errors import CalotypeError
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.train import bottlenecks, design, word_network

RATES = (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
UNIT_BITS, MEAN_BITS, REACH = 4, 6, 3.0  # of the fixed-length network: bits of a unit and of a mean, deviations covered
QUALITY = {"vq-lbg": 34.0, "nn-vq-som": 34.0, "swift": 60.0}  # 4x4 blocks of 1024 entries


def psnr(found: np.ndarray, grey: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(found.astype(float) - grey).mean())))


@contextmanager
def without_checks() -> Iterator[None]:
    """Readers that believe everything."""
    finish = Reader.finish
    Reader.finish = lambda self: np.zeros(self.rows, bool)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Reader.finish = finish  # type: ignore[method-assign]


def payload_flipped(
    model: Model, data: bytes, grey: np.ndarray, rate: float, random: np.random.Generator, spared: int = 0
) -> float:
    """Bits of the tiles' streams flipped but for the first `spared` bytes, everything around right, nothing checked."""

    def flip(stream: bytes) -> bytes:
        return stream[:spared] + channel.flipped(stream[spared:], rate, random)

    file = container.parse(data)
    tiles = tuple(
        replace(tile, segments=tuple(Segment(flip(part.data), part.check) for part in tile.segments))
        for tile in file.tiles
    )
    try:
        with without_checks(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = codec.decode(container.build(replace(file, tiles=tiles)), model=model, threads=1).pixels
    except (CalotypeError, ValueError, IndexError):
        return psnr(np.full_like(grey, 128), grey)
    return psnr(found[..., :3].mean(2), grey)


def file_flipped(model: Model, data: bytes, grey: np.ndarray, rate: float, random: np.random.Generator) -> float | None:
    """Bits of the whole file flipped; None where it is refused."""
    try:
        return psnr(codec.decode(channel.flipped(data, rate, random), model=model, threads=1).pixels.mean(2), grey)
    except CalotypeError:
        return None


class FixedNetwork:
    """Blocks of 8x8 through a bottleneck trained by Levenberg and Marquardt; every unit in four bits, the mean in six."""

    def __init__(self, crops: list[np.ndarray], units: int = 16) -> None:
        greys = [np.asarray(Image.fromarray(crop).convert("L"), float) for crop in crops]
        blocks = np.concatenate(
            [self.blocks(grey[: grey.shape[0] // 8 * 8, : grey.shape[1] // 8 * 8]) for grey in greys], 1
        )
        rest = (blocks - blocks.mean(0)) / dense.SCALE
        some = rest[:, np.random.default_rng(0).integers(0, rest.shape[1], 20_000)]
        self.net = bottlenecks.kept(bottlenecks.levenberg_marquardt(some, units), some)
        self.reach = REACH * dense.encoded(self.net.encoder, self.net.activations, some).std(1)

    @staticmethod
    def blocks(grey: np.ndarray) -> np.ndarray:
        height, width = grey.shape
        return grey.reshape(height // 8, 8, width // 8, 8).transpose(1, 3, 0, 2).reshape(64, -1)

    def bits(self, grey: np.ndarray) -> np.ndarray:
        blocks = self.blocks(grey.astype(float))
        mean = blocks.mean(0)
        hidden = dense.encoded(self.net.encoder, self.net.activations, (blocks - mean) / dense.SCALE)
        top = (1 << UNIT_BITS) - 1
        units = np.clip(np.rint((hidden / self.reach[:, None] + 1) / 2 * top), 0, top).astype(np.int64)
        parts = [_bits(np.rint(mean / 255 * ((1 << MEAN_BITS) - 1)).astype(np.int64), MEAN_BITS)]
        return np.concatenate([*parts, *(_bits(row, UNIT_BITS) for row in units)], 1).ravel()

    def picture(self, bits: np.ndarray, height: int, width: int) -> np.ndarray:
        rows = bits.reshape(height * width // 64, -1)
        mean = _number(rows[:, :MEAN_BITS]) * 255 / ((1 << MEAN_BITS) - 1)
        units = [_number(rows[:, at : at + UNIT_BITS]) for at in range(MEAN_BITS, rows.shape[1], UNIT_BITS)]
        hidden = (2 * np.stack(units) / ((1 << UNIT_BITS) - 1) - 1) * self.reach[:, None]
        found = bottlenecks.outputs(self.net, hidden) * dense.SCALE + mean
        return np.clip(
            found.reshape(8, 8, height // 8, width // 8).transpose(2, 0, 3, 1).reshape(height, width), 0, 255
        )


def _bits(values: np.ndarray, count: int) -> np.ndarray:
    return ((values[:, None] >> np.arange(count - 1, -1, -1)) & 1).astype(np.uint8)


def _number(bits: np.ndarray) -> np.ndarray:
    return bits @ (1 << np.arange(bits.shape[1] - 1, -1, -1))


def schemes(crops: list[np.ndarray]) -> dict[str, Callable[[np.ndarray], tuple[float, Callable[..., float | None]]]]:
    """name -> (grey picture) -> bits a pixel, and the PSNR at an error rate with a random generator."""
    net, words = FixedNetwork(crops), word_network.network()
    models = {(name, size): design.model_of(zoo.recipe(name), crops, size=size)
              for name, size in (("vq-lbg", "fixed"), ("vq-lbg", "default"), ("nn-vq-som", "fixed"))}  # fmt: skip
    models["swift", ""] = store.find("swift")

    def fixed(protect: Callable[[np.ndarray], np.ndarray], restore: Callable[..., np.ndarray]) -> Any:
        def prepared(grey: np.ndarray) -> Any:
            bits = net.bits(grey)
            sent = protect(bits)

            def at(rate: float, random: np.random.Generator) -> float:
                back = restore(sent ^ (random.random(sent.size) < rate), bits.size, rate)
                return psnr(net.picture(back, *grey.shape), grey)

            return sent.size / grey.size, at

        return prepared

    def coded(name: str, size: str, measure: Callable[..., float | None]) -> Any:
        def prepared(grey: np.ndarray) -> Any:
            model = models[name, size]
            picture = Picture.of(np.repeat(grey[..., None], 3, 2))
            data = codec.encode(picture, model, quality=QUALITY[name], check=False, threads=1)
            return 8 * len(data) / grey.size, lambda rate, random: measure(model, data, grey, rate, random)

        return prepared

    # A code of fixed length needs no lengths; in a stream seven bytes say them.
    indices_flipped = partial(payload_flipped, spared=7)
    return {
        "VQ, fixed length, LBG": coded("vq-lbg", "fixed", indices_flipped),
        "VQ, fixed length, map": coded("nn-vq-som", "fixed", indices_flipped),
        "VQ, entropy coded": coded("vq-lbg", "default", payload_flipped),
        "network, unprotected": fixed(lambda bits: bits, lambda bits, count, rate: bits),
        "network, Hamming": fixed(channel.hamming, lambda bits, count, rate: channel.hamming_back(bits, count)),
        "network, Hamming by network": fixed(
            channel.hamming, lambda bits, count, rate: word_network.decode(words, bits, count)
        ),
        "network, repeat-accumulate": fixed(channel.accumulated, channel.accumulated_back),
        "swift, no checks": coded("swift", "", payload_flipped),
        "swift, as it is": coded("swift", "", file_flipped),
    }


def draw(found: dict[str, Any], target: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8.4, 4.0), dpi=80)
    for name, part in found["schemes"].items():
        axes.plot(found["rates"][1:], part["psnr"][1:], marker=".", label=f"{name}, {part['bpp']:.2f} bpp")
    axes.set_xscale("log")
    axes.set_xlabel("share of wrong bits")
    axes.set_ylabel("PSNR, dB")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.tight_layout()
    figure.savefig(target)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--pictures", type=Path, required=True, help="the folder with grey_*.png")
    flags.add_argument("--data", type=Path, required=True, help="pictures to design from")
    flags.add_argument("--names", default="grey_boat,grey_couple", help="which of them, with commas")
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--pixels", type=int, default=1_000_000, help="to design from")
    flags.add_argument("--draw", type=Path, help="a PNG")
    args = flags.parse_args()
    pictures = [np.asarray(Image.open(args.pictures / f"{name}.png").convert("L")) for name in args.names.split(",")]
    made = schemes(design.pictures(args.data, most_px=args.pixels))
    data: dict[str, Any] = {"rates": RATES, "pictures": args.names.split(","), "seeds": args.seeds, "schemes": {},
                            "machine": machine()}  # fmt: skip
    with load_of_machine(data):
        for name, scheme in made.items():
            prepared = [(grey, *scheme(grey)) for grey in pictures]
            means, refused = [], []
            for rate in RATES:
                values = [
                    (at(rate, np.random.default_rng(seed)), grey)
                    for grey, _, at in prepared for seed in range(args.seeds if rate else 1)
                ]  # fmt: skip
                grey_means = [psnr(np.full_like(grey, 128), grey) if value is None else value for value, grey in values]
                means.append(round(float(np.mean(grey_means)), 2))
                refused.append(round(float(np.mean([value is None for value, _ in values])), 2))
            data["schemes"][name] = {"bpp": round(float(np.mean([bpp for _, bpp, _ in prepared])), 3), "psnr": means,
                                     "refused": refused}  # fmt: skip
            print(name, data["schemes"][name], file=sys.stderr, flush=True)
    head = ["PSNR, dB, at wrong bits of", "bpp", *(f"{rate:g}" for rate in RATES)]
    print(table(head, [[name, f"{part['bpp']:.2f}", *part["psnr"]] for name, part in data["schemes"].items()]))
    (RESULTS / "systems").mkdir(parents=True, exist_ok=True)
    (RESULTS / "systems" / "channel.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if args.draw:
        draw(data, args.draw)


if __name__ == "__main__":
    main()
