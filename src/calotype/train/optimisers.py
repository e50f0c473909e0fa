"""Muon, AdamW and the averaged weights, with states that are kept by parameter name; schedules are in phases.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from calotype.train.phases import Phase, Player

__all__ = ["Average", "Muon", "Optimisers", "orthogonalised", "wants_muon"]

# Quintic whose five-fold iteration maps singular values of (0, 1] to about 1 (Jordan 2024; TRAINING section 6).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def wants_muon(parameter: Tensor) -> bool:
    """Convolution weights and matrices whose two channel counts are both >= 16."""
    return parameter.ndim in (2, 4) and min(parameter.shape[:2]) >= 16


def orthogonalised(stack: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrices with singular values near 1, by Newton-Schulz iterations.

    stack     float [n, rows, columns], matrices of one shape, treated in one batch
    returns   the same shape and type
    """
    # bfloat16 pays on accelerators; on CPUs without matrix units its products are slower than float32's.
    u = stack.to(torch.bfloat16) if stack.is_cuda else stack.float()
    tall = u.shape[1] > u.shape[2]
    u = u.mT if tall else u
    u = u / (u.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(steps):
        gram = u @ u.mT
        u = torch.baddbmm(u, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), u, beta=a)
    return (u.mT if tall else u).to(stack.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, Nesterov form, with every matrix's step orthogonalised (Jordan 2024).

    Weights are reshaped to out x (in * k * k); a step has the length lr * 0.2 * sqrt(larger side), which matches AdamW's.
    Matrices of equal shape share one batch of products: launches bind on accelerators, not arithmetic.
    """

    def __init__(self, parameters: Iterable[Any], lr: float = 3e-3, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Apply one step to every parameter that has a gradient."""
        for group in self.param_groups:
            shapes: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    shapes[p.shape[0], p.numel() // p.shape[0]].append(p)
            for (rows, columns), params in shapes.items():
                gradients = [p.grad for p in params]
                momenta = [self._momentum(p) for p in params]
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                ahead = torch._foreach_lerp(gradients, momenta, group["momentum"])
                u = orthogonalised(torch.stack([x.reshape(rows, columns) for x in ahead]))
                length = 0.2 * max(rows, columns) ** 0.5
                for p, step in zip(params, u, strict=True):
                    p.add_(step.reshape(p.shape), alpha=-group["lr"] * length)

    def _momentum(self, p: nn.Parameter) -> Tensor:
        state = self.state[p]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(p)
        return state["momentum"]


class Optimisers:
    """The optimisers of one player in one phase.

    parameters   name -> parameter, those that the player trains
    states       moments by name, from a resume file or an earlier phase; names that no longer learn are ignored
    """

    def __init__(
        self,
        player: Player,
        phase: Phase,
        parameters: Mapping[str, nn.Parameter],
        states: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        self.player, self.clip_norm = player, phase.clip_norm
        self.parameters = dict(parameters)
        groups: dict[tuple[bool, float], list[nn.Parameter]] = defaultdict(list)
        for name, p in self.parameters.items():
            groups[player.optimiser == "muon" and wants_muon(p), player.scale(name)].append(p)
        muon = [{"params": ps, "lr": s * player.muon_rate} for (m, s), ps in groups.items() if m]
        adam = [{"params": ps, "lr": s * player.adam_rate} for (m, s), ps in groups.items() if not m]
        self.optimisers: list[torch.optim.Optimizer] = []
        if muon:
            self.optimisers.append(Muon(muon))
        if adam:
            self.optimisers.append(torch.optim.AdamW(adam, betas=(0.9, 0.99), eps=1e-10, weight_decay=0.0, fused=True))
        self._groups = [(g, g["lr"]) for o in self.optimisers for g in o.param_groups]
        self._owner = {p: o for o in self.optimisers for g in o.param_groups for p in g["params"]}
        for name, state in (states or {}).items():
            p = self.parameters.get(name)
            if p is None or ("momentum" in state) != isinstance(self._owner[p], Muon):
                continue
            if all(k == "step" or v.shape == p.shape for k, v in state.items()):
                self._owner[p].state[p] = {k: _like(k, v, p) for k, v in state.items()}

    def zero(self) -> None:
        """Forget the gradients."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def clip(self) -> Tensor:
        """Scale the gradients down to the phase's norm; returns the norm before, a scalar."""
        return torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.clip_norm, foreach=True)

    def step(self, rate_factor: float) -> None:
        """One step at `rate_factor` times the player's rates."""
        for group, rate in self._groups:
            group["lr"] = rate * rate_factor
        for optimiser in self.optimisers:
            optimiser.step()

    def states(self) -> dict[str, dict[str, Tensor]]:
        """Moments by parameter name, the optimiser's own tensors (not copies)."""
        return {name: dict(self._owner[p].state[p]) for name, p in self.parameters.items() if self._owner[p].state[p]}


def _like(key: str, value: Tensor, p: nn.Parameter) -> Tensor:
    # Moments take the type and memory layout of their parameter, as if they had grown with it.
    if key == "step":
        return value.detach().to(p.device, torch.float32, copy=True)
    return torch.empty_like(p.detach()).copy_(value)


class Average:
    """Exponential moving average of all parameters in float32.

    The decay grows as (1 + n) / (10 + n) up to the phase's, so that the first steps do not keep the start alive.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        self.parameters = dict(parameters)
        self.values = {name: p.detach().float().clone() for name, p in self.parameters.items()}
        self.count = 0

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Move the average towards the parameters as they are now."""
        decay = min(decay, (1 + self.count) / (10 + self.count)) if decay else 0.0
        self.count += 1
        live: Sequence[Tensor] = [p.detach().float() for p in self.parameters.values()]
        torch._foreach_lerp_(list(self.values.values()), live, 1 - decay)

    @torch.no_grad()
    def restart(self, names: Iterable[str]) -> None:
        """Take `names` as they are now: something other than a step has changed them."""
        for name in names:
            self.values[name].copy_(self.parameters[name])

    def __enter__(self) -> Average:
        """Put the averaged weights into the module; leaving the block brings the learning ones back, bit for bit."""
        self._kept = {name: p.detach().clone() for name, p in self.parameters.items()}
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(self.values[name])
        return self

    def __exit__(self, *_: object) -> None:
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(self._kept[name])
        del self._kept
