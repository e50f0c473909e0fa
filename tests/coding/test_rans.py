"""Laws of the coder itself: what it costs, which symbols it takes, and an oracle that is not ours."""

from __future__ import annotations

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.coding import escape, layout
from calotype.coding.frequencies import bank_from_probabilities, laplace_bank
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.stream import join, split
from calotype.coding.taper import Taper

BANK = laplace_bank(64, 7.0, -2.82)


def drawn(tables, seed=0):
    """Entries drawn from their tables."""
    slots = np.random.default_rng(seed).integers(0, 1 << 14, len(tables))
    columns = [np.searchsorted(BANK.cumulative[k, : BANK.sizes[k] + 1], s, side="right") - 1
               for k, s in zip(tables, slots, strict=True)]  # fmt: skip
    return np.asarray(tables).astype(np.int64) * BANK.frequencies.shape[1] + np.array(columns, np.int64)


def coded(entries, rows=1):
    """(stream, code length in bits) of entries in one call."""
    ends = np.arange(rows + 1) * (len(entries) // rows)
    bits = escape.rows_sum(BANK.code_lengths.reshape(-1)[entries], ends)
    encoder = Encoder(rows)
    encoder.push(BANK.encoder, entries, ends, bits)
    return [join(*row, ()) for row in encoder.finish()], bits


@pytest.mark.parametrize("count", [1, 5, 63, 64, 100, 300, 1000, 3000, 10_000, 60_000])
@pytest.mark.parametrize("table", [1, 4, 12, 22, 35])
def test_overhead_is_within_16_bytes_and_1_percent(count, table):
    """From one symbol up, at 0.01 to 5 bits a symbol; nothing is shorter than its code length, bar rounding."""
    (stream,), (bits,) = coded(drawn(np.full(count, table, np.uint8), seed=count))
    assert bits / 8 - 2 <= len(stream) <= bits / 8 + 16 + 0.01 * bits / 8


def test_twin_lanes_that_do_not_taper_cost_too_much(monkeypatch):
    """The twin of the law above: lanes that promise to be cheaper than they are break it."""
    monkeypatch.setattr(layout, "LANE_BYTES", 0.1)
    (stream,), (bits,) = coded(drawn(np.full(3000, 22, np.uint8)))
    assert len(stream) > bits / 8 + 16 + 0.01 * bits / 8


def test_constriction_needs_as_many_bytes():
    """Oracle: constriction's ANS coder on the same frequencies, grouped by table, within 16 bytes + 1 %."""
    rng = np.random.default_rng(8)
    tables = rng.integers(3, 40, 30_000).astype(np.uint8)
    entries = drawn(tables)
    (stream,), _ = coded(entries)
    oracle = constriction.stream.stack.AnsCoder()
    width = BANK.frequencies.shape[1]
    for k in map(int, np.unique(tables)):
        p = BANK.frequencies[k, : BANK.sizes[k] + 1] / 2.0**14
        symbols = (entries[tables == k] - k * width).astype(np.int32)
        oracle.encode_reverse(symbols, constriction.stream.model.Categorical(p, perfect=False))
    oracle_bytes = 4 * len(oracle.get_compressed())
    assert abs(len(stream) - oracle_bytes) <= 16 + 0.01 * oracle_bytes


@given(st.lists(st.integers(0, 300), min_size=1, max_size=5), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_rows_alone_are_rows_together(counts, calls, seed):
    """L6: any rows, any numbers of symbols in any number of calls: same bytes and symbols in company as alone."""
    rng = np.random.default_rng(seed)
    plan = [[int(rng.integers(0, count + 1)) for count in counts] for _ in range(calls)]
    tables = [[rng.integers(1, 40, n).astype(np.uint8) for n in row] for row in plan]
    entries = [[drawn(t, seed % 1000 + i) for i, t in enumerate(row)] for row in tables]

    def together(rows):
        encoder = Encoder(len(rows))
        for call in entries:
            chosen = [call[r] for r in rows]
            ends = np.cumsum([0, *map(len, chosen)])
            flat = np.concatenate(chosen)
            encoder.push(BANK.encoder, flat, ends, escape.rows_sum(BANK.code_lengths.reshape(-1)[flat], ends))
        return encoder.finish()

    everyone = together(range(len(counts)))
    assert everyone == [together([r])[0] for r in range(len(counts))]
    decoder = Decoder(everyone)
    width = BANK.frequencies.shape[1]
    for call, indices in zip(entries, tables, strict=True):
        flat, index = np.concatenate(call), np.concatenate(indices)
        symbols = decoder.decode(BANK.lookup, index, np.cumsum([0, *map(len, call)]))
        column = flat - index.astype(np.int64) * width
        regular = column < BANK.sizes[index]
        assert np.array_equal(symbols[regular], (column + BANK.offsets[index])[regular])
        assert (symbols[~regular] == -(2**31)).all()
    assert not decoder.finish().any()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50), st.integers(-5, 5), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_any_int32_may_escape(symbols, offset, size):
    """Every symbol outside a table comes back, and costs what it is said to cost."""
    bank = bank_from_probabilities([(offset, np.full(size, 1 / (size + 1)))])
    symbols = np.array([s for s in symbols if not offset <= s < offset + size], np.int64)
    tables, ends = np.zeros(len(symbols), np.uint8), np.array([0, len(symbols)])
    encoder = Encoder(1)
    escape.push(encoder, bank, tables, symbols, ends)
    ((taper, stream),) = encoder.finish()
    decoder = Decoder([(taper, stream)])
    assert np.array_equal(escape.read(decoder, bank, tables, ends), symbols) and not decoder.finish().any()
    bits = escape.excess_bits(bank, tables, symbols).sum()
    assert 8 * len(stream) <= bits + 128 + 0.01 * bits


@given(
    st.integers(0, 11), st.integers(0, 7), st.integers(1, 2**30), st.integers(1, 2**20), st.lists(st.binary(max_size=9))
)
def test_headers_come_back(log2, final_log2, symbols, steps, strings):
    """split is the inverse of join for every legal header."""
    lanes, final = 1 << log2, 1 << min(log2, final_log2)
    taper = Taper(lanes, final)
    if final < lanes:
        symbols = max(symbols, lanes)
        taper = Taper(lanes, final, symbols, min(steps, symbols // lanes))
    assert split(join(taper, b"states", strings)) == (taper, b"states", strings)
    assert split(join(Taper(), b"", strings)) == (Taper(), b"", strings)


def test_layout_is_the_specification():
    """Every row of the table in docs/format-entropy.md equals the constant of the same name; none is left over."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "format-entropy.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ") and line[2:5].isupper()]
    assert {name.strip(): float(value) for name, value in rows} == {n: getattr(layout, n) for n in layout.__all__}
