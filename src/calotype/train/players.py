"""One phase at work: its players' gradients and steps, plain or captured. When and on which crops is the loop's affair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from calotype.errors import UsageError
from calotype.train.optimisers import Optimisers
from calotype.train.phases import Phase, Player
from calotype.train.step import Captured, Mode

__all__ = ["Players", "Taken"]

Outputs = dict[str, Tensor]
Moments = dict[str, dict[str, dict[str, Tensor]]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step came to: the first player's outputs, gradient norms, and whether every gradient was finite."""

    outputs: Outputs
    norm: float
    good: bool


class Players:
    """The players of `phase`, with their optimisers; sets what learns.

    moments   player -> parameter -> moments, from before; taken over where the parameter goes on learning
    runner    the system as it is called: itself, or compiled
    note      told what was tried and did not work
    """

    def __init__(
        self,
        system: nn.Module,
        phase: Phase,
        mode: Mode,
        device: torch.device,
        moments: Mapping[str, Mapping[str, Mapping[str, Tensor]]],
        *,
        runner: Callable[[Tensor, Tensor], Outputs],
        capture: bool,
        note: Callable[[str], None],
    ) -> None:
        # What the system knows of itself comes after what a phase says.
        gentler = tuple((names, min(1.0, factor * phase.bold)) for names, factor in getattr(system, "slower", ()))
        phase = replace(phase, players=tuple(replace(p, slower=p.slower + gentler) for p in phase.players))
        self.system, self.phase, self.mode, self.device = system, phase, mode, device
        self.runner, self.note = runner, note
        self.parameters = dict(system.named_parameters())
        self.names = {player.name: set(phase.parameters(player, self.parameters)) for player in phase.players}
        learning = set().union(*self.names.values())
        if not learning:
            raise UsageError("trainable", value=phase.trainable, allowed="patterns that match some parameter")
        for name, p in self.parameters.items():
            p.requires_grad_(name in learning)
            p.grad = None
        self.learning = sum(self.parameters[name].numel() for name in learning)
        self.optimisers = {
            player.name: Optimisers(
                player,
                phase,
                {name: p for name, p in self.parameters.items() if name in self.names[player.name]},
                moments.get(player.name),
            )
            for player in phase.players
        }
        self._captured: Captured | None = None
        self._may_capture = capture and device.type == "cuda" and len(phase.players) == 1

    def moments(self) -> Moments:
        """Moments by player and parameter, for a resume file or the next phase."""
        return {name: optimisers.states() for name, optimisers in self.optimisers.items()}

    def forward(self, crops: Tensor, rate: Tensor, player: Player | None = None) -> Outputs:
        """The system, or the player's own objective, under this run's precision."""
        losses = getattr(self.system, "losses", None) or {}
        call = self.runner if player is None else losses.get(player.name, self.runner)
        with self.mode.autocast(self.device):
            return call(crops, rate)

    def step(self, crops: Tensor, rate: Tensor, factor: float, phase_step: int) -> Taken:
        """Let every player whose turn it is take its step at `factor` times its rates; bad gradients change nothing."""
        first: tuple[Outputs, float] | None = None
        good = True
        for player in self.phase.players:
            if phase_step % player.every:
                continue
            optimisers = self.optimisers[player.name]
            if len(self.phase.players) > 1:
                for name, p in self.parameters.items():
                    p.requires_grad_(name in self.names[player.name])
            outputs = self._gradients(crops, rate, player, optimisers)
            norm = float(optimisers.clip())
            if math.isfinite(norm):
                optimisers.step(factor)
            good = good and math.isfinite(norm)
            first = first or (outputs, norm)
        return Taken(*first, good) if first else Taken({}, 0.0, True)

    def _both(self, crops: Tensor, rate: Tensor, player: Player) -> Outputs:
        outputs = self.forward(crops, rate, player)
        outputs["loss"].mean().backward()
        return {name: value.detach() for name, value in outputs.items()}

    def _gradients(self, crops: Tensor, rate: Tensor, player: Player, optimisers: Optimisers) -> Outputs:
        if self._may_capture:
            self._may_capture = False
            try:
                self._captured = Captured(lambda c, r: self._both(c, r, player), optimisers.zero, crops, rate)
                self.note("the step is captured as a CUDA graph")
            except Exception as error:  # many things can't be captured; plain passes always work
                torch.cuda.synchronize(self.device)
                self.note(f"not captured: {str(error).splitlines()[0][:200]}")
        if self._captured is not None:
            return self._captured(crops, rate)
        optimisers.zero()
        return self._both(crops, rate, player)
