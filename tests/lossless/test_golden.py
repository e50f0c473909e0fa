"""Streams of the first release decode for ever, to the samples recorded then. They are never made again."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from calotype.lossless import decode_tile

CASES = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_old_streams_still_decode(name):
    case = CASES[name]
    stream, check = base64.b64decode(case["stream"]), bytes.fromhex(case["check"])
    samples = decode_tile(stream, check, tuple(case["shape"]), case["depth"], case["key"].encode())
    assert hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest() == case["samples_sha256"]
    assert stream[0] == case["coding"] and np.count_nonzero(samples) > 0


def test_every_coding_is_there():
    assert {case["coding"] for case in CASES.values()} == {0, 1, 2, 3}
