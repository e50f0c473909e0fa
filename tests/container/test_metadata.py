"""R16: metadata come back byte-identical, whatever they contain."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.container import files

from calotype.container import Metadata, Resolution, build, parse
from calotype.errors import UsageError


@given(files.metadata)
def test_metadata_come_back(metadata):
    """Through a file; what is absent stays absent."""
    file = dataclasses.replace(files.one_tile(10), ancillary=metadata.chunks())
    assert parse(build(file)).metadata == metadata
    assert parse(build(file), partial=True).metadata == metadata


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_usual_resolutions_keep_their_value(x_100ths, y_100ths):
    """Hundredths of a dot per inch, as cameras and scanners write them, come back as the same float."""
    assert Resolution.from_dpi(x_100ths / 100, y_100ths / 100).dpi == (x_100ths / 100, y_100ths / 100)


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("resolution", lambda: Resolution((1, 0), (1, 1))),
        ("resolution", lambda: Resolution((2**32, 1), (1, 1))),
        ("resolution", lambda: Resolution.from_dpi(float("nan"), 72)),
        ("resolution", lambda: Resolution.from_dpi(72, float("inf"))),
        ("resolution", lambda: Resolution.from_dpi(-1, 72)),
        ("orientation", lambda: Metadata(orientation=0).chunks()),
        ("modified_ns", lambda: Metadata(modified_ns=2**63).chunks()),
    ],
)
def test_impossible_metadata_is_refused(argument, make):
    """By the argument's name."""
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.argument == argument


def test_comments_that_are_not_text_do_not_stop_anything():
    """Bytes are kept; what is shown replaces what is no UTF-8."""
    file = dataclasses.replace(files.one_tile(10), ancillary=(files.Chunk("cOMm", b"ok\xff"),))
    assert parse(build(file)) == file
    assert file.metadata.comments == ("ok�",)
