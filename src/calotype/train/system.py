"""The trainable whole of a recipe whose transforms are networks: analysis, gains per rate, walk, synthesis, and its loss.

Not here: the order of coding (walks/), the networks (nets/), the loop (loop.py), export (freeze.py), the wavelet
pyramid (pyramid_system.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from calotype import walks
from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS, Factorized
from calotype.coding.frequencies import laplace_bank
from calotype.coding.shapes import SHAPED_LOW, SHAPED_PER_LOG
from calotype.model.manifest import Latent
from calotype.nets.exact import round_ste, set_mode
from calotype.nets.hyper import ACTIVATION, INDEX_FINE, ROW_TOP
from calotype.nets.residual import Rotation
from calotype.nets.transforms import UNIT, LatentsToPixels, PixelsToLatents
from calotype.train import closed_form
from calotype.train.anchors import at, rounded, weighted
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.port import TrainingPort
from calotype.train.priors import Prior

__all__ = ["Row", "System"]

SPREAD = 0.4  # standard deviation of y at the least rate when random transforms begin, in quantizer steps
# Of the learning rates, for transforms that began in closed form; their normalisations take a tenth of it. A hundred steps
# at full rates cost 7 dB, at 0.05 they gain nothing, at 0.01 with normalisations at rest 2 % of the loss.
GENTLY = 0.02


@dataclass(frozen=True, slots=True)
class Row:
    """An integer row per rate that exact networks take as an input.

    channels   its length
    unit       integers per natural unit
    zero       the natural value whose integer is 0
    is_scale   it starts at the data's scale
    fixed      [n, channels] natural values instead, which are not trained
    top        integers stay within it
    """

    channels: int
    unit: float = ACTIVATION
    zero: float = 0.0
    is_scale: bool = False
    fixed: Any = None
    top: float = ROW_TOP

    @classmethod
    def of_scales(cls, channels: int, fine: float = INDEX_FINE) -> Row:
        """A row of logarithms of scales, in 1 / `fine` of table indices of the bank "laplace"."""
        return cls(channels, LAPLACE_PER_LOG * fine, LAPLACE_LOW, is_scale=True)

    @classmethod
    def of_shaped(cls, channels: int) -> Row:
        """The same for tables of families with shapes (coding/shapes.py)."""
        return cls(channels, SHAPED_PER_LOG * INDEX_FINE, SHAPED_LOW, is_scale=True)


class System(nn.Module):
    """forward(crops [b, 3, h, w] in 0..255, rate [b] in [0, 1]) -> per sample "loss", "bpp", "mse", and "picture".

    lambdas, typical   at the rate anchors: worth of a unit of MSE in bits per pixel, and the bpp to be expected
    analysis           [b, 3, h, w] -> y [b, c, h/16, w/16]; has `halo_px`
    synthesis          the way back; has `halo_px`
    latents            what the walk codes, the first of them is y; the others are made by its networks
    walk               its name
    nets               networks of the walk, by name, with what freezing asks for; the modules are trained as they stand
    priors             the latents that have a factorized prior, with options of `Prior` where there are any
    rows               integer rows of exact networks, "<latents>.<word>"
    one_gain           gains that no rate changes
    families           latents -> family of distributions by scale and shape (nets/families.py)
    """

    def __init__(
        self, *, lambdas: Sequence[float], typical: Sequence[float], analysis: Any, synthesis: Any,
        latents: Mapping[str, Latent], walk: str, walk_parameters: Mapping[str, Any] | None = None,
        nets: Mapping[str, FrozenNet] | None = None, priors: Sequence[str] | Mapping[str, Any] = (),
        rows: Mapping[str, Row] | None = None,
        families: Mapping[str, nn.Module] | None = None, one_gain: bool = False,
        align_px: int = 64, tile_px: int = 512,
    ) -> None:  # fmt: skip
        super().__init__()
        n = self.rate_anchors = len(lambdas)
        self.latents, self.main = dict(latents), next(iter(latents))
        self.align_px, self.tile_px = align_px, tile_px
        self.walk_name, self.walk_parameters = walk, dict(walk_parameters or {})
        self.walk = walks.get(walk, self.walk_parameters)
        self.analysis, self.synthesis = analysis, synthesis
        self.declared = dict(nets or {})
        self.nets = nn.ModuleDict({name: net.module for name, net in self.declared.items()})
        self.priors = nn.ModuleDict(
            {
                name: options.get("make", Prior)(
                    name, latents[name].channels, **{"anchors": n, **{k: v for k, v in options.items() if k != "make"}}
                )
                for name, options in _optioned(priors).items()
            }
        )
        self.row_kinds = dict(rows or {})
        self.rows = nn.ParameterDict(
            {
                _key(name): nn.Parameter(torch.full((n, row.channels), row.zero))
                for name, row in self.row_kinds.items()
                if row.fixed is None
            }
        )
        self.families = nn.ModuleDict(dict(families or {}))
        channels = latents[self.main].channels
        gains = 1 if one_gain else n
        self.gain, self.inverse = (nn.Parameter(torch.zeros(gains, channels)) for _ in range(2))
        self.register_buffer("log_lambdas", torch.tensor([math.log(v) for v in lambdas]))
        self.register_buffer("log_typical", torch.tensor([math.log(v) for v in typical]))
        self.register_buffer("is_exact", torch.zeros((), dtype=torch.bool))
        self.register_buffer("is_closed_form", torch.zeros((), dtype=torch.bool))  # how the transforms began
        self.mode = "float"
        self.register_load_state_dict_post_hook(lambda *_: self.follow())

    # --- phases ---------------------------------------------------------------------------------------------------

    @property
    def slower(self) -> tuple[tuple[str, float], ...]:
        """Transforms that began as principal components learn gently: full rates undo them within a hundred steps."""
        if not bool(self.is_closed_form):
            return ()
        ends = (("*.gamma", GENTLY / 10), ("*.beta", GENTLY / 10), ("*", GENTLY))
        return tuple((name + end, factor) for name in ("analysis", "synthesis") for end, factor in ends)

    def follow(self) -> None:
        """Bring the exact networks into the mode that the state says."""
        self.mode = "exact" if bool(self.is_exact) else "float"
        set_mode(self, self.mode)

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """Transforms in closed form where they have one, gains that fit them, scales of rows and priors from the data."""
        orthonormal = closed_form.start(self.analysis, self.synthesis, (crops - 128) / UNIT)
        self.is_closed_form.fill_(orthonormal)
        y = self._fitted(crops)
        spread = y.std((0, 2, 3)).clamp_min(1e-4)
        if orthonormal:  # one step for all channels, by high-rate theory: its square is 26 / lambda
            log_gain = (0.5 * (self.log_lambdas - math.log(26)) + math.log(UNIT))[:, None].expand(-1, len(spread))
            log_spread = log_gain + torch.log(spread)
        else:  # most of y is zero at the least rate
            log_spread = math.log(SPREAD) + 0.5 * (self.log_lambdas - self.log_lambdas[0])[:, None]  # n 1
            log_gain = log_spread - torch.log(spread)  # n c
        self.gain.copy_(log_gain[: len(self.gain)])
        self.inverse.copy_(-log_gain[: len(self.gain)])
        logs = {self.main: log_spread.expand_as(log_gain)}
        for name, prior in self.priors.items():
            if name in logs:
                prior.log_scale.copy_(logs[name][: len(prior.log_scale)])
        for name, row in self.row_kinds.items():
            of = name.partition(".")[0]
            if row.is_scale and row.fixed is None:
                start = (logs[of] - 0.5).clamp(-2.5, 5) if of in logs else torch.zeros(len(log_gain), row.channels)
                times = row.channels // start.shape[1]  # several scales a channel start apart
                apart = torch.linspace(-1, 1, times).repeat_interleave(start.shape[1]) if times > 1 else 0.0
                self.rows[_key(name)].copy_(start.repeat(1, times).to(log_gain) + apart)
        self.follow()

    def _fitted(self, crops: Tensor) -> Tensor:
        """y of crops; a rotation of it (nets/residual.py) is computed from them first."""
        y = self.analysis((crops - 128) / UNIT)
        if isinstance(self.analysis, Rotation):
            self.analysis.fit(y)
            self.synthesis.follow(self.analysis)  # type: ignore[operator]
            y = self.analysis((crops - 128) / UNIT)
        return y

    @torch.no_grad()
    def _rotate(self, crops: Tensor) -> None:
        """New axes; gains become those of a rotation: one for all channels, so that noise stays what it was."""
        y = self._fitted(crops)
        for gain in (self.gain, self.inverse):
            gain.copy_(gain.mean(1, keepdim=True).expand_as(gain))
        self.priors[self.main].log_scale.copy_(self.gain + torch.log(y.std((0, 2, 3)).clamp_min(1e-4)))

    def enter(self, phase: Any, batches: Callable[[], Tensor]) -> None:
        """Start a phase; the option `exact` switches the networks that choose tables to integers, `rotate` finds axes."""
        if phase.options.get("rotate"):
            self._rotate(batches())
        if phase.options.get("exact"):
            self.is_exact.fill_(True)
            self.follow()

    # --- the codec ------------------------------------------------------------------------------------------------

    def forward(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        given = self.analysed((crops - 128) / UNIT, rate)
        with torch.autocast(crops.device.type, enabled=False):  # exact networks would lose their sums in half precision
            b, _, height, width = crops.shape
            shapes = {k: (b, v.channels, height // v.stride, width // v.stride) for k, v in self.latents.items()}
            port = TrainingPort(shapes, hard=not self.training)
            values = self.walk(_Nets(self, rate), port, given)
            bits = self.counted(port, given, rate)
        picture = self.synthesised(values, given, rate).float() * UNIT + 128
        if not self.training:
            picture = picture.round().clamp(0, 255)
        bpp = sum(bits.values()) / (height * width)
        mse = ((picture - crops) ** 2).mean((1, 2, 3))
        with torch.autocast(crops.device.type, enabled=False):  # measures of contrast are differences of squares
            distortion = self.distortion(picture, crops, mse, given)
        loss = weighted(bpp, distortion, rate, self.log_lambdas, self.log_typical)  # type: ignore[arg-type]
        return {"loss": loss, "bpp": bpp, "mse": mse, "picture": picture}  # type: ignore[dict-item]

    # What methods do in their own way; train/methods/ has a file for each of them.

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        """What the walk is given of pictures in networks' units, by name."""
        return {self.main: self.analysis(x).float() * torch.exp(at(self._gains()[0], rate)[:, :, None, None])}

    def counted(self, port: TrainingPort, given: Mapping[str, Tensor], rate: Tensor) -> dict[str, Tensor]:
        """Bits of every name and sample, [b], with the gradients that the loss is to have."""
        return port.bits()

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        """The picture in networks' units from what the walk returned."""
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis(self.reconstructed(values[self.main], given[self.main], inverse))

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """What lambdas are worth of, [b], of samples 0..255."""
        return mse

    def reconstructed(self, known: Tensor, y: Tensor, inverse: Tensor) -> Tensor:
        """What synthesis gets: known values are constant unless networks corrected them, y learns as if not rounded.

        Values of a factorized prior come from the walk as if not rounded already (`Factorized.straight_through`, for
        networks that predict from them); learning from both would count every error twice.
        """
        known = known.detach() if self.main in self.priors else known
        return (known + (y - y.detach())) * torch.exp(inverse)

    def _gains(self) -> tuple[Tensor, Tensor]:
        """Logarithms of gains and inverse gains at the anchors, [n, c]."""
        return self.gain.expand(self.rate_anchors, -1), self.inverse.expand(self.rate_anchors, -1)

    def row_anchors(self, name: str) -> Tensor:
        """The row `name` at the anchors, [n, c], in integers, not rounded."""
        row = self.row_kinds[name]
        if row.fixed is not None:
            fixed = torch.as_tensor(row.fixed, dtype=torch.float32, device=self.gain.device)
            return (fixed - row.zero) * row.unit
        return ((self.rows[_key(name)] - row.zero) * row.unit).clamp(-row.top, row.top)

    def frozen(self) -> Frozen:
        """The system as a model: folds the exact networks, so afterwards it can no longer be trained."""
        set_mode(self, "folded")
        rows = {name: rounded(self.row_anchors(name)) for name in self.row_kinds}
        banks = {"laplace": laplace_bank(LAPLACE_STEPS, LAPLACE_PER_LOG, LAPLACE_LOW)} if self.row_kinds else {}
        for name, prior in self.priors.items():
            banks[name], rows[f"{name}.prior"] = prior.frozen()
        banks |= {name: family.frozen() for name, family in self.families.items()}
        return Frozen(
            walk=self.walk_name,
            walk_parameters=self.walk_parameters,
            transform={"kind": "networks", "analysis": "analysis", "synthesis": "synthesis", "latents": [self.main],
                       "encoder_halo": self.analysis.halo_px},
            latents=self.latents,
            nets={name: replace(net, module=self.nets[name]) for name, net in self.declared.items()} | self._transforms(),
            rate_anchors=self.rate_anchors,
            halo=self.synthesis.halo_px,
            align_px=self.align_px,
            tile_px=self.tile_px,
            banks=banks,
            rows=rows,
            floats={"anchors/row.synthesis": self._gains()[1].detach().cpu().numpy()},
            encoder={"anchors/row.analysis": self._gains()[0].detach().cpu().numpy()},
        )  # fmt: skip

    def _transforms(self) -> dict[str, FrozenNet]:
        channels, stride = self.latents[self.main].channels, self.latents[self.main].stride
        row, cells = torch.zeros(2, channels, 1, 1), 8 * self.align_px // stride
        pixels = torch.zeros(2, cells * stride, cells * stride, 3, dtype=torch.uint8)
        return {
            "analysis": FrozenNet(
                module=PixelsToLatents(self.analysis), inputs={"pixels": pixels, "row": row}, outputs=(self.main,),
                part="encoder",
            ),
            "synthesis": FrozenNet(
                module=LatentsToPixels(self.synthesis), outputs=("pixels",),
                inputs={self.main: torch.zeros(2, channels, cells, cells), "row": row},
            ),
        }  # fmt: skip


class _Nets:
    """The namespace that the walk sees in training: torch modules, priors with their densities, rows at the rates."""

    def __init__(self, system: System, rate: Tensor) -> None:
        self._system, self._rate = system, rate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._system.nets[name]

    __getitem__ = __getattr__

    def prior(self, name: str) -> Factorized:
        return self._system.priors[name].distribution(self._rate)

    def density(self, name: str) -> Callable[..., Tensor] | None:
        return dict(self._system.families.items()).get(name)

    def rows(self, name: str) -> Tensor:
        row = at(self._system.row_anchors(name), self._rate)
        return (round_ste(row) if self._system.mode == "exact" else row)[:, :, None, None]


def _optioned(priors: Sequence[str] | Mapping[str, Any]) -> Mapping[str, Any]:
    return priors if isinstance(priors, Mapping) else {name: {} for name in priors}


def _key(name: str) -> str:
    """A row's name as a parameter's, which must not have dots."""
    return name.replace(".", "_")
