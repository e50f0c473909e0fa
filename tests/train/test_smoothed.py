"""Filters at changes of resolution: what they take out, and how far they look. Not here: transforms without them."""

from __future__ import annotations

import pytest
import torch

from calotype.nets.smoothed import Sampled, Smooth
from calotype.nets.transforms import Analysis, Synthesis

STAGES = ((5, 2), (3, 2))
PX = 4  # of a latent


def test_the_finest_pattern_vanishes_and_a_plane_stays() -> None:
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    finest = ((rows + columns) % 2 * 2 - 1).float()[None, None]
    assert Smooth(1)(finest)[..., 1:-1, 1:-1].abs().max() == 0
    assert torch.equal(Smooth(2)(torch.ones(1, 2, 16, 16))[..., 1:-1, 1:-1], torch.ones(1, 2, 14, 14))


@pytest.mark.parametrize("smooth", [True, False])
@torch.no_grad()
def test_a_filter_is_what_keeps_detail_from_coming_back_as_other_detail(smooth: bool) -> None:
    torch.manual_seed(0)
    net = Sampled(Analysis((5,), 6, STAGES), STAGES, smooth=smooth)
    stripes = (torch.arange(64) % 2 * 2 - 1).float().expand(1, 3, 64, 64).contiguous()  # half the sampling rate
    heard = float((net(stripes) - net(0 * stripes))[..., 2:-2, 2:-2].abs().max())
    assert heard < 1e-5 if smooth else heard > 1e-3


@pytest.mark.parametrize("smooth", [True, False])
def test_the_halo_of_the_analysis_is_how_far_a_latent_looks(smooth: bool) -> None:
    torch.manual_seed(0)
    net = Sampled(Analysis((5,), 6, STAGES), STAGES, smooth=smooth)
    x = torch.randn(1, 3, 96, 96)
    for distance, seen in ((net.halo_px, True), (net.halo_px + 1, False)):
        changed = x.clone()
        changed[..., 48 - distance] += 10  # a column left of latent 12, which begins at 48
        assert bool((net(changed) - net(x))[..., 12].abs().max() > 0) == seen, distance


@pytest.mark.parametrize("smooth", [True, False])
def test_the_halo_of_the_synthesis_bounds_how_far_a_latent_reaches(smooth: bool) -> None:
    torch.manual_seed(0)
    net = Sampled(Synthesis((5,), 6, STAGES), STAGES, smooth=smooth)
    y = torch.randn(1, 6, 24, 24)
    changed = y.clone()
    changed[..., 12, 12] += 1
    columns = (net(changed) - net(y)).abs().amax((0, 1, 2)).nonzero()
    assert int(columns.min()) >= 12 * PX - net.halo_px
    assert int(columns.max()) < 13 * PX + net.halo_px
