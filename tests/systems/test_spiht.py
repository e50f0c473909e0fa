"""SPIHT: sets are partitioned as the paper says, files can be cut anywhere, and what is left decodes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import codec, container, cutting, targets
from calotype.coding import stream
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.errors import CorruptError, TruncatedError, UnsupportedError, UsageError
from calotype.picture import Picture
from calotype.rates import Target
from calotype.train.embedded_tables import banks
from calotype.walks.forest import Forest
from calotype.walks.trees import Trees

SHAPES = {"ll": (1, 3, 3, 5), "l2": (1, 9, 3, 5), "l1": (1, 9, 6, 10)}


def by_lists(bands, top):
    """The bits of the paper's coder, written from the paper with lists and recursion: a plane's decisions, sorted by kind.

    bands   magnitudes of one plane and orientation: roots [h, w] in groups of two by two, then finer [2 h, 2 w]
    """
    coarse, fine = bands

    def offspring(place):
        kind, y, x = place
        if kind == "root":
            found = [("coarse", 2 * y + i, 2 * x + j) for i in range(2) for j in range(2)]
            return [p for p in found if p[1] < coarse.shape[0] and p[2] < coarse.shape[1]]
        return [("fine", 2 * y + i, 2 * x + j) for i in range(2) for j in range(2)] if kind == "coarse" else []

    def size(place):
        return int((coarse if place[0] == "coarse" else fine)[place[1:]])

    def descendants(place):
        return [d for o in offspring(place) for d in (o, *descendants(o))]

    roots = [("root", y, x) for y in range(-(-coarse.shape[0] // 2)) for x in range(-(-coarse.shape[1] // 2))]
    insignificant, sets, found, said = [], [(root, "A") for root in roots], [], []
    for plane in range(top, -1, -1):
        older, bits = list(found), []
        for place in list(insignificant):
            bits.append(("place", size(place) >> plane > 0))
            if bits[-1][1]:
                insignificant.remove(place)
                found.append(place)
        waiting, kept = list(sets), []
        while waiting:
            place, kind = waiting.pop(0)
            members = descendants(place) if kind == "A" else [d for o in offspring(place) for d in descendants(o)]
            bits.append((kind, any(size(d) >> plane > 0 for d in members)))
            if not bits[-1][1]:
                kept.append((place, kind))
            elif kind == "A":
                for o in offspring(place):
                    bits.append(("place", size(o) >> plane > 0))
                    (found if bits[-1][1] else insignificant).append(o)
                if any(descendants(o) for o in offspring(place)):
                    waiting.append((place, "B"))
            else:
                waiting += [(o, "A") for o in offspring(place)]
        sets = kept
        bits += [("finer", bool(size(place) >> plane & 1)) for place in older]
        said.append(sorted(bits))
    return said


class Recording:
    """A port that takes what it is given, and notes every decision by plane."""

    def __init__(self):
        self.planes = []

    def shape(self, name):
        return SHAPES[name]

    def segment(self):
        pass

    def run(self, name, symbols, bank, tables, ends):
        if name == "top":
            return np.asarray(symbols), np.diff(ends)
        self.planes.append((name, (np.asarray(symbols) > 0).tolist()))
        return np.asarray(symbols), np.diff(ends)


class Nets:
    def table(self, name):
        return np.full((60, 32), 20) if name == "trees" else np.array([[7 << p] for p in range(15)])

    def rows(self, name):
        return np.zeros((1, 1, 1, 1), np.float32)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_decisions_are_those_of_the_papers_lists(seed):
    """Of every plane the same decisions of every kind, in whatever order; the list coder above knows no arrays."""
    random = np.random.default_rng(seed)
    bands = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    for name in ("l2", "l1"):
        bands[name][:, 4] = np.round(random.laplace(0, 3, SHAPES[name][2:]))
    port = Recording()
    Trees(2)(Nets(), port, bands)
    wanted = by_lists([np.abs(bands[name][0, 4]).astype(int) for name in ("l2", "l1")], 14)
    # All other bands are zero: nothing of them but their roots, and the listed low-pass, is ever asked.
    roots, low = 8 * 2 * 3, 3 * 3 * 5
    calls, per_plane = port.planes, 7
    top = int(max(np.abs(b).max() for b in bands.values())).bit_length() - 1
    for plane in range(14, -1, -1):
        mine = {kind: [] for kind in ("places", "sets", "finer")}
        for kind, bits in calls[(14 - plane) * per_plane : (15 - plane) * per_plane]:
            mine[kind] += bits
        if plane > top:
            assert not any(mine.values())
            continue
        paper = {"places": low * [False], "sets": roots * [False], "finer": []}
        for kind, bit in wanted[14 - plane]:
            paper[{"place": "places", "A": "sets", "B": "sets"}.get(kind, kind)].append(bit)
        assert {kind: sorted(bits) for kind, bits in mine.items()} == {k: sorted(bits) for k, bits in paper.items()}


def test_planted_forests_come_back_to_half_a_step():
    random = np.random.default_rng(3)
    bands = {name: random.laplace(0, 9, shape).astype(np.float32) for name, shape in SHAPES.items()}
    port = Writer(SHAPES, banks(True))
    Trees(2)(Nets(), port, bands)
    ((data, check),) = port.finish()
    reader = Reader(SHAPES, banks(True), streams=[data], hashes=[check])
    found = Trees(2)(Nets(), reader)
    reader.finish()
    for name, band in bands.items():
        known = np.abs(band) >= 1
        assert np.abs(found[name] - band)[known].max() <= 9 / 16 + 1e-4
        assert not found[name][~known].any()


def test_binary_coding_takes_a_bit_for_each_decision():
    bands = {name: np.random.default_rng(4).laplace(0, 20, shape).astype(np.float32) for name, shape in SHAPES.items()}
    recorded, port = Recording(), Writer(SHAPES, banks(False))
    Trees(2, coded=False)(Nets(), recorded, bands)
    Trees(2, coded=False)(Nets(), port, bands)
    decisions = sum(len(bits) + (sum(bits) if name == "places" else 0) for name, bits in recorded.planes)
    assert abs(float(port.bits[0]) - decisions - 4) < 0.01 * decisions


def test_a_magnitude_beyond_the_planes_is_cut_down():
    forest = Forest(list(SHAPES.values()))
    forest.plant([np.full(shape, -1e9, np.float32) for shape in SHAPES.values()], 127)
    assert forest.magnitudes is not None and forest.magnitudes.min() == 127 and forest.tops().tolist() == [6]
    with pytest.raises(TypeError):
        Trees(2, planes=16)


@cache
def coded(height, width):
    pixels = tiny.picture(height, width, seed=3)
    return pixels, codec.encode(Picture(pixels), tiny.model("spiht"), quality=60, check=False)


def error(pixels, data):
    found = codec.decode(data, model=tiny.model("spiht")).pixels
    return float(np.square(found.astype(float) - pixels).mean())


@pytest.mark.parametrize("size", [(100, 90), (150, 280)], ids=["a tile", "six tiles"])
def test_every_cut_decodes_and_more_bytes_show_more(size):
    """At any size the file is at most three bytes shorter, legal, and no worse than a shorter one; the whole is itself."""
    pixels, data = coded(*size)
    model, errors = tiny.model("spiht"), []
    for share in (0.08, 0.2, 0.45, 0.8, 1.0):
        wanted = int(share * len(data))
        shorter = cutting.cut(data, wanted, model=model)
        assert wanted - 3 <= len(shorter) <= wanted
        assert codec.verify(shorter, model=model).tiles == len(container.parse(data).tiles)
        errors.append(error(pixels, shorter))
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 2
    assert cutting.cut(data, len(data), model=model) == data
    with pytest.raises(UsageError, match="or more"):
        cutting.cut(data, 30, model=model)


@pytest.mark.parametrize("size", [(100, 90), (150, 280)], ids=["a tile", "six tiles"])
def test_a_file_that_ends_early_is_an_error_unless_asked(size):
    pixels, data = coded(*size)
    model, errors = tiny.model("spiht"), []
    for end in (len(data) // 5, len(data) // 2, len(data) - 40, len(data) - 1):
        with pytest.raises(TruncatedError):
            codec.decode(data[:end], model=model)
        mended = cutting.mended(data[:end], model=model)
        assert container.build(container.parse(mended)) == mended
        errors.append(error(pixels, mended))
    assert errors == sorted(errors, reverse=True)
    assert cutting.mended(data, model=model) == data


def test_a_changed_byte_is_no_cut():
    """The twin: what is shorter without a check of its own, or changed, is damage."""
    _, data = coded(100, 90)
    model, file = tiny.model("spiht"), container.parse(data)
    (segment,) = file.tiles[0].segments
    for changed in (segment.data[:-2], segment.data[:200], segment.data[:99] + b"\0\1" + segment.data[101:]):
        tile = container.Tile(
            number=0, segments=(container.Segment(changed, segment.check),), rate_index=file.tiles[0].rate_index
        )
        broken = container.build(container.PictureFile(header=file.header, tiles=(tile,)))
        with pytest.raises(CorruptError):
            codec.decode(broken, model=model)


def test_streams_are_cut_at_words():
    _, data = coded(100, 90)
    whole = container.parse(data).tiles[0].segments[0].data
    lengths = [len(stream.cut(whole, length)) for length in range(0, 400)]
    assert lengths[:4] == [0] * 4 and all(0 <= length - found <= 1 for length, found in enumerate(lengths) if found)
    assert stream.cut(whole, len(whole)) == whole


def test_other_files_are_not_cut():
    data = codec.encode(Picture(tiny.picture(64, 64)), tiny.model("dct-threshold"), quality=50, check=False)
    with pytest.raises(UnsupportedError, match="embedded"):
        cutting.cut(data, 100, model=tiny.model("dct-threshold"))
    with pytest.raises(TruncatedError):
        cutting.mended(data[:-20], model=tiny.model("dct-threshold"))


@pytest.mark.parametrize("bytes_", [3000, 9001])
def test_a_size_is_hit_to_three_bytes(bytes_):
    picture = Picture(tiny.picture(150, 280, seed=3))
    found = targets.encode(picture, tiny.model("spiht"), Target("size", bytes_))
    assert bytes_ - 3 <= len(found.data) <= bytes_ and found.hit
    assert codec.decode(found.data, model=tiny.model("spiht")).pixels.shape == (150, 280, 3)
