"""What `models add` refuses besides failed proofs: operators, sizes, and manifests that describe other networks."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from calotype.errors import ExtraMissing, LimitError, ModelError
from calotype.model import Net, trust


def model_of(tiny, graph, inputs=("x",), outputs=("y",)):
    return tiny.model(nets={"n": Net("nets/n.onnx", inputs, outputs)}, graphs={"n": graph})


def test_a_good_model_is_verified(tiny):
    verdict = trust.verify(tiny.model())
    assert verdict.operators["context"] == {"Conv": 3, "Clip": 3, "Floor": 3} and set(verdict.proofs) == {"context"}
    assert "context: 9 operators, exact, " in str(verdict)
    assert "3 sums, all exact" in str(verdict.proofs["context"])


def test_operators_outside_the_list_are_refused(tiny):
    graph = tiny.graph([tiny.node("NonZero", ["x"], "y")], {}, {"x": ["b", 1]}, {"y": None}, types={"y": 7})
    with pytest.raises(ModelError, match="node NonZero_y is an operator that no model may use"):
        trust.verify(model_of(tiny, graph))
    assert not {"If", "Loop", "Scan", "RandomNormal", "StringConcat", "SequenceAt", "NonZero"} & trust.FLOAT_OPERATORS


def test_the_manifest_must_describe_the_networks(tiny):
    with pytest.raises(ModelError, match="not as the manifest describes it"):
        trust.verify(model_of(tiny, tiny.chain(), outputs=("z",)))


def test_sizes_are_limited(tiny, monkeypatch):
    monkeypatch.setattr(trust, "MAX_GRAPH_BYTES", 100)
    with pytest.raises(LimitError, match="bytes of network"):
        trust.verify(tiny.model())
    monkeypatch.undo()
    monkeypatch.setattr(trust, "MAX_CONSTANT_BYTES", 100)
    with pytest.raises(LimitError, match="bytes of constants"):
        trust.verify(tiny.model())


def test_tables_are_checked(tiny):
    """Digests can be right and tables wrong: a bank whose frequencies do not sum up."""
    model = tiny.model()
    tables = dict(model.tables) | {"bank/main/frequencies": np.array([[1, 2]], np.int32)}
    broken = dataclasses.replace(model, tables=tables)
    with pytest.raises(ModelError, match="table bank"):
        trust.verify(broken)


def test_without_onnx_the_extra_is_named(tiny, monkeypatch):
    model = tiny.model()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExtraMissing, match=r"needs the package onnx: pip install 'calotype\[models\]'"):
        trust.verify(model)
