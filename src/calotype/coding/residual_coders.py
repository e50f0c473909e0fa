"""Classical coders of planes of small integers, for comparison on the same numbers: each makes a string of bytes.

`of(name)` finds one. Numbers are prediction errors turned into 0, 1, 2, ... (`folded`); what predicts is not known here.
Calotype's own streams are rANS with frozen tables (rans.py); "arithmetic" is the same coder with tables that adapt.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import numpy as np

from calotype.coding import stream
from calotype.coding.layout import PRECISION_BITS
from calotype.coding.prefix import Codes, lengths_of
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.tables import lookup_entries
from calotype.errors import FormatError, UsageError

__all__ = ["NAMES", "Coder", "folded", "magnitudes_above", "of", "unfolded"]

TOP = 255  # as a byte it says: the number is this or more, and stands as two bytes behind


class Coder(Protocol):
    """Numbers int32 [planes, h, w], 0 to 65535, to bytes and back; damaged bytes give any numbers, never an error."""

    def encode(self, numbers: np.ndarray) -> bytes: ...

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray: ...


def folded(errors: np.ndarray) -> np.ndarray:
    """0, -1, 1, -2, 2, ... -> 0, 1, 2, 3, 4, ..."""
    return np.where(errors < 0, -2 * errors - 1, 2 * errors)


def unfolded(numbers: np.ndarray) -> np.ndarray:
    """The inverse of `folded`."""
    return np.where(numbers & 1, -((numbers + 1) >> 1), numbers >> 1)


class _Bytes:
    """Numbers as bytes in raster order, those beyond TOP behind; what codes the bytes is the subclass's."""

    def encode(self, numbers: np.ndarray) -> bytes:
        flat = numbers.ravel()
        large = flat[flat >= TOP] - TOP
        extra = np.minimum(large, 65535).astype("<u2").tobytes()
        return len(extra).to_bytes(4, "little") + extra + self.pack(np.minimum(flat, TOP).astype(np.uint8))

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
        count = min(int.from_bytes(data[:4], "little"), max(0, len(data) - 4)) // 2 * 2
        extra = np.frombuffer(data[4 : 4 + count], "<u2").astype(np.int32)
        size = int(np.prod(shape))
        found = np.zeros(size, np.int32)
        read = self.unpack(data[4 + count :], size)[:size]
        found[: len(read)] = read
        (large,) = np.nonzero(found == TOP)
        found[large[: len(extra)]] += extra[: len(large)]
        return found.reshape(shape)

    def pack(self, values: np.ndarray) -> bytes:
        raise NotImplementedError

    def unpack(self, data: bytes, count: int) -> np.ndarray:
        """About `count` values, uint8 or int32."""
        raise NotImplementedError


class Huffman(_Bytes):
    """One canonical code for all, its 256 lengths in front, a byte for two (Huffman 1952)."""

    def pack(self, values: np.ndarray) -> bytes:
        counts = np.bincount(values, minlength=256)
        present = np.flatnonzero(counts)
        lengths = np.zeros(256, np.uint8)
        lengths[present] = lengths_of(counts[present])
        return (lengths[::2] << 4 | lengths[1::2]).tobytes() + Codes(lengths[None]).pack(values)

    def unpack(self, data: bytes, count: int) -> np.ndarray:
        pairs = np.frombuffer(data[:128].ljust(128, b"\0"), np.uint8)
        lengths = np.stack([pairs >> 4, pairs & 15], 1).reshape(1, 256)
        try:
            return Codes(lengths).unpack(data[128:], np.zeros(count, np.int64))
        except UsageError:  # no code has these lengths: a damaged string
            return np.zeros(count, np.int32)


class Deflate(_Bytes):
    """LZ77 and Huffman codes, as in PNG (RFC 1951), level 9."""

    def pack(self, values: np.ndarray) -> bytes:
        return zlib.compress(values.tobytes(), 9)

    def unpack(self, data: bytes, count: int) -> np.ndarray:
        try:
            return np.frombuffer(zlib.decompressobj().decompress(data, count), np.uint8)
        except zlib.error:
            return np.zeros(0, np.uint8)


class Runs(_Bytes):
    """Run lengths: a byte as it is; after two equal ones a byte that says how many more follow, up to 255."""

    def pack(self, values: np.ndarray) -> bytes:
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if values.size else np.zeros(0, np.int64)
        lengths = np.diff(np.append(starts, values.size))
        # Runs longer than 2 + 255 are several runs.
        pieces = -(-lengths // 257)
        first = np.repeat(starts, pieces)
        place = np.arange(first.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        length = np.minimum(np.repeat(lengths, pieces) - 257 * place, 257)
        value = values[first]
        size = np.where(length == 1, 1, 3)
        at = np.cumsum(size) - size
        out = np.zeros(int(size.sum()), np.uint8)
        out[at] = value
        longer = length > 1
        out[at[longer] + 1], out[at[longer] + 2] = value[longer], length[longer] - 2
        return out.tobytes()

    def unpack(self, data: bytes, count: int) -> np.ndarray:
        # Where a run begins depends on all before it, so this loop is by run.
        values, lengths, at, last = bytearray(), [], 0, len(data)
        while at < last:
            byte = data[at]
            values.append(byte)
            if at + 2 < last and data[at + 1] == byte:
                lengths.append(2 + data[at + 2])
                at += 3
            else:
                lengths.append(1)
                at += 1
        return np.repeat(np.frombuffer(values, np.uint8), lengths)[:count]


class Lzw(_Bytes):
    """Lempel-Ziv-Welch, codes of 9 to 16 bits, no more words once the dictionary is full (Welch 1984)."""

    most = 1 << 16

    def pack(self, values: np.ndarray) -> bytes:
        words: dict[tuple[int, int], int] = {}
        codes, word, size = [], -1, 256
        for byte in values.tolist():
            longer = words.get((word, byte), -1) if word >= 0 else byte
            if longer >= 0:
                word = longer
                continue
            codes.append(word)
            if size < self.most:
                words[word, byte] = size
                size += 1
            word = byte
        if word >= 0:
            codes.append(word)
        widths = self._widths(len(codes))
        bits = np.zeros(int(widths.sum()), np.uint8)
        ends, numbers = np.cumsum(widths), np.array(codes, np.int64)
        for place in range(16):
            (some,) = np.nonzero(widths > place)
            bits[ends[some] - 1 - place] = (numbers[some] >> place) & 1
        return len(codes).to_bytes(4, "little") + np.packbits(bits).tobytes()

    def unpack(self, data: bytes, count: int) -> np.ndarray:
        codes = min(int.from_bytes(data[:4], "little"), 8 * max(0, len(data) - 4) // 9)
        widths = self._widths(codes)
        starts = np.cumsum(widths) - widths
        body = np.frombuffer(data[4:] + bytes(4), np.uint8).astype(np.int64)
        byte = np.minimum(starts >> 3, len(body) - 3)
        window = body[byte] << 16 | body[byte + 1] << 8 | body[byte + 2]
        numbers = (window >> (24 - widths - (starts & 7))) & ((1 << widths) - 1)
        words = [bytes([byte]) for byte in range(256)]
        out, before, length = [], b"", 0
        for number in numbers.tolist():
            if number < len(words):
                word = words[number]
            else:  # the word that is being made; anything else is damage
                word = before + before[:1]
            if before and len(words) < self.most:
                words.append(before + word[:1])
            out.append(word)
            length += len(word)
            if length >= count:
                break
            before = word
        return np.frombuffer(b"".join(out), np.uint8)[:count]

    def _widths(self, codes: int) -> np.ndarray:
        """Bits of each code: enough for all words that there are when it is written."""
        size = np.minimum(256 + np.arange(codes), self.most)
        return np.maximum(9, np.ceil(np.log2(size + 1)).astype(np.int64)).clip(max=16)


class Golomb:
    """Golomb-Rice codes whose parameter follows from six numbers of the two rows above (Weinberger et al. 2000).

    All unary parts stand first, then all binary ones, row by row: so each is read at once, and only the parameter goes
    from row to row.
    """

    unary, raw = 24, 16  # so many zeros: the number stands in 16 bits

    def encode(self, numbers: np.ndarray) -> bytes:
        height = numbers.shape[1]
        shift = np.stack([self._shift(numbers, row) for row in range(height)])  # h p w
        rows = np.minimum(numbers, 65535).transpose(1, 0, 2)
        quotient = np.minimum(rows >> shift, self.unary)
        out = quotient == self.unary
        ends = np.cumsum(quotient.ravel() + 1)
        bits = np.zeros(int(ends[-1]), np.uint8)
        bits[ends - 1] = 1
        widths = np.where(out, self.raw, shift).ravel().astype(np.int64)
        rest = np.where(out, rows, rows & ((1 << shift) - 1)).ravel()
        stops = np.cumsum(widths)
        binary = np.zeros(int(stops[-1]), np.uint8)
        for place in range(int(widths.max(initial=0))):
            (some,) = np.nonzero(widths > place)
            binary[stops[some] - 1 - place] = (rest[some] >> place) & 1
        return len(bits).to_bytes(4, "little") + np.packbits(bits).tobytes() + np.packbits(binary).tobytes()

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
        planes, height, width = shape
        count = planes * height * width
        length = min(int.from_bytes(data[:4], "little"), 8 * max(0, len(data) - 4))
        body = np.frombuffer(data[4:], np.uint8)
        cut = -(-length // 8)
        ones = np.flatnonzero(np.unpackbits(body[:cut])[:length])[:count]
        quotient = np.zeros(count, np.int64)
        quotient[: len(ones)] = np.minimum(np.diff(ones, prepend=-1) - 1, self.unary)
        quotient = quotient.reshape(height, planes, width)
        binary = np.concatenate([body[cut:], np.zeros(4, np.uint8)]).astype(np.int64)
        found, at, last = np.zeros(shape, np.int32), 0, 8 * (len(binary) - 4)
        for row in range(height):
            shift = self._shift(found, row)
            out = quotient[row] == self.unary
            widths = np.where(out, self.raw, shift)
            stops = at + np.cumsum(widths.ravel()).reshape(widths.shape)
            starts = np.minimum(stops - widths, last)
            at = int(stops[-1, -1])
            byte = starts >> 3
            window = binary[byte] << 16 | binary[byte + 1] << 8 | binary[byte + 2]
            rest = (window >> (24 - widths - (starts & 7))) & ((1 << widths) - 1)
            found[:, row] = np.where(out, rest, (quotient[row] << shift) + rest)
        return found

    def _shift(self, numbers: np.ndarray, row: int) -> np.ndarray:
        """The parameter of every number of a row: int64 [planes, width]."""
        planes, _, width = numbers.shape
        if row == 0:
            return np.full((planes, width), 3, np.int64)
        eight = magnitudes_above(numbers, row)
        # 0.69 of the mean is where one more bit of shift begins to pay.
        return np.minimum(np.frexp(((eight * 11) >> 7).astype(np.float64))[1], 15).astype(np.int64)


class Arithmetic:
    """rANS with tables that adapt: eight contexts by the numbers above, counts that grow with each row and age.

    Adaptive arithmetic coding of many symbols (Witten, Neal, Cleary 1987), a row at a time.
    """

    contexts, symbols, every, one = 8, 256, 4, 1536

    def encode(self, numbers: np.ndarray) -> bytes:
        coder, counts = Encoder(1), self._start()
        held = np.minimum(numbers, TOP)
        flat, cost = self._tables(counts)
        for row in range(numbers.shape[1]):
            if row % self.every == 0:
                flat, cost = self._tables(counts)
            context = self._context(numbers, row)
            entries = (context * self.symbols + held[:, row]).ravel().astype(np.int32)
            bits = cost.ravel()[entries].sum()
            coder.push(flat, entries, np.array([0, entries.size]), np.array([bits]))
            np.add.at(counts.reshape(-1), entries, self.one)
            counts = self._aged(counts)
        ((taper, coded),) = coder.finish()
        large = numbers.ravel()[numbers.ravel() >= TOP] - TOP
        extra = np.minimum(large, 65535).astype("<u2").tobytes()
        return len(extra).to_bytes(4, "little") + extra + stream.join(taper, coded, [])

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
        count = min(int.from_bytes(data[:4], "little"), max(0, len(data) - 4)) // 2 * 2
        extra = np.frombuffer(data[4 : 4 + count], "<u2").astype(np.int32)
        planes, height, width = shape
        found, counts = np.zeros(shape, np.int32), self._start()
        try:
            taper, coded, _ = stream.split(data[4 + count :])
        except FormatError:
            return found
        coder = Decoder([(taper, coded)])
        lookup = np.empty(0, np.int64)
        for row in range(height):
            if row % self.every == 0:
                lookup = self._lookup(self._frequencies(counts))
            context = self._context(found, row)
            symbols = coder.decode(lookup, context.ravel(), np.array([0, context.size])).reshape(planes, width)
            np.add.at(counts.reshape(-1), (context * self.symbols + symbols).ravel(), self.one)
            counts = self._aged(counts)
            found[:, row] = symbols
        flat = found.ravel()
        (large,) = np.nonzero(flat == TOP)
        flat[large[: len(extra)]] += extra[: len(large)]
        return found

    def _tables(self, counts: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """What `Encoder.push` wants, and the bits of every entry."""
        frequencies = self._frequencies(counts)
        cumulative = np.cumsum(frequencies, 1) - frequencies
        whole = 1 << PRECISION_BITS
        flat = np.append(frequencies, whole).astype(np.float64), np.append(cumulative, 0).astype(np.float64)
        return flat, PRECISION_BITS - np.log2(frequencies)

    def _start(self) -> np.ndarray:
        """Counts before the first row: geometric, wider from context to context. Integers, as all that choose tables are."""
        wide = 3 << np.arange(self.contexts)  # twice the mean
        found = np.empty((self.contexts, self.symbols), np.int64)
        value = np.int64(1 << 11) >> np.arange(self.contexts)
        for symbol in range(self.symbols):
            found[:, symbol] = np.maximum(value, 1)
            value = value - (2 * value + wide - 1) // wide
        return found

    def _aged(self, counts: np.ndarray) -> np.ndarray:
        return np.where(counts.sum(1, keepdims=True) > 1 << 26, (counts + 1) >> 1, counts)

    def _frequencies(self, counts: np.ndarray) -> np.ndarray:
        """Integers [contexts, symbols] of at least 1 whose rows sum to 2**14."""
        total = 1 << PRECISION_BITS
        found = 1 + counts * (total - self.symbols) // counts.sum(1, keepdims=True)
        found[np.arange(self.contexts), counts.argmax(1)] += total - found.sum(1)
        return found

    def _lookup(self, frequencies: np.ndarray) -> np.ndarray:
        slots = np.arange(1 << PRECISION_BITS, dtype=np.int64)
        found = np.empty((self.contexts + 1, slots.size), np.int64)
        found[-1] = lookup_entries(1 << PRECISION_BITS, slots, 0)
        symbols = np.arange(self.symbols)
        for row, table in zip(found, frequencies, strict=False):
            start = np.repeat(np.cumsum(table) - table, table)
            row[:] = lookup_entries(np.repeat(table, table), slots - start, np.repeat(symbols, table))
        return found.ravel()

    def _context(self, numbers: np.ndarray, row: int) -> np.ndarray:
        if row == 0:
            return np.full((numbers.shape[0], numbers.shape[2]), 3)
        # A decoder learns how large the large ones are only at the end, so all count alike.
        above = np.where(numbers[:, max(0, row - 2) : row] < TOP, numbers[:, max(0, row - 2) : row], TOP + 64)
        return np.searchsorted([3, 8, 16, 32, 64, 128, 256], magnitudes_above(above, above.shape[1]), side="right")


def magnitudes_above(numbers: np.ndarray, row: int) -> np.ndarray:
    """Twice above, twice two above, above to the left and right, two further: int64 [planes, width]."""
    above = numbers[:, row - 1].astype(np.int64)
    far = numbers[:, row - 2] if row > 1 else above
    padded = np.pad(above, ((0, 0), (2, 2)), mode="edge")
    return 2 * above + 2 * far + padded[:, 1:-3] + padded[:, 3:-1] + padded[:, :-4] + padded[:, 4:]


_CODERS: dict[str, type] = {
    "huffman": Huffman, "golomb": Golomb, "rle": Runs, "lzw": Lzw, "deflate": Deflate, "arithmetic": Arithmetic,
}  # fmt: skip
NAMES = (*_CODERS, "binary")


def of(name: str) -> Coder:
    """The coder of that name; UsageError names them all."""
    if name == "binary":
        from calotype.coding.binary_coder import Binary  # which knows this file

        return Binary()
    if name not in _CODERS:
        raise UsageError("coder", value=name, allowed=", ".join(NAMES))
    return _CODERS[name]()
