"""SOAP: Adam in the eigenbasis of the gradient's covariances, for matrices whose entries lie in one vector.

Vyas et al. 2024 (arXiv:2409.11321). Which matrices there are is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["Soap"]

MEMORY = 0.95  # a step, of the gradient, its covariances and its squares alike
ANEW = 10  # steps between bases
EPSILON = 1e-8


class Soap:
    """Descends a vector in place.

    vector    float [n], a leaf whose gradient `step` uses
    entries   of each matrix, int [rows, columns]: where in the vector they lie; a place in none of them stays
    most      greatest magnitude of each, [n]: no step ends beyond it
    """

    def __init__(self, vector: Tensor, entries: Iterable[Tensor], most: Tensor | None = None) -> None:
        self.vector, self.most, self.steps = vector, most, 0
        self.matrices = [_Matrix(places.to(vector.device)) for places in entries]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step along the gradient, as long as Adam's at that rate. The first one only looks."""
        gradient = self.vector.grad
        assert gradient is not None
        self.steps += 1
        for matrix in self.matrices:
            moved = matrix.moved(gradient[matrix.places], self.steps)
            self.vector[matrix.places] -= rate * moved
        if self.most is not None:
            self.vector.clamp_(-self.most, self.most)


class _Matrix:
    """What is remembered of the gradients of one matrix."""

    def __init__(self, places: Tensor) -> None:
        self.places = places
        self.mean, self.squares = (torch.zeros(places.shape, device=places.device) for _ in range(2))
        self.covariances = [torch.zeros(side, side, device=places.device) for side in places.shape]
        self.bases: list[Tensor] = []

    def moved(self, gradient: Tensor, steps: int) -> Tensor:
        """The direction of step number `steps`, of magnitude about 1 in the basis."""
        for covariance, now in zip(self.covariances, (gradient @ gradient.T, gradient.T @ gradient), strict=True):
            covariance.lerp_(now, 1 - MEMORY)
        if not self.bases:
            self.bases = [_eigenvectors(covariance) for covariance in self.covariances]
            return torch.zeros_like(gradient)
        left, right = self.bases
        self.mean.lerp_(gradient, 1 - MEMORY)
        self.squares.lerp_((left.T @ gradient @ right).square(), 1 - MEMORY)
        begun = 1 - MEMORY**steps
        turned = left.T @ self.mean @ right / begun
        found: Tensor = left @ (turned / ((self.squares / begun).sqrt() + EPSILON)) @ right.T
        if steps % ANEW == 0:
            self._turn()
        return found

    def _turn(self) -> None:
        """Bases nearer to the eigenvectors of the covariances as they are by now, by one iteration of their power."""
        for axis, covariance in enumerate(self.covariances):
            grown = covariance @ self.bases[axis]
            order = (self.bases[axis] * grown).sum(0).argsort(descending=True)
            self.squares = self.squares.index_select(axis, order)
            self.bases[axis] = torch.linalg.qr(grown[:, order])[0]


def _eigenvectors(covariance: Tensor) -> Tensor:
    """Of the largest eigenvalue first."""
    return torch.linalg.eigh(covariance.double())[1].flip(1).to(covariance.dtype)
