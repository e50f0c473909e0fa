"""The trainable whole of systems whose rate is a map of importance: places among centres, masked; the rest is system.py's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from calotype.nets.importance import PixelsToMasked
from calotype.nets.transforms import UNIT
from calotype.train import closed_form
from calotype.train.anchors import at
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.system import System
from calotype.walks.masked import kept

__all__ = ["MaskedSystem"]


class MaskedSystem(System):
    """As `System`, with an analysis that is `nets.importance.Important` and the walk "masked".

    What a rate changes is the map: `shift` is added to it before its sigmoid. Steps are those of the centres at all rates.
    starts   the map's share of its largest value at the least and the greatest rate when training begins
    """

    def __init__(self, *, starts: tuple[float, float] = (0.15, 0.85), **named: Any) -> None:
        super().__init__(**named)
        low, high = (torch.logit(torch.tensor(share)) for share in starts)
        self.shift = nn.Parameter(low + (high - low) * torch.linspace(0, 1, self.rate_anchors)[:, None])
        self.gain.requires_grad_(False)
        self.inverse.requires_grad_(False)

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """Principal components where the transforms can be them, each spread over the centres; what tables begin with."""
        x, centres = (crops - 128) / UNIT, self.analysis.centres
        self.is_closed_form.fill_(closed_form.start(self.analysis.analysis, self.synthesis.synthesis, x))  # type: ignore[operator]
        spread = self.analysis.analysis(x).std((0, 2, 3)).clamp_min(1e-4)
        scale = 0.5 * max(centres.middle, 1.4) / spread
        last = [part for part in self.analysis.analysis.modules() if isinstance(part, nn.Conv2d)][-1]
        entry = next(part for part in self.synthesis.synthesis.modules() if isinstance(part, nn.Conv2d))
        last.weight.mul_(scale[:, None, None, None])
        entry.weight.div_(scale[:, None, None])
        if last.bias is not None:
            last.bias.mul_(scale)
        few = (crops[:32] - 128) / UNIT
        for anchor, shift in enumerate(self.shift):
            found = dict(
                zip(("y", "map"), self.analysis(few, shift[:, None, None].expand(len(few), 1, 1, 1)), strict=True)
            )
            for name, prior in self.priors.items():
                prior.begin(anchor, found[name])  # type: ignore[operator]
        for row in self.rows.values():  # little is known of symbols: less of those that greater rates add
            row.copy_(torch.linspace(0.4, 1.0, len(row))[:, None].expand_as(row))
        self.follow()

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        y, importance = self.analysis(x, self._shift_at(rate))
        return {"y": y.float(), "map": importance.float()}

    def _shift_at(self, rate: Tensor) -> Tensor:
        """What the rate adds to the map before its sigmoid, [b, 1, 1, 1]."""
        return at(self.shift, rate)[:, :, None, None]

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        y, top = given["y"], self.walk_parameters["top"]
        mask = kept(values["map"], y.shape[1], top)  # zeros and ones whose gradient tells the map what more would bring
        full = y + (torch.floor(y + 0.5) - y).detach()
        wanted = full * mask
        return self.synthesis(values["y"].detach() + (wanted - wanted.detach()))

    def frozen(self) -> Frozen:
        made = super().frozen()
        shift = self.shift.detach().cpu().numpy()
        transform = {**made.transform, "outputs": ["y", "map"], "scaled": False}
        return replace(made, transform=transform, encoder={"anchors/row.analysis": shift})

    def _transforms(self) -> dict[str, FrozenNet]:
        nets = super()._transforms()
        pixels = nets["analysis"].inputs["pixels"]
        analysis = replace(
            nets["analysis"], module=PixelsToMasked(self.analysis), outputs=("y", "map"),
            inputs={"pixels": pixels, "row": torch.zeros(2, 1, 1, 1)},
        )  # fmt: skip
        return nets | {"analysis": analysis}
