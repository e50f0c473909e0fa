"""Phases, plans and optimisers: who learns what, when and how fast."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from calotype.errors import UsageError
from calotype.train.optimisers import Average, Optimisers, orthogonalised, wants_muon
from calotype.train.phases import SCHEDULES, Phase, Player, factor, shares
from calotype.train.plan import Plan


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_never_rise_after_the_warm_up(schedule: str):
    """Every schedule starts at rate_scale, falls or stays, and ends where it says."""
    phase = Phase(name="p", schedule=schedule, rate_scale=0.5, warmup_steps=10, final=0.02)
    values = [factor(phase, progress, 100) for progress in np.linspace(0, 1, 101)]
    assert values[0] == 0.5
    assert values[-1] == pytest.approx(0.5 if schedule == "constant" else 0.01)
    assert values == sorted(values, reverse=True)
    assert [factor(phase, 0, step) for step in (0, 4, 9, 10)] == pytest.approx([0.05, 0.25, 0.5, 0.5])


def test_constant_then_linear_holds_as_long_as_it_says():
    """40 % at the full rate, then straight down to 2 %."""
    phase = Phase(name="p", warmup_steps=0)
    assert [factor(phase, x, 0) for x in (0, 0.4, 0.7, 0.999)] == pytest.approx([1, 1, 0.5, 0.02])


def test_steps_are_shared_out():
    """By share, at least one each, caps respected and passed on; the sum is the budget."""
    phases = [Phase(name="a", share=1, at_most_steps=10), Phase(name="b", share=2), Phase(name="c", share=1)]
    assert shares(phases, 400) == [10, 260, 130]
    assert shares(phases, 8) == [2, 4, 2]
    assert sum(shares(phases, 1001)) == 1001
    assert shares(phases, 1) == [1, 1, 1]


@pytest.mark.parametrize("speed", [lambda t: 0.5, lambda t: 0.2 if t < 100 else 1.0, lambda t: 1.0 if t < 100 else 0.2])
def test_a_budget_of_minutes_is_kept_whatever_the_speed(speed):
    """With steady, falling and rising speed: phases end at their shares of the time, and progress only rises to about 1."""
    phases = (Phase(name="a", share=1), Phase(name="b", share=3))
    plan, now = Plan(minutes=10), 0.0
    while True:
        if plan.done():
            if plan.phase == 1:
                break
            ended = plan.progress()
            plan.enter(phases, now)
            began, last = now, 0.0
        now += speed(now)
        plan.advance(phases[plan.phase], now)
        assert plan.progress() >= last
        last = plan.progress()
        plan = Plan.from_stored(plan.stored())
    assert ended > 0.97
    assert abs(began - 150) < 5
    assert abs(now - 600) < 5
    assert last > 0.97


def test_caps_hold_in_a_budget_of_minutes():
    """A phase ends at its last allowed step; the next one has the rest of the time."""
    phases, plan = (Phase(name="a", share=9, at_most_steps=30), Phase(name="b", share=1)), Plan(minutes=2)
    plan.enter(phases, 0.0)
    now = 0.0
    while not plan.done():
        now += 0.5
        plan.advance(phases[0], now)
    assert plan.phase_step == 30
    plan.enter(phases, now)
    assert plan.phase_ends_s == 120


def test_wrong_phases_are_refused():
    """Values that would fail an hour later fail at once."""
    for wrong in (
        {"schedule": "sudden"},
        {"batch": 0},
        {"ema_decay": 1.0},
        {"players": (Player(), Player())},
        {"players": ()},
    ):
        with pytest.raises(UsageError):
            Phase(name="p", **wrong)
    with pytest.raises(UsageError):
        Player(optimiser="sgd")


def test_patterns_choose_parameters():
    """Trainable, frozen and the player's own patterns together."""
    names = ["enc.a", "enc.b", "dec.a", "context.x.weight"]
    phase = Phase(name="p", trainable=("enc*", "context*"), frozen=("*.b",))
    assert phase.parameters(Player(), names) == ["enc.a", "context.x.weight"]
    assert phase.parameters(Player(parameters=("*.a",)), names) == ["enc.a"]
    assert Player(slower=(("enc*", 0.5),)).scale("enc.a") == 0.5


@pytest.mark.parametrize("shape", [(16, 16), (24, 60), (60, 24)])
def test_newton_schulz_gives_singular_values_near_one(shape: tuple[int, int]):
    """Any matrix, wide or tall, in a batch as alone."""
    torch.manual_seed(0)
    stack = torch.randn(3, *shape)
    u = orthogonalised(stack)
    values = torch.linalg.svdvals(u)
    assert values.min() > 0.3
    assert values.max() < 1.4
    torch.testing.assert_close(u[1:2], orthogonalised(stack[1:2]), rtol=1e-3, atol=1e-4)


def test_muon_takes_matrices_and_adam_the_rest():
    """Convolutions with both channel counts >= 16 go to Muon; all rates follow the factor and `slower`."""
    net = nn.Sequential(nn.Conv2d(16, 32, 3), nn.Conv2d(32, 8, 3), nn.Conv2d(16, 16, 1))
    assert [wants_muon(p) for p in net.parameters()] == [True, False, False, False, True, False]
    parameters = dict(net.named_parameters())
    optimisers = Optimisers(Player(slower=(("2.*", 0.1),)), Phase(name="p"), parameters)
    before = {name: p.detach().clone() for name, p in parameters.items()}
    for p in parameters.values():
        p.grad = torch.randn_like(p)
    optimisers.step(0.5)
    moved = {name: (p.detach() - before[name]) for name, p in parameters.items()}
    assert moved["0.bias"].abs().max() == pytest.approx(0.5e-3, rel=1e-3)  # Adam's first step is the rate
    assert moved["2.bias"].abs().max() == pytest.approx(0.5e-4, rel=1e-3)
    length = moved["0.weight"].norm().item()
    assert length == pytest.approx(0.5 * 3e-3 * 0.2 * 144**0.5 * 32**0.5, rel=0.25)  # 32 singular values near 1


def test_moments_move_between_phases_by_name():
    """A parameter that goes on learning keeps its moments; a new one starts without."""
    net = nn.Sequential(nn.Conv2d(16, 16, 3), nn.Conv2d(16, 16, 3))
    parameters = dict(net.named_parameters())
    first = Optimisers(Player(), Phase(name="a"), {n: p for n, p in parameters.items() if n.startswith("0")})
    for p in parameters.values():
        p.grad = torch.randn_like(p)
    first.step(1.0)
    second = Optimisers(Player(), Phase(name="b"), parameters, first.states())
    assert second.states().keys() == {"0.weight", "0.bias"}
    assert torch.equal(second.states()["0.bias"]["exp_avg"], first.states()["0.bias"]["exp_avg"])
    second.step(1.0)
    assert second.states()["0.bias"]["step"] == 2
    assert second.states()["1.bias"]["step"] == 1


def test_the_average_follows_and_swaps_exactly():
    """Constant weights are their own average; inside the block the module has the average, after it its own bits."""
    net = nn.Linear(4, 4)
    average = Average(dict(net.named_parameters()))
    own = net.weight.detach().clone()
    for _ in range(5):
        average.update(0.9)
    assert torch.allclose(average.values["weight"], own)
    with torch.no_grad():
        net.weight.add_(1)
    average.update(0.9)
    with average:
        assert not torch.equal(net.weight, own + 1)
    assert torch.equal(net.weight, own + 1)
    average.restart(["weight"])
    assert torch.equal(average.values["weight"], own + 1)
