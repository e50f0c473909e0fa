"""The walk of a pyramid of integer bands: as walks/pyramid.py, with steps that are integers too, one of them no step at all.

Not here: the transform (nets/lifted.py), the networks of the contexts (nets/pyramid_context.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calotype.coding.densities import namespace
from calotype.walks.pyramid import Pyramid
from calotype.walks.whole_integer import SHIFT, scaled

__all__ = ["Lifted", "Lossless"]


class Lifted(Pyramid):
    """Bands of integers, each coded in steps of its row "<band>.inverse", in units of 2^-10; a step of 1 loses nothing.

        band b<name> / step -> <name>, coded as walks.pyramid does -> round(<name> * step) -> b<name>

    At a step of one rounding gives back what was coded, for two reasons that hold here alone: no mean lies half-way
    between two integers (such means are lowered by a sixteenth), and no symbol is certain (table 0 becomes table 1).

    top     largest magnitude of a band's integers
    parts   what bands are multiples of where the step is more than one, as a fraction of one
    """

    def __init__(self, bands: Sequence[Sequence[Any]], share: str, top: int, parts: int = 1) -> None:
        super().__init__(bands, share)
        self.top, self.parts = int(top), int(parts)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = dict(latents or {})
        inverse = {name: nets.rows(f"{name}.inverse") for name, _ in self.bands}
        for name in inverse:
            if f"b{name}" in given:
                given[name] = given.pop(f"b{name}") / (inverse[name] * 2.0**-SHIFT)
        values = super().__call__(Lossless(nets, inverse), port, given)
        return values | {f"b{name}": self.restored(values[name], inverse[name]) for name in inverse}

    def restored(self, known: Any, inverse: Any) -> Any:
        """The band of what was coded, in steps of a row "<band>.inverse"."""
        whole = scaled(known, inverse, self.top)
        if self.parts == 1:
            return whole
        finer = scaled(known * self.parts, inverse, self.top * self.parts) * (1 / self.parts)
        return finer + (whole - finer) * (inverse <= 2.0**SHIFT)


class Lossless:
    """A walk's networks, with tables and means that lose nothing where a step is one."""

    def __init__(self, nets: Any, inverse: Mapping[str, Any]) -> None:
        self._nets, self.rows, self._inverse = nets, nets.rows, inverse

    def __getitem__(self, name: str) -> Callable[..., Any]:
        net = self._nets[name]
        band, _, step = name.partition("_step")
        if not step:
            return net
        whole = self._inverse[band] <= 2.0**SHIFT

        def lossless(*arrays: Any) -> tuple[Any, Any]:
            mean16, index = net(*arrays)
            return mean16 - (mean16 % 16 == 8) * 1, namespace(index).maximum(index, whole + 0 * index)

        return lossless
