"""The front of a file, read without its tiles: the same header and metadata as from the whole, or a typed error."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from tests.container import files

from calotype.container import build, parse, read_front
from calotype.errors import CalotypeError, LimitError, TruncatedError
from calotype.limits import Limits


@settings(max_examples=60, deadline=None)
@given(files.picture_files())
def test_the_front_is_that_of_the_whole_file(file):
    """Whatever stands around it in the stream before."""
    source = io.BytesIO(b"before" + build(file))
    source.seek(6)
    header, said = read_front(source)
    assert header == file.header and said == file.metadata


def test_tiles_need_not_be_there():
    """Twin: a byte earlier is too early."""
    whole = build(files.sixteen_tiles())
    first = whole.index(b"TILE") + 4
    file = parse(whole)
    assert read_front(io.BytesIO(whole[:first])) == (file.header, file.metadata)
    with pytest.raises(TruncatedError):
        read_front(io.BytesIO(whole[: first - 1]))


@pytest.mark.parametrize("kind", files.examples())
def test_changed_bytes_are_errors_or_change_nothing(kind):
    """L7 for what is read, the index too; what lies in tiles is not looked at."""
    whole = build(files.examples()[kind])
    right = read_front(io.BytesIO(whole))
    for at in range(min(len(whole), 2000)):
        bad = bytearray(whole)
        bad[at] ^= 0x20
        try:
            found = read_front(io.BytesIO(bytes(bad)))
        except CalotypeError:
            continue
        assert found == right, at


def test_limits_hold_before_anything_is_allocated():
    whole = build(files.sixteen_tiles())
    for limits in (Limits(max_pixels=100), Limits(max_metadata_bytes=3), Limits(max_chunks=1)):
        with pytest.raises(LimitError):
            read_front(io.BytesIO(whole), limits)
