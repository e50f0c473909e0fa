"""The wavelet that training differentiates is the one that pictures are coded with."""

from __future__ import annotations

import numpy as np
import torch

from calotype import pyramid
from calotype.nets import wavelet


def test_torch_and_numpy_agree():
    """Both directions, to float32 rounding."""
    planes = np.random.default_rng(3).normal(0, 1, (3, 128, 192)).astype(np.float32)
    ours = wavelet.analyse(torch.from_numpy(planes)[None], 6)
    theirs = pyramid.analyse(planes, 6)
    assert set(ours) == set(theirs)
    for name, band in theirs.items():
        assert np.abs(ours[name][0].numpy() - band).max() < 1e-4, name
    back = wavelet.synthesise({name: torch.from_numpy(band)[None] for name, band in theirs.items()}, 6)
    assert np.abs(back[0].numpy() - pyramid.synthesise(theirs, 6)).max() < 1e-4
    other = pyramid.synthesise(theirs | {"l1": np.roll(theirs["l1"], 3, 0)}, 6)
    assert np.abs(back[0].numpy() - other).max() > 0.1  # bands in another order would be seen


def test_norms_are_what_a_unit_of_error_costs_in_pixels():
    """docs/training.md quotes them: LL 1.125, HH of level 1 1.083."""
    norms = wavelet.squared_norms(6)
    assert abs(float(norms["ll"][0]) - 1.125) < 0.01 and abs(float(norms["l1"][6]) - 1.083) < 0.01
