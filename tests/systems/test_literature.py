"""The catalogue of surveyed systems is whole, recipes name rows that exist; the verb lists them."""

from __future__ import annotations

import json
import re

import pytest

from calotype import literature, zoo
from calotype.bench import codecs
from calotype.cli.main import run
from calotype.errors import UsageError

COUNTS = dict(zip([f"1.{x}" for x in "ABCDEFGHIJKLM"], [15, 8, 24, 24, 25, 9, 18, 5, 20, 8, 12, 18, 8], strict=True))


def test_all_rows_are_there_once():
    rows = literature.rows()
    assert len(rows) == len({row.id for row in rows}) == 194
    assert {family: len(literature.chosen(family)) for family in literature.families()} == COUNTS
    assert sum(row.status == "must" for row in rows) == 99
    assert {row.status for row in rows} == {"must", "selectable"}
    assert {row.weights[:1] for row in rows} == {"A", "B", "C", ""}
    assert all(re.fullmatch(r"[a-z0-9-]+", row.id) and row.method and row.parts for row in rows)
    assert all(set(row.taxonomy) <= set(literature.SURVEYS) for row in rows)
    assert sum(bool(row.taxonomy) for row in rows) == 194  # every row is somebody's


@pytest.mark.parametrize("name", zoo.names())
def test_recipes_name_rows_that_exist(name):
    assert set(zoo.recipe(name).rows) <= {row.id for row in literature.rows()}


def test_codecs_of_the_benchmark_are_there():
    named = {name for row in literature.rows() for name in row.codecs}
    assert named and named <= set(codecs.names())
    (row,) = [row for row in literature.rows() if row.id == "jpeg-ls"]
    assert row.built and row.codecs == ("jpegls",)


def test_a_recipe_named_after_a_row_builds_it():
    """Its own row needs no mention; others do."""
    assert literature.built_by("dct-threshold") == ("dct-threshold", "ahmed1974-dct")
    assert literature.built_by("swift") == ()
    (row,) = [row for row in literature.rows() if row.id == "ahmed1974-dct"]
    assert row.recipes == ("dct-threshold",) and row.as_dict()["built"]["dct-threshold"]["made"] == "designed"


def test_rows_are_found_by_family_and_survey():
    assert literature.chosen("C") == literature.chosen("1.c") == literature.chosen("autoencoders (incl")
    recurrent = literature.chosen("recurrent", "003")
    assert 0 < len(recurrent) < 9 and all("003" in row.taxonomy for row in recurrent)
    for wrong in ({"family": "1.Z"}, {"survey": "007"}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            literature.chosen(**wrong)


def test_facets_are_the_codes_of_the_parts():
    (row,) = [row for row in literature.rows() if row.id == "balle2016-gdn"]
    assert row.facets == {"transform": ["T1"], "quantizer": ["Q1"], "entropy": ["E1"], "coder": ["K1"], "loss": ["L1"]}


def test_the_verb_lists_them(capsys):
    assert run(["systems", "--family", "1.J", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in said] == [row.id for row in literature.chosen("1.J")]
    assert "vq-lbg" in said[0]["built"]
    assert run(["systems", "--built"]) == 0
    out = capsys.readouterr().out
    assert "vq-lbg" in out and "spiht-nothing" not in out and "\n1.J" in out
    assert run(["systems", "--survey", "9"]) == 2
