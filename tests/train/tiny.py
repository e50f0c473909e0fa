"""A recipe small enough for tests: two convolutions and a rate of its own invention; no walk, no codec."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calotype.train.phases import Phase, Player


class TinySystem(nn.Module):
    """Average-pooled pictures through a bottleneck with noise, so that torch's random state matters too."""

    rate_anchors = 4

    def __init__(self) -> None:
        super().__init__()
        self.analysis = nn.Conv2d(3, 16, 4, 4)
        self.middle = nn.Conv2d(16, 16, 3, padding=1)
        self.synthesis = nn.ConvTranspose2d(16, 3, 4, 4)
        self.gain = nn.Parameter(torch.zeros(()))
        self.register_buffer("entered", torch.zeros(1))
        self.register_buffer("shift", torch.zeros(3))

    def begin(self, crops: Tensor) -> None:
        """The mean colour."""
        self.shift.copy_(crops.mean((0, 2, 3)))

    def enter(self, phase: Phase, batches: Callable[[], Tensor]) -> None:
        """Count phases, draw a batch, and change a weight, as a switch to integers does."""
        self.entered += 1
        assert batches().shape[1:] == (3, phase.crop_px, phase.crop_px)
        with torch.no_grad():
            self.gain.mul_(0.5)

    def forward(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        """[b, 3, h, w] and [b] -> loss, bpp, mse of each sample."""
        x = (crops - self.shift[:, None, None]) / 64
        y = self.middle(F.relu(self.analysis(x))).float() * torch.exp(self.gain + 2 * rate)[:, None, None, None]
        noisy = y + torch.rand_like(y) - 0.5 if self.training else torch.round(y)
        back = self.synthesis(noisy / torch.exp(2 * rate)[:, None, None, None]).float()
        mse = ((back - x) ** 2).mean((1, 2, 3)) * 64**2
        bpp = torch.log2(1 + y.abs()).sum((1, 2, 3)) / crops[0, 0].numel()
        return {"loss": bpp + 0.01 * torch.exp(3 * rate) * mse, "bpp": bpp, "mse": mse}


class Tiny:
    """Two phases: the ends first, then everything."""

    name = "tiny"
    design = None
    phases = (
        Phase(name="ends", share=1, crop_px=32, batch=4, schedule="constant", trainable=("analysis.*", "synthesis.*")),
        Phase(
            name="all", share=2, crop_px=32, batch=4, players=(Player(slower=(("analysis.*", 0.3),)),), ema_decay=0.9
        ),
    )

    @staticmethod
    def system() -> nn.Module:
        """A fresh system."""
        return TinySystem()


if __name__ == "__main__":  # python tiny.py DATA RUN STEPS [--resume]: for tests that kill a process
    from pathlib import Path

    from calotype.train.loop import Settings, train

    data, run, steps, *rest = sys.argv[1:]
    outcome = train(
        Tiny(),
        Settings(
            data=Path(data), run=Path(run), steps=None if rest else int(steps), threads=1, precision="float32",
            save_s=0.0, log_steps=1, validation_crops=2, validation_px=32, validate_s=1e9, resume=bool(rest), quiet=True,
        ),
    )  # fmt: skip
    sys.exit(0 if outcome.signal is None else 128 + outcome.signal)
