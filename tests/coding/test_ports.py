"""Laws of counter, writer and reader: round trip, agreement, a second decoder, damage; each with a twin that breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.coding.cases import Plain, random_case
from tests.coding.second_decoder import SecondDecoder, Table, positions

from calotype.coding.counter import Counter
from calotype.coding.frequencies import laplace_bank
from calotype.coding.lattice import FULL
from calotype.coding.positions import Bound
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.errors import CorruptError, ModelError, UsageError

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def equal(one, other, rows=None):
    (a, s), (b, t) = one, other
    rows = range(len(next(iter(a.values())))) if rows is None else rows
    return a.keys() == b.keys() and all(np.array_equal(a[name][row], b[name][row]) for name in a for row in rows) and (
        [[column[row] for row in rows] for column in s] == [[column[row] for row in rows] for column in t])  # fmt: skip


@given(SEEDS)
@few
def test_the_reader_has_what_the_writer_had(seed):
    """L1, for any tables, lattices, means and values; values are legal multiples of 1/16."""
    case = random_case(seed)
    walked, written, _ = case.write()
    read, flagged = case.read(written)
    assert not flagged.any() and equal(walked, read)
    for name, array in read[0].items():
        assert array.dtype == np.float32 and np.array_equal(array * 16, np.round(array * 16))
        low, high = case.ranges[name]
        assert array.min(initial=low) >= low and array.max(initial=high) <= high


@given(SEEDS)
@few
def test_counted_bits_are_written_bits(seed):
    """L2: the counter's bits are the writer's, and its streams' within 16 bytes + 1 %; the values agree too."""
    case = random_case(seed, side=60)
    walked, written, bits = case.write()
    counted, counted_bits = case.count()
    assert equal(walked, counted) and np.array_equal(bits, counted_bits)
    for (stream, _), expected in zip(written, bits, strict=True):
        assert abs(8 * len(stream) - expected) <= 128 + 0.01 * expected


@given(SEEDS)
@few
def test_means_in_integers_are_means_in_floats(seed):
    """A distribution that only restores gives the bytes of one that tells its means."""
    _, one, _ = random_case(seed).write()
    restoring = random_case(seed, restoring=True)
    walked, two, _ = restoring.write()
    assert one == two
    read, flagged = restoring.read(two)
    assert not flagged.any() and equal(walked, read)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_second_decoder_reads_our_streams(seed):
    """docs/format-entropy.md says all there is to know."""
    case = random_case(seed, side=14)
    (arrays, strings), written, _ = case.write()
    for row, (stream, digest) in enumerate(written):
        assert second_decode(case, row, stream, case.keys[row]) == (digest, *theirs(case, arrays, strings, row))


def second_decode(case, row, stream, key):
    bank = case.banks["bank"]
    tables = [Table(int(o), f[: s + 1].tolist() if s else []) for o, s, f in
              zip(bank.offsets, bank.sizes, bank.frequencies, strict=True)]  # fmt: skip
    decoder = SecondDecoder(stream, key)
    values, strings = [], []
    for i, (name, distribution, lattice) in enumerate(case.calls):
        if i in case.strings:
            strings.append(decoder.opaque())
        shape = case.shapes[name][1:]
        steps = None if lattice is FULL else np.array(lattice.steps).reshape(-1, 2, 2).tolist()
        places = positions(shape, steps, lattice.step)
        means = [0 if distribution.mean16 is None else int(distribution.mean16[row][p]) for p in places]
        called = [tables[int(distribution.table[row][p])] for p in places]
        values.append(decoder.call(called, means, case.ranges[name]))
    return decoder.finish(), values, strings


def theirs(case, arrays, strings, row):
    values = [(lattice.take(arrays[name])[row] * 16).astype(int).tolist() for name, _, lattice in case.calls]
    return values, [column[row] for column in strings]


@given(SEEDS, st.data())
@settings(max_examples=120, deadline=None)
def test_damage_is_flagged_and_stays_in_its_row(seed, data):
    """L7: a changed, cut or lengthened stream is flagged or changes nothing; other rows decode as if it were whole."""
    case = random_case(seed, side=12)
    walked, written, _ = case.write()
    row = data.draw(st.integers(0, len(written) - 1))
    stream, digest = written[row]
    how = data.draw(st.sampled_from(["flip", "cut", "longer", "noise"]))
    if how == "flip" and stream:
        at = data.draw(st.integers(0, len(stream) - 1))
        stream = stream[:at] + bytes([stream[at] ^ data.draw(st.integers(1, 255))]) + stream[at + 1 :]
    elif how == "cut":
        stream = stream[: data.draw(st.integers(0, len(stream)))]
    elif how == "longer":
        stream += data.draw(st.binary(min_size=1, max_size=4))
    else:
        stream = data.draw(st.binary(max_size=60))
    damaged = [*written[:row], (stream, digest), *written[row + 1 :]]
    read, flagged = case.read(damaged)
    others = [r for r in range(len(written)) if r != row]
    assert not flagged[others].any() and equal(walked, read, others)
    assert flagged[row] or equal(walked, read)
    if flagged[row]:
        with pytest.raises(CorruptError) as caught:
            case.read(damaged, strict=True)
        assert caught.value.found == [row]


@given(SEEDS)
@few
def test_a_tile_from_elsewhere_is_flagged(seed):
    """Keys: the same stream and hash under another key fail, whatever the tile holds."""
    case = random_case(seed)
    _, written, _ = case.write()
    assert case.read(written, keys=[key + b"!" for key in case.keys])[1].all()


@pytest.mark.parametrize("what", ["table", "certain mean", "coded mean"])
def test_twin_one_different_number_is_flagged(what):
    """The twin of L1: a reader whose networks give one number differently anywhere must not pass."""
    rng = np.random.default_rng(3)
    shape = (2, 3, 20, 20)
    table, mean16 = rng.integers(0, 20, shape), rng.integers(-20, 20, shape).astype(np.int16)
    table[1, 1, 4, 4] = 0 if what == "certain mean" else 9
    shapes, banks = {"y": shape}, {"bank": laplace_bank(20, 7.0, -2.0)}
    writer = Writer(shapes, banks)
    written = writer.code("y", rng.laplace(0, 1, shape), Plain(table, mean16))
    streams, hashes = zip(*writer.finish(), strict=True)
    if what == "table":
        table[1, 1, 4, 4] += 1
    else:
        mean16[1, 1, 4, 4] += 1
    reader = Reader(shapes, banks, None, streams, hashes, strict=False)
    read = reader.code("y", None, Plain(table, mean16))
    assert reader.finish().tolist() == [False, True] and np.array_equal(read[0], written[0])


def test_nothing_coded_is_no_byte():
    """Certain zeros alone leave empty streams, and their means come back, moved into the range."""
    shapes, banks = {"y": (2, 1, 3, 3)}, {"bank": laplace_bank()}
    distribution = Plain(np.zeros((2, 1, 3, 3), np.uint8), np.full((2, 1, 3, 3), 1000, np.int16))
    writer = Writer(shapes, banks, {"y": (-4, 4)})
    values = writer.code("y", np.full((2, 1, 3, 3), 5.0, np.float32), distribution)
    streams, hashes = zip(*writer.finish(), strict=True)
    assert streams == (b"", b"") and (values == 4).all()
    reader = Reader(shapes, banks, {"y": (-4, 4)}, streams, hashes)
    assert np.array_equal(reader.code("y", None, distribution), values) and not reader.finish().any()


def test_broadcast_fields_and_arrays_given():
    """Tables of one per channel are broadcast; `onto` is written in place, and only where the lattice is."""
    shape = (3, 2, 4, 6)
    counter = Counter({"z": shape}, {"bank": laplace_bank()})
    onto = np.full(shape, 7, np.float32)
    back = counter.code("z", np.zeros(shape, np.float32), Plain(np.full((1, 2, 1, 1), 30), None), FULL, onto)
    assert back is onto and not onto.any() and (counter.bits > 0).all() and counter.by_name.keys() == {"z"}
    assert Bound(FULL, shape).take(np.arange(2).reshape(1, 2, 1, 1)).shape == (3, 48)


def test_wrong_calls_say_so():
    """Faults of a model or a caller are named; they are not damage."""
    shape = (1, 1, 2, 2)
    shapes, banks = {"y": shape}, {"bank": laplace_bank()}
    outside = Plain(np.full(shape, 64), None)
    with pytest.raises(ModelError, match="table index"):
        Counter(shapes, banks).code("y", np.zeros(shape), outside)
    with pytest.raises(ModelError, match="table index"):
        Reader(shapes, banks, None, [b""], [bytes(4)]).code("y", None, Plain(np.full(shape, np.nan), None))
    with pytest.raises(UsageError, match="values"):
        Writer(shapes, banks).code("y", None, outside)
    with pytest.raises(UsageError, match="values"):
        Reader(shapes, banks, None, [b""], [bytes(4)]).code("y", np.zeros(shape), outside)
    with pytest.raises(UsageError, match="keys"):
        Writer(shapes, banks, keys=[b"a", b"b"])
    with pytest.raises(ModelError, match="range"):
        Counter(shapes, banks, {"y": (3, 3)})
