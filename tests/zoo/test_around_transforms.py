"""What stands around plain transforms: filters, fusions, guesses and gates begin as nothing and can all learn; scale
mixtures are even and heavy; distances between features and critics teach whom they should."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calotype.nets.dequantizer import Dequantizer  # noqa: E402
from calotype.nets.fusion import BlockFilter, FilteredSynthesis, PyramidAnalysis  # noqa: E402
from calotype.nets.hybrid import HybridGate  # noqa: E402
from calotype.nets.scale_mixtures import ScaleMixtures  # noqa: E402
from calotype.nets.transforms import Analysis, Synthesis  # noqa: E402
from calotype.train import closed_form  # noqa: E402
from calotype.train.methods.judged import feature_distance  # noqa: E402


def pictures(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_transforms_begin_in_closed_form_as_if_nothing_were_added():
    """Fused scales and a filter change neither latents nor pictures before they have learned anything."""
    torch.manual_seed(0)
    x, widths = pictures(2, 3, 64, 64), (12, 16, 20)
    plain, added = (
        (Analysis(widths, 24), Synthesis(widths, 24)),
        (PyramidAnalysis(widths, 24), FilteredSynthesis(widths, 24, 8)),
    )
    for pair in (plain, added):
        assert closed_form.start(*pair, x)
    with torch.no_grad():
        y = plain[0](x)
        assert torch.allclose(added[0](x), y, atol=1e-5) and y.abs().max() > 0.5
        assert torch.allclose(added[1](y), plain[1](y), atol=1e-5)
        added[0][-1].path[-1].weight.normal_(std=0.1)  # the twin: learned, they do change something
        assert not torch.allclose(added[0](x), y, atol=1e-2)


def test_a_filter_looks_no_farther_than_it_says():
    torch.manual_seed(0)
    net = BlockFilter(width=8)
    x = pictures(1, 3, 64, 64)
    moved = x.clone()
    moved[:, :, 33, 30] += 5
    with torch.no_grad():
        net.path[-1].weight.normal_()
        rows = (net(moved) - net(x)).abs().sum((0, 1, 3)).nonzero()
    assert 1 < (rows - 33).abs().max() <= BlockFilter.reach_px


@pytest.mark.parametrize("make", [lambda: BlockFilter(width=8), lambda: Dequantizer(3, 8), lambda: HybridGate(3)],
                         ids=["filter", "guess", "gate"])  # fmt: skip
def test_every_unit_learns_after_a_step(make):
    """Nothing is dead: when the last layer has moved, every weight has a slope."""
    torch.manual_seed(0)
    net, x = make(), 3 * pictures(2, 3, 32, 32)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(2):
        optimiser.zero_grad()
        ((net(x) - 1.1 * x) ** 2).mean().backward()
        optimiser.step()
    for name, p in net.named_parameters():
        assert p.grad is not None and (p.grad.flatten(1).abs().sum(1) > 0 if p.ndim > 1 else p.grad.abs() > 0).all(), (
            name
        )


def test_a_guess_stays_within_half_a_step():
    net = Dequantizer(3, 8)
    y = pictures(1, 3, 8, 8) * 50
    assert not net(y).any()
    with torch.no_grad():
        net.leave.weight.normal_(std=5)
        assert 0.4 < net(y).abs().max() <= 0.5


def test_scale_mixtures_are_even_and_from_light_to_heavy():
    """Masses add up, both sides are equal; the farthest shape has much more far out and at zero than the first."""
    family, k = ScaleMixtures(), torch.arange(-400, 401, dtype=torch.double)
    family.double()
    with torch.no_grad():
        masses = [family.mass(k, torch.tensor(1.0), torch.tensor(float(s))).numpy() for s in range(family.shapes)]
    for mass in masses:
        assert abs(mass.sum() - 1) < 1e-6 and np.allclose(mass, mass[::-1], atol=1e-9)
    far = np.abs(k.numpy()) > 10
    assert masses[-1][far].sum() > 5 * masses[0][far].sum() and masses[-1][400] > masses[0][400]
    assert "means" not in dict(family.named_parameters())


def test_features_measure_pictures_and_do_not_learn_from_it():
    """Zero for equal pictures, more for worse ones; the slope goes to the picture alone."""
    torch.manual_seed(0)
    layers, x = Analysis((6, 8, 10), 12), pictures(2, 3, 64, 64)
    noise = torch.randn(x.shape)
    distances = [float(feature_distance(layers, x + s * noise, x).mean()) for s in (0.0, 0.1, 0.5)]
    assert distances[0] == 0 < distances[1] < distances[2]
    made = (x + 0.1 * noise).requires_grad_()
    feature_distance(layers, made, x).mean().backward()
    assert made.grad.abs().sum() > 0 and all(p.grad is None for p in layers.parameters())


def test_a_critic_learns_beside_the_codec():
    """In a judged phase its player moves the critic and nothing else, the codec's all but the critic; the codec hears it."""
    from calotype import zoo
    from calotype.train.players import Players
    from calotype.train.step import Mode

    torch.manual_seed(0)
    recipe = zoo.recipe("liu2018-e2e")
    system = recipe.system("tiny")
    crops, rate = (pictures(2, 3, 64, 64) * 30 + 128).clamp(0, 255), torch.tensor([0.2, 0.8])
    system.begin(crops)
    phase = next(phase for phase in recipe.phases if phase.options.get("judged"))
    unjudged = system(crops, rate)["loss"]
    system.enter(phase, lambda: crops)
    assert not torch.equal(system(crops, rate)["loss"], unjudged)
    assert torch.equal(system.eval()(crops, rate)["mse"], system(crops, rate)["mse"])
    players = Players(
        system.train(), phase, Mode(False, False), torch.device("cpu"), {}, runner=system, capture=False, note=print
    )
    before = {name: p.detach().clone() for name, p in system.named_parameters()}
    assert players.step(crops, rate, 1.0, 0).good
    moved = {name for name, p in system.named_parameters() if not torch.equal(p, before[name])}
    assert {name.partition(".")[0] for name in moved} >= {"critic", "analysis", "synthesis", "gain"}
    assert players.names["critic"] == {name for name in before if name.startswith("critic")}
    assert not players.names["codec"] & players.names["critic"]
