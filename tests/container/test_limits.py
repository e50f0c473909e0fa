"""R8: absurd sizes are refused before anything is allocated, at once, with the limit's name."""

from __future__ import annotations

import dataclasses
import io
import time
import tracemalloc

import pytest
from tests.container import files
from tests.container.test_damage import chunks_of, head, sealed

from calotype.container import build, open_file, parse, parse_header, varint
from calotype.container.chunks import frame
from calotype.errors import LimitError, TruncatedError
from calotype.limits import Limits

HEAD = chunks_of(head())[0]
SIXTEEN = build(files.sixteen_tiles())
BILLION = varint.write(10**9)
ROOM = bytes(40)


def spent(call):
    """Seconds and peak bytes of a call."""
    tracemalloc.start()
    started = time.perf_counter()
    call()
    seconds, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak


def raises(error: type[Exception], data: bytes) -> None:
    """Strict reading refuses the data so."""
    with pytest.raises(error):
        parse(data)


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("max_pixels", head(width=BILLION, height=BILLION)),
        ("max_pixels", head(width=varint.write(2**15), height=varint.write(2**15))),
        ("max_samples", head(width=b"\x80\x40", height=b"\x80\x40", groups=b"\7\0\xff\xff\3")),
        ("max_tiles", head(width=b"\x80\x40", height=b"\x80\x40", groups=b"\7\0\1")),
        ("max_chunk_bytes", HEAD + varint.write(2**63) + b"TILE" + ROOM),
        ("max_chunk_bytes", HEAD + varint.write(2**64 - 1) + b"eXIf" + ROOM),
        ("max_chunk_bytes", HEAD + varint.write(2**31) + b"TILE" + ROOM),
    ],
)
@pytest.mark.parametrize("partial", [False, True])
def test_absurd_sizes_cost_nothing(field, data, partial):
    """10**18 pixels, 2**63 bytes: LimitError within 50 ms and without memory."""

    def call():
        if partial and field == "max_chunk_bytes":
            assert parse(data, partial=True).report.damaged_tiles == {0}
            return
        with pytest.raises(LimitError) as caught:
            parse(data, partial=partial)
        assert caught.value.field == field
        assert f"pass Limits({field}=...)" in str(caught.value)

    call()
    seconds, peak = spent(call)
    assert seconds < 0.05
    assert peak < 2**20


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits(max_pixels=2000 * 1900 - 1), "max_pixels"),
        (Limits(max_samples=3 * 2000 * 1900 - 1), "max_samples"),
        (Limits(max_tiles=15), "max_tiles"),
        (Limits(max_chunks=23), "max_chunks"),
        (Limits(max_chunk_bytes=250), "max_chunk_bytes"),
        (Limits(max_metadata_bytes=309), "max_metadata_bytes"),
    ],
)
def test_each_limit_is_kept_and_named(limits, field):
    """One less than what the file needs is refused, by every way of reading that spends it."""
    with pytest.raises(LimitError) as caught:
        parse(SIXTEEN, limits)
    assert caught.value.field == field
    raised = dataclasses.replace(limits, **{field: caught.value.value if field != "max_chunk_bytes" else 400})
    assert parse(SIXTEEN, raised) == files.sixteen_tiles()
    if field not in ("max_chunks", "max_chunk_bytes"):
        with pytest.raises(LimitError):
            parse(SIXTEEN, limits, partial=True)
    if field in ("max_pixels", "max_samples", "max_tiles"):
        with pytest.raises(LimitError):
            parse_header(SIXTEEN, limits)


def test_many_tiles_in_a_small_file_are_truncated_at_once():
    """A file is never shorter than 15 bytes times its tiles, so a bomb has to bring its bytes."""
    data = head(width=b"\x80\x20", height=b"\x80\x20", groups=b"\7\0\1")
    seconds, peak = spent(lambda: raises(TruncatedError, data))
    assert seconds < 0.05
    assert peak < 2**20


def test_a_segment_bomb_in_the_index_is_refused():
    """65536 tiles of 256 segments each need 16 million chunks: more than max_chunks, said before any list is made."""
    header = head(width=b"\x80\x20", height=b"\x80\x20", groups=b"\7\0\1")
    index = b"\2\0" + b"\x80\2" * 65536
    data = sealed([chunks_of_header(header), frame("TIDX", index), bytes(2**20)])
    seconds, peak = spent(lambda: raises(LimitError, data))
    assert seconds < 0.05
    assert peak < 2**20


def chunks_of_header(data: bytes) -> bytes:
    """Magic and HEAD of a file that is otherwise nonsense."""
    return data[: 8 + 1 + 4 + data[8] + 4]


def test_a_file_made_of_false_starts_is_scanned_in_linear_time():
    """Recovering looks for chunks; four letters everywhere must not cost the square of the file."""
    data = HEAD + b"\xf0\x7fTILE" * 60_000
    started = time.process_time()
    assert parse(data, partial=True).report.damaged_tiles == {0}
    assert time.process_time() - started < 3


def test_reading_regions_keeps_the_limits():
    """The same refusals without reading the file."""
    for data in (head(width=BILLION, height=BILLION), HEAD + varint.write(2**63) + b"TILE"):
        with pytest.raises(LimitError):
            open_file(io.BytesIO(data))
    with pytest.raises(LimitError):
        open_file(io.BytesIO(SIXTEEN), Limits(max_chunk_bytes=50))
    with pytest.raises(LimitError):
        open_file(
            io.BytesIO(build(dataclasses.replace(files.one_tile(), ancillary=files.sixteen_tiles().ancillary))),
            Limits(max_metadata_bytes=300),
        )
