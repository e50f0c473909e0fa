"""Errors say the value, the limit and the way out, carry them as attributes, and survive the way between processes."""

from __future__ import annotations

import pickle

import pytest

from calotype import errors

EXAMPLES = [
    (errors.FormatError("header width", found=0, expected="1 and above", offset=12), "header width", "at byte 12", 4),
    (errors.TruncatedError("TILE", offset=99, expected="9 more bytes"), "TILE is cut short", "9 more bytes", 4),
    (errors.CorruptError("end check", found=b"\1\2", expected=b"\3\4"), "damaged", "0102", 4),
    (errors.UnsupportedError("format version", found=2, supported=1, hint="update"), "format version 2", "update", 5),
    (errors.UnsupportedMode("CMYK", conversion='Image.convert("RGB")'), "CMYK", 'Image.convert("RGB")', 5),
    (errors.ModelError("no such model", wanted="swift", looked="the store"), "wanted swift", "looked in", 6),
    (errors.ExtraMissing("training", package="torch", extra="train"), "torch", "pip install 'calotype[train]'", 6),
    (errors.LimitError("pixels", value=10**10, limit=2**28, field="max_pixels"), "10_000_000_000", "max_pixels=", 7),
    (errors.TargetExists("a.calo"), "a.calo exists already", "--force", 8),
    (
        errors.TargetMissed(
            "rate of 2 bpp", reached="1.4 bpp", quality=100.0, around="quality 100 is the best there is"
        ),
        "rate of 2 bpp is missed; the nearest is 1.4 bpp (quality 100)",
        "--best-effort",
        10,
    ),
    (errors.FileError("b.png", "permission denied"), "b.png", "permission denied", 9),
    (errors.UsageError("quality", value=101, allowed="1 to 100"), "quality: 101", "1 to 100", 2),
]


def test_there_is_an_example_of_every_class():
    """A class without an example would go untested."""
    assert {type(example[0]).__name__ for example in EXAMPLES} | {"CalotypeError"} == set(errors.__all__)


@pytest.mark.parametrize(("error", "value", "way_out", "exit_code"), EXAMPLES, ids=lambda x: type(x).__name__)
def test_sentences_and_exit_codes(error, value, way_out, exit_code):
    assert value in str(error) and way_out in str(error)
    assert error.exit_code == exit_code and isinstance(error, OSError)


@pytest.mark.parametrize("error", [example[0] for example in EXAMPLES], ids=lambda x: type(x).__name__)
def test_errors_survive_pickling(error):
    """A worker process that raises one must not take its pool down."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)


@pytest.mark.parametrize("error", [example[0] for example in EXAMPLES], ids=lambda x: type(x).__name__)
def test_a_file_name_does_not_replace_the_sentence(error):
    """The command line says which file an error is about; Python's own OSError would then forget the rest."""
    again = pickle.loads(pickle.dumps(error))
    again.filename = "a.png"
    assert str(again) == str(error)
