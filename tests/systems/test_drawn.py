"""Latents in steps of a memory: what the rate keeps is coded, the rest is what the memory expects from it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws.walking import case_of

NAME = "gregor2016-convdraw"


def test_channels_beyond_the_kept_ones_are_free_and_expected():
    """The least rate codes one channel in sixteen; what else it returns is no rounded value but a mean, in sixteenths."""
    case = case_of(NAME, rates=(0, 1023), cells=(2, 2))
    values, streams, _, _ = case.write()
    y, channels = values["y"], case.model.manifest.latents["y"].channels
    kept = case.nets.rows("y.kept")[:, 0, 0, 0]
    assert kept.tolist() == [channels / 16, channels] and len(streams[0]) < len(streams[1])
    assert np.abs(y[0, 1:] - case.latents["y"][0, 1:]).max() > 0.5 + 1 / 16  # not coded
    assert np.abs(y[1] - case.latents["y"][1]).max() <= 0.5 or np.abs(y[1]).min() == 0  # coded, or certain zero
    less = dict(case.latents)
    less["y"] = case.latents["y"].copy()
    less["y"][0, 1:] += 3.0  # what is not kept is not seen either, but by the upper layer
    less["z"] = values["z"]
    case.latents = {**case.latents, "z": values["z"]}
    before = case.write()
    case.latents = less
    after = case.write()
    assert before[1][0] == after[1][0] and np.array_equal(before[0]["y"][0], after[0]["y"][0])


def test_the_memory_begins_by_keeping_everything():
    torch = pytest.importorskip("torch")
    from calotype.nets.drawn import Memory
    from calotype.walks.features import PARITY

    torch.manual_seed(0)
    made = Memory(8, 2)
    memory, nothing = torch.rand(1, 8, 6, 6) * 200 + 20, torch.zeros(1, 4 + PARITY, 6, 6)
    with torch.no_grad():
        kept = made(memory, nothing)
        assert float((kept - memory).abs().mean()) < 0.3 * float(memory.mean())
        told = nothing.clone()
        told[:, 0, 2, 2] = 100.0
        changed = (made(memory, told) - kept).abs().amax((0, 1))
    assert float(changed[2, 2]) > 0 and float(changed[5, 5]) == 0  # 3x3 around what is new
