"""The trainable whole of a pyramid recipe: wavelet, walk under the training port, post-filter, and its loss.

Not here: the walk's order (walks/pyramid.py), the networks (nets/), the loop (loop.py), export (freeze.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.coding.frequencies import laplace_bank
from calotype.errors import ModelError
from calotype.model.manifest import Latent
from calotype.nets import wavelet
from calotype.nets.exact import round_ste, set_mode
from calotype.nets.postfilter import AnalysisBranch, PixelsToBands, PlanesToPixels, PostFilter
from calotype.nets.pyramid_context import ACTIVATION, FINE, INDEX_FINE, V_TOP, Carry, Lift, Step
from calotype.nets.pyramid_frozen import FrozenCarry, FrozenLift, FrozenStep
from calotype.train.anchors import at, rounded, weighted
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.port import TrainingPort
from calotype.walks.features import PARITY
from calotype.walks.pyramid import Pyramid

__all__ = ["PyramidSystem"]

UNIT = 64.0  # picture values are (0..255 - 128) / UNIT
POST_HALO_PX = 16  # four 3x3 convolutions at a quarter of the resolution
_CAUTION = 0.8  # factor on the worth of distortion in the quantizer (docs/training.md, "Quantizer")


class _Nets:
    """The namespace that the walk sees in training: torch modules, and rows at the rates of the batch."""

    def __init__(self, system: PyramidSystem, rate: Tensor) -> None:
        self.system, self.rate = system, rate

    def __getitem__(self, name: str) -> Callable[..., Any]:
        net = self.system.context[name]
        kind = self.rate.device.type
        # Exact networks see no autocast: half precision would not hold their sums (DESIGN 5).
        half = torch.is_autocast_enabled(kind) and self.system.mode == "float"

        def call(*arrays: Tensor) -> Any:
            arrays = tuple(_fast(a) if half else a.float() for a in arrays)
            with torch.autocast(kind, enabled=half):
                found = net(*arrays)
            return (found[0].float(), found[1].float()) if "_step" in name else found

        return call

    def rows(self, name: str) -> Tensor:
        return self.system.integer_row(name, self.rate)


class PyramidSystem(nn.Module):
    """forward(crops [b, 3, h, w] in 0..255, rate [b] in [0, 1]) -> per sample "loss", "bpp", "mse", and "picture".

    lambdas   worth of a unit of mean squared error (0..255) in bits per pixel, one per rate anchor, ascending
    typical   bpp that the anchor usually gives: samples weigh typical^-0.8, so that every rate counts relatively
    widths    channels of the context networks, levels 1 (finest) upwards
    steps     coding steps of levels 1 upwards
    low       coding steps of the low-pass band
    post      whether a post-filter corrects the picture
    """

    def __init__(
        self, *, lambdas: Sequence[float], typical: Sequence[float], widths: Sequence[int], steps: Sequence[int],
        post: bool = True, low: int = 4,
    ) -> None:  # fmt: skip
        super().__init__()
        self.levels = levels = len(widths)
        self.rate_anchors = n = len(lambdas)
        self.names = ["ll"] + [f"l{k}" for k in range(levels, 0, -1)]
        self.channels = {name: 3 if name == "ll" else 9 for name in self.names}
        self.width = {"ll": widths[-1]} | {f"l{k}": widths[k - 1] for k in range(1, levels + 1)}
        self.steps = {"ll": low} | {f"l{k}": steps[k - 1] for k in range(1, levels + 1)}
        self.shared = "l2" if post else ""  # the band whose features the post-filter sees
        self.walk = Pyramid(bands=[(name, self.steps[name]) for name in self.names], share=self.shared)
        self.context = nn.ModuleDict()
        coarser = 0
        for name in self.names:
            c, width = self.channels[name], self.width[name]
            if coarser:
                self.context[f"{name}_lift"] = Lift(coarser, width, shuffle=name != f"l{levels}", alone=name == "l1")
            for step in range(self.steps[name]):
                self.context[f"{name}_step{step}"] = Step(c, width, first=step == 0)
            if name != "l1":
                residual = name != "ll" and int(name[1:]) >= 4
                self.context[f"{name}_carry"] = Carry(c, width, has_u=coarser > 0, residual=residual)
            coarser = width
        self.rate = nn.ParameterDict({name: nn.Parameter(torch.zeros(n, self.width[name])) for name in self.names})
        self.scale = nn.ParameterDict({name: nn.Parameter(torch.zeros(n, self.channels[name])) for name in self.names})
        self.gain = nn.ParameterDict({name: nn.Parameter(torch.zeros(n, self.channels[name])) for name in self.names})
        self.inverse = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(n, self.channels[name])) for name in self.names}
        )
        self.branch, self.branch_rate = AnalysisBranch(), nn.Parameter(torch.zeros(n, 64))
        self.post = PostFilter(self.width[self.shared]) if post else None
        self.post_rate = nn.Parameter(torch.zeros(n, 48)) if post else None
        self.register_buffer("colour", torch.eye(3))
        self.register_buffer("log_lambdas", torch.tensor([math.log(v) for v in lambdas]))
        self.register_buffer("log_typical", torch.tensor([math.log(v) for v in typical]))
        self.register_buffer("gains", torch.full((len(self.names), 3), ACTIVATION))  # u, hidden, features of each band
        self.register_buffer("is_exact", torch.zeros((), dtype=torch.bool))
        for name, norm in wavelet.squared_norms(levels).items():
            self.register_buffer(f"norm_{name}", norm)
        self.mode = "float"
        self.share_gain = ACTIVATION
        self.register_load_state_dict_post_hook(lambda *_: self.follow())

    # --- rows that depend on the rate --------------------------------------------------------------------------------

    def row_anchors(self, name: str) -> Tensor:
        """The row `name` ("l1.rate", "l1.scale") at the anchors, [n, c], in the integers of its network, not rounded."""
        band, kind = name.split(".")
        if kind == "scale":
            return (self.scale[band] - LAPLACE_LOW) * (LAPLACE_PER_LOG * INDEX_FINE)
        return self.rate[band] * (self.gains[self.names.index(band), 1] * FINE)

    def integer_row(self, name: str, rate: Tensor) -> Tensor:
        row = at(self.row_anchors(name), rate)
        if self.mode == "exact":
            row = round_ste(row)
        return row[:, :, None, None]

    # --- phases ---------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Bring all parts into the mode and gains that the state says; called after loading a state."""
        self.mode = "exact" if bool(self.is_exact) else "float"
        set_mode(self, self.mode)
        coarse = ACTIVATION
        for place, name in enumerate(self.names):
            u, h, f = self.gains[place].tolist()
            if f"{name}_lift" in self.context:
                self.context[f"{name}_lift"].set_gains(coarse, u, h)
            for step in range(self.steps[name]):
                self.context[f"{name}_step{step}"].set_gains(h)
            if f"{name}_carry" in self.context:
                self.context[f"{name}_carry"].set_gains(u, f)
            coarse = f
        if self.shared:
            self.share_gain = float(self.gains[self.names.index(self.shared), 2])

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """The closed form of docs/training.md: colour rotation, high-rate steps, scales of the bands."""
        x = (crops - 128) / UNIT
        flat = x.permute(0, 2, 3, 1).reshape(-1, 3).double()
        self.colour.copy_(torch.linalg.eigh(flat.T @ flat / len(flat))[1].flip(1))
        bands = wavelet.analyse(self._planes(x), self.levels)
        step = torch.sqrt(26 / self.log_lambdas.exp()) / UNIT
        for name in self.names:
            log_gain = -torch.log(step)[:, None] + 0.5 * torch.log(getattr(self, f"norm_{name}"))[None]
            self.gain[name].copy_(log_gain)
            self.inverse[name].copy_(-log_gain)
            self.scale[name].copy_((torch.log(bands[name].abs().mean((0, 2, 3)))[None] + log_gain).clamp(-2.5, 5))
        self.follow()

    def enter(self, phase: Any, batches: Callable[[], Tensor]) -> None:
        """Start a phase; the option `exact` switches the context networks to integers, calibrated on some crops."""
        if phase.options.get("exact") and not bool(self.is_exact):
            self.calibrate([batches() for _ in range(int(phase.options.get("calibration_batches", 8)))])
            self.is_exact.fill_(True)
            self.follow()

    @torch.no_grad()
    def calibrate(self, batches: Sequence[Tensor]) -> None:
        """Choose what a natural unit of each activation is worth, so that all but a few fit into 8 bits."""
        for net in self.context.values():
            net.watched = {}
        was_training = self.training
        self.eval()
        for crops in batches:
            for k in range(self.rate_anchors):
                self(crops[:2], torch.full((min(2, len(crops)),), k / (self.rate_anchors - 1), device=crops.device))
        self.train(was_training)
        before = self.gains.clone()
        for place, name in enumerate(self.names):
            for column, label in enumerate("uhf"):
                reach = max(
                    [net.watched.get(label, 0.0) for key, net in self.context.items() if key.startswith(f"{name}_")]
                )
                if reach > 0:
                    self.gains[place, column] = before[place, column] * 255 / reach
        for net in self.context.values():
            net.watched = None

    # --- the codec ------------------------------------------------------------------------------------------------

    def _planes(self, x: Tensor) -> Tensor:
        return torch.einsum("bchw,ck->bkhw", x, self.colour)

    def latents(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        """What the walk codes, in quantizer steps: bands times gains plus the analysis branch."""
        with torch.autocast(x.device.type, enabled=False):
            bands = wavelet.analyse(self._planes(x), self.levels)
            found = {name: bands[name] * torch.exp(at(self.gain[name], rate))[:, :, None, None] for name in self.names}
        extra = self.branch(_fast(nn.functional.pixel_unshuffle(x, 4)), at(self.branch_rate, rate)[:, :, None, None])
        for level, correction in enumerate(extra, 1):
            found[f"l{level}"] = found[f"l{level}"] + correction.float()
        return found

    def reconstruct(self, values: dict[str, Tensor], f2: Tensor | None, rate: Tensor) -> Tensor:
        """Bands in quantizer steps and, for a post-filter, shared features -> picture in 0..255."""
        with torch.autocast(rate.device.type, enabled=False):
            bands = {n: values[n] * torch.exp(at(self.inverse[n], rate))[:, :, None, None] for n in self.names}
            planes = wavelet.synthesise(bands, self.levels)
            picture = torch.einsum("bkhw,ck->bchw", planes, self.colour)
        if self.post is None:
            return picture * UNIT + 128
        assert f2 is not None and self.post_rate is not None
        blocks = nn.functional.pixel_unshuffle(picture, 4)
        features = _fast(f2.float() * (1 / self.share_gain))
        blocks = blocks + self.post(_fast(blocks), features, at(self.post_rate, rate)[:, :, None, None]).float()
        return nn.functional.pixel_shuffle(blocks, 4) * UNIT + 128

    def tradeoffs(self, rate: Tensor) -> dict[str, Tensor]:
        """Bits that a squared quantizer step of distortion is worth, per channel: what the quantizer weighs."""
        worth = torch.exp(at(self.log_lambdas, rate))[:, None] / 3 * _CAUTION
        return {
            name: (
                worth * (UNIT * torch.exp(at(self.inverse[name], rate))) ** 2 * getattr(self, f"norm_{name}")
            ).detach()[:, :, None, None]
            for name in self.names
        }

    def forward(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        targets = self.latents((crops - 128) / UNIT, rate)
        shapes = {name: (int(t.shape[0]), *map(int, t.shape[1:])) for name, t in targets.items()}
        port = TrainingPort(shapes, self.tradeoffs(rate), hard=not self.training)  # type: ignore[arg-type]
        known = self.walk(_Nets(self, rate), port, targets)
        f2 = known.pop("f2", None)
        values = {name: t + (known[name] - t).detach() for name, t in targets.items()}
        picture = self.reconstruct(values, f2, rate)
        pixels = crops.shape[-2] * crops.shape[-1]
        bits = port.bits()
        bpp = sum(bits.values()) / pixels
        if not self.training:
            picture = picture.round().clamp(0, 255)
        mse = ((picture - crops) ** 2).mean((1, 2, 3))
        loss = weighted(bpp, mse, rate, self.log_lambdas, self.log_typical)  # type: ignore[arg-type]
        return {"loss": loss, "bpp": bpp, "mse": mse, "picture": picture}  # type: ignore[dict-item]

    def frozen(self) -> Frozen:
        """The system as a model: folds the exact networks, so afterwards it can no longer be trained."""
        set_mode(self, "folded")
        rows = {
            f"{name}.{kind}": rounded(self.row_anchors(f"{name}.{kind}"))
            for name in self.names
            for kind in ("rate", "scale")
        }
        gains = {f"anchors/gain.{n}": p for n, p in self.gain.items()} | {"anchors/row.branch": self.branch_rate}
        worth = torch.exp(self.log_lambdas)[:, None] / 3 * _CAUTION
        gains |= {
            f"anchors/log_tradeoff.{n}": torch.log(worth * (UNIT * torch.exp(p)) ** 2 * getattr(self, f"norm_{n}"))
            for n, p in self.inverse.items()
        }
        inverse = {f"anchors/inverse.{n}": p for n, p in self.inverse.items()}
        if self.post_rate is not None:
            inverse["anchors/row.post"] = self.post_rate
            gains["rotation"] = self.colour  # the post-filter's network has its own
        else:
            inverse["rotation"] = self.colour
        latents = {
            name: Latent(self.channels[name], 1 << (self.levels if name == "ll" else int(name[1:])), -2047, 2047)
            for name in self.names
        }
        if self.shared:
            latents["f2"] = Latent(self.width[self.shared], 4, 0, 255, coded=False)
        unit = 1 << self.levels
        return Frozen(
            walk="pyramid",
            walk_parameters={"bands": [[name, self.steps[name]] for name in self.names], "share": self.shared},
            transform={
                "kind": "pyramid97",
                "levels": self.levels,
                "unit": UNIT,
                "branch": "branch",
                **({"finish": "finish"} if self.post else {}),
            },
            latents=latents,
            nets=self._frozen_nets(rows),
            rate_anchors=self.rate_anchors,
            halo=POST_HALO_PX if self.post else 0,
            align_px=unit,
            banks={"laplace": laplace_bank(LAPLACE_STEPS, LAPLACE_PER_LOG, LAPLACE_LOW)},
            rows=rows,
            floats={name: p.detach().cpu().numpy().astype(np.float32) for name, p in inverse.items()},
            encoder={name: p.detach().cpu().numpy().astype(np.float32) for name, p in gains.items()},
        )

    def frozen_contexts(self, rows: dict[str, np.ndarray]) -> dict[str, FrozenNet]:
        """The networks of the walk, for rows as they are frozen."""
        found: dict[str, FrozenNet] = {}
        coarser = ""
        for name in self.names:
            c, width = self.channels[name], self.width[name]
            row_top = float(np.abs(rows[f"{name}.rate"]).max())
            if row_top >= 2**14:
                raise ModelError(f"rate rows of {name}", wanted="below 16384 in magnitude", found=row_top)
            v_top = (V_TOP + row_top) / FINE if coarser else row_top / FINE
            v = (2, width, 8, 8) if coarser else (2, width, 1, 1)
            known = {"known": torch.zeros(2, 2 * c + PARITY, 8, 8, dtype=torch.int8)}
            if coarser:
                found[f"{name}_lift"] = FrozenNet(
                    module=FrozenLift(self.context[f"{name}_lift"]), exact=True,
                    inputs={"coarse": torch.zeros(2, self.width[coarser], 8, 8), "row": torch.zeros(2, width, 1, 1)},
                    outputs=("v",) if name == "l1" else ("v", "u"),
                    ranges={"coarse": (-255, 255, 0), "row": f"rows/{name}.rate"},
                )  # fmt: skip
            large = name in ("l1", "l2") and int(name[1:]) < self.levels  # those of the coarsest may have odd sides
            for step in range(self.steps[name]):
                found[f"{name}_step{step}"] = FrozenNet(
                    module=FrozenStep(self.context[f"{name}_step{step}"], large=large), exact=True,
                    inputs={"v": torch.zeros(*v), "known": known["known"][:, 0 if step else 2 * c :],
                            "row": torch.zeros(2, c, 1, 1)},
                    outputs=("mean16", "index"),
                    ranges={"v": (-v_top, v_top, 4), "known": (-127, 127, 0), "row": f"rows/{name}.scale"},
                )  # fmt: skip
            if name != "l1":
                u = {"u": torch.zeros(2, width, 8, 8)} if coarser else {}
                found[f"{name}_carry"] = FrozenNet(
                    module=FrozenCarry(self.context[f"{name}_carry"]), exact=True, inputs=known | u, outputs=("features",),
                    ranges={"known": (-127, 127, 0)} | ({"u": (0, 255, 0)} if u else {}),
                )  # fmt: skip
            coarser = name
        return found

    def _frozen_nets(self, rows: dict[str, np.ndarray]) -> dict[str, FrozenNet]:
        found = self.frozen_contexts(rows)
        if self.post is not None:
            found["finish"] = FrozenNet(
                module=PlanesToPixels(self.post, self.colour, self.share_gain, UNIT),
                inputs={"planes": torch.zeros(2, 3, 32, 32), "row": torch.zeros(2, 48, 1, 1),
                        "f2": torch.zeros(2, self.width[self.shared], 8, 8, dtype=torch.uint8)},
                outputs=("pixels",),
            )  # fmt: skip
        found["branch"] = FrozenNet(
            module=PixelsToBands(self.branch, UNIT), part="encoder",
            inputs={"pixels": torch.zeros(2, 64, 64, 3, dtype=torch.uint8), "row": torch.zeros(2, 64, 1, 1)},
            outputs=("l1", "l2", "l3", "l4"),
        )  # fmt: skip
        return found


def _fast(x: Tensor) -> Tensor:
    """Half precision where autocast is on, channels last: 2 to 9 times faster convolutions on CPUs that have it."""
    kind = x.device.type
    if torch.is_autocast_enabled(kind):
        x = x.to(torch.get_autocast_dtype(kind))
    if x.shape[-1] == 1 or x.shape[1] < 8:
        return x
    return x.contiguous(memory_format=torch.channels_last)
