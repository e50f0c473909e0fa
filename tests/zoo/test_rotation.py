"""The rotation of latents: principal components of what the transform gives, undone before the synthesis."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tests import tiny  # noqa: E402

from calotype import zoo  # noqa: E402
from calotype.train.phases import Phase  # noqa: E402


def test_the_phase_rotated_finds_axes_and_changes_no_picture():
    """Afterwards channels are uncorrelated, most energy first, and what goes through unquantized is what went before."""
    torch.manual_seed(0)
    system = zoo.recipe("cheng2018-cae-pca").system("tiny")
    crops = torch.from_numpy(tiny.picture(256, 256)).permute(2, 0, 1)[None].float()
    system.begin(crops)
    with torch.no_grad():
        for weight in system.analysis.transform.parameters():  # training moved the transform
            weight.add_(torch.randn_like(weight) * 0.1)
        x = (crops - 128) / 64
        before = system.synthesis(system.analysis(x))
        mixed = torch.corrcoef(system.analysis(x)[0].flatten(1)) - torch.eye(6)
        system.enter(Phase(name="rotated", options={"rotate": True}), lambda: crops)
        y = system.analysis(x)
        assert torch.allclose(system.synthesis(y), before, atol=1e-3)
    flat = y[0].flatten(1)
    assert (
        (torch.corrcoef(flat) - torch.eye(6)).abs().max() < 0.02 < mixed.abs().max()
    )  # the twin: it was not so before
    assert (flat.std(1).diff() <= 1e-6).all() and flat.mean(1).abs().max() < 1e-3
    assert torch.equal(system.gain, system.gain[:, :1].expand_as(system.gain))  # a rotation spreads noise evenly
    assert torch.equal(system.analysis.axes, system.synthesis.axes)


def test_truncated_latents_hold_those_of_lower_rates():
    """ashok2018-varlatent: what is coded at a rate is the first part of what is coded at a higher one."""
    from calotype.train.port import TrainingPort
    from calotype.train.system import _Nets

    torch.manual_seed(0)
    system = zoo.recipe("ashok2018-varlatent").system("tiny").eval()
    y = torch.randn(1, 54, 4, 4) * 3
    found = []
    for rate in (0.0, 0.4, 1.0):
        port = TrainingPort({"y": (1, 54, 4, 4)}, hard=True)
        with torch.no_grad():
            found.append((system.walk(_Nets(system, torch.tensor([rate])), port, {"y": y})["y"], port.bits()["y"]))
    counts = [int((values.abs().sum((0, 2, 3)) > 0).sum()) for values, _ in found]
    assert counts[0] == 12 and counts[0] < counts[1] < counts[2] == 54
    for (low, cheap), (high, dear), count in zip(found, found[1:], counts, strict=False):
        assert torch.equal(low[:, :count], high[:, :count]) and not low[:, count:].any() and cheap < dear
