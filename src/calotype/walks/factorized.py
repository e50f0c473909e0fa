"""The walk without side information: one array of latents, coded at once with a learned table per channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Factorized"]


class Factorized:
    """Fully factorized prior (Balle et al. 2017, arXiv:1611.01704; 2018, arXiv:1802.01436, section 4)."""

    domain = "latents"

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        return {"y": port.code("y", given.get("y"), nets.prior("y"))}
