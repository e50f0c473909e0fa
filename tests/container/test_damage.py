"""Damage: whatever happens to the bytes, strict reading says so with one of our errors and never hands out a picture."""

from __future__ import annotations

import random
import struct
import zlib
from hashlib import blake2b

import pytest
from tests.container import files, second_reader

from calotype.container import build, header_bytes, parse, parse_header, varint
from calotype.container.chunks import Chunk, frame, walk
from calotype.errors import CorruptError, FormatError, LimitError, TruncatedError, UnsupportedError
from calotype.limits import DEFAULT

EXAMPLES = {name: build(file) for name, file in files.examples().items()}
kinds = pytest.mark.parametrize("data", EXAMPLES.values(), ids=EXAMPLES.keys())


def chunks_of(data: bytes) -> list[bytes]:
    """Header with magic, then every chunk as it stands, without the end chunk."""
    first = len(header_bytes(parse_header(data)))
    return [data[:first], *(data[f.start : f.end] for f in walk(memoryview(data), first, DEFAULT))]


def sealed(pieces: list[bytes]) -> bytes:
    """A file of these chunks whose hash of the file is right: only its contents can betray it."""
    before = b"".join(pieces) + b"\0DONE"
    return before + blake2b(before, digest_size=4).digest()


def refused(data: bytes, errors: type[Exception] = FormatError) -> str:
    """What strict reading says of data that the second reader must refuse as well."""
    with pytest.raises(errors) as caught:
        parse(data)
    with pytest.raises(second_reader.Refused):
        second_reader.read(data)
    return str(caught.value)


@kinds
def test_cut_at_any_byte_is_truncated(data):
    """R2: every length; never a picture, never another error."""
    for length in range(len(data)):
        with pytest.raises(TruncatedError):
            parse(data[:length])
    first = len(header_bytes(parse_header(data)))
    for length in range(first):
        with pytest.raises(TruncatedError):
            parse_header(data[:length])
    assert parse_header(data[:first]) == parse(data).header


@kinds
def test_every_flipped_bit_is_seen(data):
    """R1: every bit of the header, the index and the first chunks, and many of the rest."""
    chosen = random.Random(1)
    every = range(8 * len(data))
    bits = [*every[: 8 * 200], *every[-80:], *chosen.choices(every, k=1500)]
    for bit in bits:
        broken = bytearray(data)
        broken[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises(FormatError):
            parse(broken)


@pytest.mark.long
def test_a_hundred_thousand_flips_are_seen():
    """R1 at the container: more than 100 000 flips over twelve files, none silent."""
    chosen = random.Random(4)
    for seed in range(12):
        data = bytearray(build(files.sixteen_tiles(seed) if seed % 3 else files.one_tile(300 + seed)))
        for _ in range(9000):
            bit = chosen.randrange(8 * len(data))
            data[bit >> 3] ^= 1 << (bit & 7)
            with pytest.raises(FormatError):
                parse(data)
            data[bit >> 3] ^= 1 << (bit & 7)
        parse(data)


def changed(payload: bytes, chosen: random.Random) -> bytes:
    """A payload with a bit flipped, or bytes put in, taken out or set."""
    broken, at = bytearray(payload), chosen.randrange(len(payload) + 1)
    match chosen.randrange(4):
        case 0 if at < len(payload):
            broken[at] ^= 1 << chosen.randrange(8)
        case 1:
            broken.insert(at, chosen.choice((0, 1, 2, 127, 128, 255)))
        case 2:
            del broken[at : at + 1]
        case _:
            broken[at : at + 1] = bytes((chosen.choice((0, 1, 2, 8, 127, 128, 255)),))
    return bytes(broken)


@kinds
def test_both_readers_accept_the_same_files(data):
    """Payloads changed under right CRCs and a right hash: two readers, one opinion, and what is read is built again."""
    pieces, chosen, accepted = chunks_of(data), random.Random(6), 0
    for _ in range(1500):
        at = chosen.choice((0, 1, 1, 2, chosen.randrange(len(pieces)))) % len(pieces)
        piece = pieces[at][8:] if at == 0 else pieces[at]
        start = varint.read(piece, 0, "")[1]
        again = frame(piece[start : start + 4].decode(), changed(piece[start + 4 : -4], chosen))
        new = sealed([*pieces[:at], (pieces[0][:8] if at == 0 else b"") + again, *pieces[at + 1 :]])
        try:
            file = parse(new)
        except LimitError:
            continue
        except (FormatError, UnsupportedError):
            with pytest.raises(second_reader.Refused):
                second_reader.read(new)
            continue
        accepted += new != data
        assert build(file) == new
        assert len(second_reader.read(new).tiles) == len(file.tiles)
    assert accepted > 20


@kinds
def test_bursts_splices_and_copies_are_seen(data):
    """R3: bytes overwritten, moved, dropped, repeated, or taken from a sibling with the same header."""
    chosen = random.Random(2)
    sibling = build(files.sixteen_tiles(seed=9))
    for _ in range(400):
        broken = bytearray(data)
        at, length, other = chosen.randrange(len(data)), chosen.randrange(1, 200), chosen.randrange(len(data))
        match chosen.randrange(5):
            case 0:
                broken[at : at + length] = chosen.randbytes(min(length, len(data) - at))
            case 1:
                broken[at:at] = data[other : other + length]
            case 2:
                del broken[at : at + length]
            case 3:
                broken[at : at + length] = data[other : other + length]
            case 4:
                broken[at:] = sibling[at:]
        if broken not in (data, sibling):
            # A stream read as a length may ask for more than the limits allow, before it is found too long.
            with pytest.raises((FormatError, LimitError)):
                parse(broken)


@kinds
def test_something_after_the_end_is_seen(data):
    """A file ends where it says: nothing appended, no second file behind it."""
    for more in (b"\0", b"\n", data):
        assert "more bytes" in refused(data + more, CorruptError)


@kinds
def test_chunks_twice_out_of_order_or_missing_are_seen(data):
    """Even where the hash of the file was computed anew, structure and index betray them."""
    pieces = chunks_of(data)
    assert sealed(pieces) == data
    for at in range(1, len(pieces)):
        kind = pieces[at][varint.size_bytes(varint.read(pieces[at], 0, "")[0]) :][:4]
        if kind in (b"cOMm", b"zzZz", b"eXIf", b"iCCP", b"oRIe"):
            continue
        refused(sealed([*pieces[:at], pieces[at], *pieces[at:]]))
        refused(sealed([*pieces[:at], *pieces[at + 1 :]]))
        if at + 1 < len(pieces):
            refused(sealed([*pieces[:at], pieces[at + 1], pieces[at], *pieces[at + 2 :]]))
    refused(sealed([*pieces, frame("HEAD", b"")]))
    refused(sealed([*pieces, pieces[-1]])) if b"TILE" in pieces[-1] else None


def test_a_tile_of_a_sibling_is_seen():
    """Same header, same length, right CRC, right hash of the file: the index knows its chunks."""
    mine, other = (chunks_of(build(files.sixteen_tiles(seed=seed, shared=True))) for seed in (1, 2))
    assert mine[0] == other[0]
    for at in range(1, len(mine)):
        if mine[at] != other[at] and b"eXIf" not in mine[at][:7]:
            assert len(mine[at]) == len(other[at])
            refused(sealed([*mine[:at], other[at], *mine[at + 1 :]]), CorruptError)


@pytest.mark.parametrize(
    ("damage", "hint"),
    [
        (lambda d: d.replace(b"\r\n", b"\n"), "transferred as text"),
        (lambda d: d.replace(b"\n", b"\r\n"), "transferred as text"),
        (lambda d: bytes(b & 127 for b in d), "transferred as text"),
        (lambda d: d[:6] + d[7:], "transferred as text"),
        (lambda d: b"\x89PNG\r\n\x1a\n" + d[8:], "not a Calotype picture"),
    ],
)
def test_the_magic_detects_text_mode(damage, hint):
    """CR LF, LF, the high bit and the end-of-text byte."""
    assert hint in refused(damage(build(files.one_tile())))


def head(**changes: bytes) -> bytes:
    """A file of one raw tile of 2 x 3 grey pixels, with single fields of HEAD replaced."""
    fields = {"version": b"\1\0", "width": b"\2", "height": b"\3", "groups": b"\7\2\1"}
    fields |= {"model": bytes(8), "quality": b"\0", "side": b"\1"} | changes
    payload = b"".join(fields.values())
    magic = bytes.fromhex("ca43414c0d0a1a0a")
    return sealed([magic + frame("HEAD", payload), frame("TILE", b"\0\2HASH" + bytes(6))])


def test_a_file_by_hand():
    """The smallest file, from the page's tables byte by byte."""
    payload = bytes((1, 0, 2, 3, 7, 2, 1, *bytes(8), 0, 1))
    said = bytes.fromhex("ca43414c0d0a1a0a") + bytes((len(payload),)) + b"HEAD" + payload
    said += struct.pack("<I", zlib.crc32(b"HEAD" + payload))
    tile = b"\0\2HASHabcdef"
    said += bytes((len(tile),)) + b"TILE" + tile + struct.pack("<I", zlib.crc32(b"TILE" + tile)) + b"\0DONE"
    said += blake2b(said, digest_size=4).digest()
    file = parse(said)
    assert (file.header.width_px, file.header.height_px, file.header.planes) == (2, 3, 1)
    assert file.tiles[0].segments[0].data == b"abcdef"
    assert build(file) == said
    assert head() == build(parse(head()))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("width", {"width": b"\0"}),
        ("height", {"height": b"\0"}),
        ("width", {"width": b"\x80\x80\x80\x80\x04"}),
        ("width", {"width": b"\x82\0"}),
        ("width", {"width": b"\xff" * 10}),
        ("colour", {"groups": b"\7\x82\1"}),
        ("planes", {"groups": b"\7\2\2"}),
        ("planes", {"groups": b"\7\0\0"}),
        ("planes", {"groups": b"\7\0\x80\x80\x04"}),
        ("repeats", {"groups": b"\7\x42\1\1"}),
        ("depth of float samples", {"groups": b"\x47\2\1"}),
        ("plane groups", {"groups": b"\x87\2\1" * 5}),
        ("planes", {"groups": b"\x87\0\xff\xff\3\7\2\1"}),
        ("quality", {"quality": b"\x92\x4e"}),
        ("tile side", {"side": b"\0"}),
        ("tile side", {"side": b"\x81\x08"}),
        ("end", {"side": b"\1\0"}),
        ("tile side", {"side": b""}),
        ("major version", {"version": b"\0\0"}),
        ("bytes of raw tile 0", {"width": b"\3"}),
    ],
)
def test_illegal_headers_name_their_field(field, changes):
    """All ranges of section 4, with right CRC and hash."""
    assert field in refused(head(**changes))


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("format version", head(version=b"\2\0")),
        ("sample type", head(groups=b"\x67\2\1")),
        ("colour", head(groups=b"\7\x0a\1")),
        ("coding mode", sealed([*chunks_of(head())[:1], frame("TILE", b"\0\4HASH" + bytes(6))])),
        ("critical chunk", sealed([*chunks_of(head()), frame("ABCD", b"")])),
        ("encryption", sealed([chunks_of(head())[0], frame("ENCR", b""), *chunks_of(head())[1:]])),
        ("alpha plane", sealed([chunks_of(head())[0], frame("ALPH", b""), *chunks_of(head())[1:]])),
    ],
)
def test_what_a_later_release_means_is_refused_by_name(what, data):
    """Legal for somebody, not for us: UnsupportedError, exit code 5."""
    assert what in refused(data, UnsupportedError)


def test_a_later_minor_version_and_unknown_ancillary_chunks_are_read():
    """They are kept, in their places, byte-identical."""
    pieces = chunks_of(head(version=b"\1\x09"))
    data = sealed([pieces[0], frame("neWw", b"before"), pieces[1], frame("pARY", b"after")])
    file = parse(data)
    assert file.header.minor == 9
    assert file.ancillary == (Chunk("neWw", b"before"),)
    assert file.trailing == (Chunk("pARY", b"after"),)
    assert build(file) == data
    assert not file.ancillary[0].critical
    assert file.ancillary[0].private
    assert file.ancillary[0].safe_to_copy


def _tile_payload(coding: int, *fields: int) -> bytes:
    return bytes((0,)) + varint.write(coding) + bytes(fields) + b"HASH" + bytes(6)


@pytest.mark.parametrize(
    ("field", "pieces"),
    [
        ("TILE number", [frame("TILE", b"\1" + _tile_payload(2)[1:])]),
        ("TILE coding", [frame("TILE", _tile_payload(16384))]),
        ("TILE check", [frame("TILE", b"\0\2HAS")]),
        ("TILE segments", [frame("TILE", _tile_payload(9, 0, 1))]),
        ("TILE segments", [frame("TILE", _tile_payload(9, 3, 3))]),
        ("TIDX", [frame("TILE", _tile_payload(9, 0, 2))]),
        ("TIDX entries", [frame("TIDX", b"\0\0\6HASH"), frame("TILE", _tile_payload(2))]),
        ("TIDX flags", [frame("TIDX", b"\x08\0\6HASH"), frame("TILE", _tile_payload(2))]),
        ("TIDX flags", [frame("TIDX", b"\2\0\1\6HASH"), frame("TILE", _tile_payload(2))]),
        ("TIDX flags", [frame("TIDX", b"\3\0\2\6HASH\6HASH"), frame("TILE", _tile_payload(9, 0, 2))]),
        ("TIDX length", [frame("TIDX", b"\2\0\2\5HASH\6HASH"), frame("TILE", _tile_payload(9, 0, 2))]),
        ("PICT segments", [frame("PICT", b"\0"), frame("TILE", _tile_payload(2))]),
        ("PICT length", [frame("PICT", b"\1\7HASH"), frame("TILE", _tile_payload(2))]),
        ("PICT end", [frame("PICT", b"\1\0HASHx"), frame("TILE", _tile_payload(2))]),
        ("oRIe", [frame("oRIe", b""), frame("TILE", _tile_payload(2))]),
        ("DONE", [frame("TILE", _tile_payload(2)), b"\1DONEx"]),
    ],
)
def test_illegal_payloads_name_their_field(field, pieces):
    """All ranges of sections 5 and 6, with right CRCs and hash."""
    assert field in refused(sealed([chunks_of(head())[0], *pieces]))


def test_varints_have_one_spelling():
    """The shortest, below 2**64."""
    for value in (0, 1, 127, 128, 2**14 - 1, 2**14, 2**63, 2**64 - 1):
        said = varint.write(value)
        assert varint.read(said, 0, "") == (value, len(said)) == (value, varint.size_bytes(value))
    for wrong in (b"\x80\0", b"\xff" * 9 + b"\2", b"\x80" * 10 + b"\1"):
        with pytest.raises(CorruptError):
            varint.read(wrong, 0, "")
