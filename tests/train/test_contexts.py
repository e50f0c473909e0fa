"""The schedule "contexts": the transform and its steps stay, what stands behind them learns."""

from __future__ import annotations

import pytest

from calotype import zoo

pytest.importorskip("torch")

COMPARED = ("minnen2018-hyperprior", "minnen2018-joint", "he2021-checkerboard", "minnen2020-charm", "li2020-ccn")
STAYS = ("analysis.", "synthesis.", "gain", "inverse")


def learning(recipe, schedule):
    plan = zoo.recipe(recipe).scheduled(schedule)
    names = [name for name, _ in plan.system("tiny").named_parameters()]
    return [{*phase.parameters(phase.players[0], names)} for phase in plan.phases], names


@pytest.mark.parametrize("recipe", COMPARED)
def test_only_what_stands_behind_the_transform_learns(recipe):
    (phase,), names = learning(recipe, "contexts")
    stays = {name for name in names if name.startswith(STAYS)}
    assert stays and phase == set(names) - stays


def test_the_usual_schedule_trains_the_transform_too():
    phases, _ = learning(COMPARED[0], "default")
    assert any(name.startswith(STAYS) for phase in phases for name in phase if name.startswith("analysis."))
