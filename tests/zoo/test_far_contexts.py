"""Recipes whose contexts see far: batches of many tiles, and wide ones, decode to what was written."""

from __future__ import annotations

import pytest
from tests.laws.walking import case_of, equal

from calotype.model import runtime

RECIPES = ("chen2021-nlaic", "guo2021-causal", "li2021-nonlocal-entropy", "lee2020-jointiq")

pytest.importorskip("torch")


@pytest.mark.parametrize("recipe", RECIPES)
def test_rows_of_a_batch_may_run_apart(recipe, monkeypatch):
    """Networks take large batches in groups of rows, and walks meet what they return in pieces."""
    case = case_of(recipe, rates=(0, 400, 1023), cells=(2, 3))
    written, streams, hashes, _ = case.write()
    monkeypatch.setattr(runtime, "GROUP_VALUES", 1)
    case.nets = case.model.nets(case.rates)
    read, flagged = case.read(streams, hashes)
    assert not flagged.any() and equal(written, read)
    again, *_ = case.write()
    assert equal(written, again)
