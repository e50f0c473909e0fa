"""The walk of competing priors: a map says which of a few static sets of tables codes each place; no network decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.coding.densities import LAPLACE_STEPS, Laplace, constant

__all__ = ["Competing"]


class Competing:
    """Competition of prior distributions (Brummer and De Vleeschouwer 2021, arXiv:2111.09172).

        y --which prior is the shortest here?--> choice --port--> choice --rows of means and tables--> port(y)

    A prior is a mean and a table for every channel; rows "y.mean" and "y.index" hold all of them, prior by prior.

    priors   how many compete
    """

    domain = "latents"

    def __init__(self, priors: int) -> None:
        self.priors = int(priors)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        _, channels, _, _ = port.shape("y")
        means, tables = nets.rows("y.mean"), nets.rows("y.index").clip(0, LAPLACE_STEPS - 1)
        parts = [slice(k * channels, (k + 1) * channels) for k in range(self.priors)]
        sets = [(means[:, part], tables[:, part]) for part in parts]
        choice = port.code("choice", None if y is None else _shortest(y, sets), nets.prior("choice"))
        mean16, index = sets[0]
        for k, (mean, table) in enumerate(sets[1:], 1):
            here = 1.0 * (choice == k)  # b 1 h w
            mean16, index = mean16 + here * (mean - sets[0][0]), index + here * (table - sets[0][1])
        return {"choice": choice, "y": port.code("y", y, Laplace(mean16, index))}


def _shortest(y: Any, sets: list[tuple[Any, Any]]) -> Any:
    """Which set of tables codes each place in the fewest bits, the first of equals: [b, 1, h, w], of y's kind."""
    still = constant(y)
    best = _bits(still, sets[0])
    choice = 0 * best
    for k, prior in enumerate(sets[1:], 1):
        bits = _bits(still, prior)
        better = 1.0 * (bits < best)
        best, choice = best + better * (bits - best), choice + better * (k - choice)
    return choice


def _bits(y: Any, prior: tuple[Any, Any]) -> Any:
    """What each place costs with a prior, [b, 1, h, w]."""
    made = Laplace(constant(prior[0]), constant(prior[1]))
    symbols, _ = made.hard(y)
    return made.bits(symbols).sum(1)[:, None]
