"""Laws L7 and L9 over every registered recipe: damage gives typed errors or identical pixels; files are canonical."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import tiny
from tests.laws.waivers import excused

from calotype import codec, container
from calotype.coding.reader import Reader
from calotype.container import Segment
from calotype.errors import CalotypeError, FormatError
from calotype.picture import Picture

QUICK, LONG = 15, 1000  # changed files for each recipe; there are more than sixty
TRIES = 50  # until a twin finds one


@pytest.fixture(scope="module")
def files():
    """{recipe: (bytes of a file with six tiles and metadata, its pixels)}."""
    made = {}

    def file(recipe):
        if recipe not in made:
            picture = Picture(
                tiny.picture(150, 280, seed=9), comments=("a comment",), dpi=(300, 300), icc=b"profile" * 20
            )
            data = codec.encode(picture, tiny.model(recipe), quality=30, threads=1, check=False)
            made[recipe] = data, codec.decode(data, model=tiny.model(recipe), threads=1).pixels
        return made[recipe]

    return file


def outcome(data, model, pixels):
    """ "same" or the name of a typed error; anything else fails."""
    try:
        found = codec.decode(data, model=model, threads=1).pixels
    except CalotypeError as error:
        return type(error).__name__
    assert np.array_equal(found, pixels), "other pixels and no error"
    return "same"


def changed(data, random):
    """One to three bytes changed, a piece removed, doubled or zeroed."""
    data, kind = bytearray(data), random.integers(0, 8)
    at = int(random.integers(0, len(data)))
    length = int(random.integers(1, 40))
    if kind < 5:
        for place in random.integers(0, len(data), kind % 3 + 1):
            data[place] ^= int(random.integers(1, 256))
    elif kind == 5:
        del data[at : at + length]
    elif kind == 6:
        data[at:at] = data[at : at + length]
    else:
        data[at : at + length] = bytes(len(data[at : at + length]))
    return bytes(data)


def damaged(recipe, files, count, seed):
    data, pixels = files(recipe)
    model, random, seen = tiny.model(recipe), np.random.default_rng(seed), {}
    for _ in range(count):
        kind = outcome(changed(data, random), model, pixels)
        seen[kind] = seen.get(kind, 0) + 1
    return seen


def tampered(recipe, files, count, seed, check=True):
    """Streams changed beneath the container's checksums: the coder itself must notice. Returns outcomes."""
    data, pixels = files(recipe)
    model, random, seen = tiny.model(recipe), np.random.default_rng(seed), {}
    file = container.parse(data)
    for _ in range(count):
        number = int(random.integers(0, len(file.tiles)))
        tile = file.tiles[number]
        if not tile.segments[0].data:
            continue
        segment = Segment(changed(tile.segments[0].data, random), tile.segments[0].check)
        tiles = tuple(replace(t, segments=(segment, *t.segments[1:])) if t.number == number else t for t in file.tiles)
        try:
            broken = container.build(replace(file, tiles=tiles))
        except CalotypeError:
            continue
        kind = outcome(broken, model, pixels) if check else None
        seen[kind] = seen.get(kind, 0) + 1
    return seen


def test_l7_changed_bytes_give_typed_errors_or_the_same_pixels(recipe, files):
    excused("L7", recipe)
    seen = damaged(recipe, files, QUICK, 0)
    assert sum(seen.values()) == QUICK and set(seen) != {"same"}


def test_l7_tampered_streams_are_noticed_by_their_hash(recipe, files):
    excused("L7", recipe)
    assert set(tampered(recipe, files, QUICK, 1)) <= {"CorruptError", "TruncatedError", "same"}


@pytest.mark.long
def test_l7_many_changed_bytes(recipe, files):
    damaged(recipe, files, LONG, 2)
    tampered(recipe, files, LONG // 5, 3)


def test_l7_twin_without_the_hash_other_pixels_would_pass(recipe, files, monkeypatch):
    """A reader that flags nothing returns other pixels without an error."""
    monkeypatch.setattr(Reader, "finish", lambda self: np.zeros(self.rows, bool))
    with pytest.raises(AssertionError, match="other pixels and no error"):
        tampered(recipe, files, TRIES, 1)


def test_l7_a_file_cut_anywhere_is_a_format_error(recipe, files):
    data, _ = files(recipe)
    for end in np.linspace(0, len(data) - 1, 40).astype(int):
        with pytest.raises(FormatError):
            codec.decode(data[:end], model=tiny.model(recipe), threads=1)


def test_l9_parse_and_build_are_inverse_on_real_files(recipe, files):
    """L9: a parsed file is built to the same bytes, metadata and index included."""
    excused("L9", recipe)
    data, _ = files(recipe)
    file = container.parse(data)
    assert container.build(file) == data and container.parse(container.build(file)) == file
    # The twin: a file with one more rate index is another one.
    tile = replace(file.tiles[0], rate_index=file.tiles[0].rate_index ^ 1)
    assert container.build(replace(file, tiles=(tile, *file.tiles[1:]))) != data
