"""Residuals to a rANS stream and back: tables, escapes, low bits. Two ports with one method; knows no predictions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from calotype.coding import escape, stream
from calotype.coding.layout import CHUNK_BITS, PRECISION_BITS
from calotype.coding.measuring import bits_of
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.tables import ESCAPED, lookup_entries
from calotype.errors import CorruptError
from calotype.lossless.shapes import bank

__all__ = ["MeasuringSymbolReader", "SymbolReader", "SymbolWriter"]


@lru_cache(maxsize=1)
def _uniform() -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Uniform tables of 0..8 bits for the writer (value v of k bits is entry 2**k - 1 + v) and for the reader."""
    wide = range(CHUNK_BITS + 1)
    frequencies = [np.full(1 << k, 1 << (PRECISION_BITS - k)) for k in wide]
    cumulative = [np.arange(1 << k) << (PRECISION_BITS - k) for k in wide]
    encoder = (np.append(np.concatenate(frequencies), 1 << PRECISION_BITS).astype(np.float64),
               np.append(np.concatenate(cumulative), 0).astype(np.float64))  # fmt: skip
    slots = np.arange(1 << PRECISION_BITS, dtype=np.int64)
    shifts = [PRECISION_BITS - k for k in (*wide, 0)]
    return encoder, np.concatenate([lookup_entries(1 << s, slots & ((1 << s) - 1), slots >> s) for s in shifts])


def _whole(count: int) -> np.ndarray:
    return np.array([0, count])


class SymbolWriter:
    """Queues residuals."""

    spent = np.zeros(0, np.float32)  # nothing: only `MeasuringSymbolReader` measures

    def __init__(self) -> None:
        self._encoder = Encoder(1)

    def code(self, tables: np.ndarray, bits: np.ndarray | None, values: np.ndarray) -> np.ndarray:
        """Queue `values`, integers [n], with these tables of the bank and so many low bits (None: none anywhere)."""
        if not values.size:
            return values
        symbols = values.astype(np.int64)
        if bits is not None:
            symbols = np.where(bits > 0, -(symbols >> bits), symbols)
        known = bank()
        sizes, column = known.sizes.take(tables), symbols - known.offsets.take(tables)
        (out,) = ((column < 0) | (column >= sizes)).nonzero()
        column[out] = sizes[out]
        entries = tables.astype(np.int64) * known.frequencies.shape[1] + column
        ends = _whole(len(entries))
        lengths = escape.rows_sum(known.code_lengths.reshape(-1).take(entries), ends)
        self._encoder.push(known.encoder, entries, ends, lengths)
        if out.size:
            escape.push(self._encoder, known, tables[out], symbols[out], _whole(out.size))
        if bits is not None:
            self.plain(bits, values)
        return values

    def plain(self, bits: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Queue so many low bits of each value as they are, eight at a time from the lowest."""
        encoder, _ = _uniform()
        for done in range(0, int(bits.max(initial=0)), CHUNK_BITS):
            (some,) = (bits > done).nonzero()
            wide = np.minimum(bits[some] - done, CHUNK_BITS).astype(np.int64)
            chunk = (values[some].astype(np.int64) >> done) & ((1 << wide) - 1)
            self._encoder.push(encoder, (1 << wide) - 1 + chunk, _whole(some.size), np.array([float(wide.sum())]))
        return values

    def finish(self) -> bytes:
        """The stream."""
        ((taper, coded),) = self._encoder.finish()
        return stream.join(taper, coded, [])


class SymbolReader:
    """Reads what a `SymbolWriter` wrote; damage shows in `finish`, if not before."""

    spent = np.zeros(0, np.float32)

    def __init__(self, data: bytes) -> None:
        taper, coded, strings = stream.split(data)
        if strings:
            raise CorruptError("lossless stream", found="byte strings", expected="none")
        self._decoder = Decoder([(taper, coded)])

    def code(self, tables: np.ndarray, bits: np.ndarray | None, values: None = None) -> np.ndarray:
        """Integers [n]; after damage zeros, or anything below 2**33 in magnitude."""
        if not tables.size:
            return np.zeros(0, np.int64)
        known, ends = bank(), _whole(len(tables))
        symbols = self._decoder.decode(known.lookup, tables, ends)
        if symbols.min() == ESCAPED:
            (out,) = (symbols == ESCAPED).nonzero()
            symbols = symbols.astype(np.int64)
            symbols[out] = escape.read(self._decoder, known, tables[out], _whole(out.size))
        if bits is not None:
            symbols = np.where(bits > 0, -symbols.astype(np.int64) << bits, symbols) + self.plain(bits)
        self.check()
        return symbols

    def plain(self, bits: np.ndarray, values: None = None) -> np.ndarray:
        """int64 [n], not negative: so many bits each."""
        found, (_, lookup) = np.zeros(len(bits), np.int64), _uniform()
        for done in range(0, int(bits.max(initial=0)), CHUNK_BITS):
            (some,) = (bits > done).nonzero()
            wide = np.minimum(bits[some] - done, CHUNK_BITS)
            found[some] += self._decoder.decode(lookup, wide, _whole(some.size)).astype(np.int64) << done
        return found

    def check(self) -> None:
        """Raise CorruptError if the stream is known to be damaged."""
        if self._decoder.flagged.any():
            raise CorruptError("lossless stream", found="words that run out", expected="a whole stream")

    def finish(self) -> None:
        """Raise CorruptError unless everything was read and the states are where they began."""
        if self._decoder.finish().any():
            raise CorruptError("lossless stream", found="states that do not close", expected="an undamaged stream")


class MeasuringSymbolReader(SymbolReader):
    """The same; `spent`, float32 [n], is what each integer of the last call has cost in bits."""

    def code(self, tables: np.ndarray, bits: np.ndarray | None, values: None = None) -> np.ndarray:
        found = super().code(tables, bits, values)
        symbols = found if bits is None else np.where(bits > 0, -(found >> bits), found)
        self.spent = bits_of(bank(), tables, symbols) + (0 if bits is None else bits)
        return found
