"""Transforms start as principal components: nearly orthonormal, and what they keep comes back."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from PIL import Image

from calotype import zoo

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from calotype.nets.attention import AttentionAnalysis, AttentionSynthesis  # noqa: E402
from calotype.nets.residual import (  # noqa: E402
    PlainAnalysis,
    PlainSynthesis,
    ResidualAnalysis,
    ResidualSynthesis,
    Rotation,
)
from calotype.nets.transforms import Analysis, Synthesis  # noqa: E402
from calotype.train import closed_form  # noqa: E402

PAIRS = {
    "normalised": lambda: (Analysis((12, 48, 96), 96), Synthesis((12, 48, 96), 96)),
    "rooted": lambda: (Analysis((12,), 48, ((9, 4), (5, 2)), rooted=True, ends=True),
                       Synthesis((12,), 48, ((9, 4), (5, 2)), rooted=True, ends=True)),
    "residual": lambda: (ResidualAnalysis((24, 96), 64, 1), ResidualSynthesis((24, 96), 64, 1)),
    "plain": lambda: (PlainAnalysis((24, 96), 64), PlainSynthesis((24, 96), 64)),
    "gated": lambda: (AttentionAnalysis((12, 48, 96), 96), AttentionSynthesis((12, 48, 96), 96)),
    "rotated": lambda: (Rotation(PlainAnalysis((24, 96), 64), 64), Rotation(PlainSynthesis((24, 96), 64), 64, inverse=True)),
}  # fmt: skip


@pytest.fixture(scope="module")
def picture():
    with resources.as_file(resources.files("calotype") / "demo" / "sumac.png") as path:
        pixels = np.array(Image.open(path).convert("RGB").crop((64, 64, 192, 192)))
    return (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() - 128) / 64


@pytest.mark.parametrize("pair", PAIRS)
def test_the_way_back_is_the_inverse_of_what_is_kept(pair, picture):
    torch.manual_seed(0)
    analysis, synthesis = PAIRS[pair]()
    with torch.no_grad():
        before = float(((synthesis(analysis(picture)) - picture) ** 2).mean())
        assert closed_form.start(analysis, synthesis, picture)
        latents = analysis(picture)
        after = float(((synthesis(latents) - picture) ** 2).mean())
    energy = float((picture**2).sum())
    assert after < 0.02 * energy / picture.numel() < before
    assert 0.75 * energy < float((latents**2).sum()) < 1.05 * energy  # orthonormal but for what is left out


def test_wide_stages_lose_nothing(picture):
    analysis, synthesis = Analysis((12, 48), 192, ((5, 2),) * 3), Synthesis((12, 48), 192, ((5, 2),) * 3)
    closed_form.start(analysis, synthesis, picture)
    for layer in (*analysis, *synthesis):
        if hasattr(layer, "gamma"):
            layer.gamma.data.zero_()
    with torch.no_grad():
        torch.testing.assert_close(synthesis(analysis(picture)), picture, rtol=0, atol=1e-4)


def test_what_is_unknown_stays_as_it_is(picture):
    analysis, synthesis = nn.Sequential(nn.Conv2d(3, 8, 5, 2, 2), nn.Tanh()), Synthesis((), 8, ((5, 2),))
    before = [p.clone() for p in (*analysis.parameters(), *synthesis.parameters())]
    assert not closed_form.start(analysis, synthesis, picture)
    uneven = Analysis((12,), 24, ((5, 2), (5, 2)))
    assert not closed_form.start(uneven, synthesis, picture)
    narrow = PlainAnalysis((4, 6), 8), PlainSynthesis((4, 6), 8)
    assert not closed_form.start(*narrow, picture)
    after = [*analysis.parameters(), *synthesis.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_everything_still_learns(picture):
    system = zoo.recipe("minnen2018-hyperprior").system("tiny")
    crops = picture[:, :, :64, :64].repeat(2, 1, 1, 1) * 64 + 128
    system.begin(crops)
    system(crops, torch.tensor([0.2, 0.8]))["loss"].sum().backward()
    still = {n for n, p in system.named_parameters() if p.grad is None or not p.grad.abs().sum()}
    assert not {n for n in still if n.startswith(("analysis", "synthesis"))}


def test_full_rates_are_not_for_them():
    """Only where transforms began in closed form, and a phase's own word counts first."""
    from calotype.train.phases import Phase, Player
    from calotype.train.players import Players
    from calotype.train.step import named
    from calotype.train.system import GENTLY

    def scales(system, player):
        mode = named("float32")
        phase = Phase(name="x", players=(player,))
        (found,) = Players(
            system, phase, mode, torch.device("cpu"), {}, runner=system, capture=False, note=print
        ).phase.players
        return found.scale("analysis.0.weight"), found.scale("nets.x")

    system = zoo.recipe("minnen2018-hyperprior").system("tiny")
    assert scales(system, Player()) == (1, 1)
    system.begin(torch.rand(2, 3, 64, 64) * 255)
    assert scales(system, Player()) == (GENTLY, 1)
    assert scales(system, Player(slower=(("analysis*", 0.5),))) == (0.5, 1)
