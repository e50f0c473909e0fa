"""How one forward and backward pass is run: precision and memory layout by measurement, and captured graphs on CUDA.

The mathematics of a step is the system's, its order the loop's; here is only what makes it fast on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from calotype.errors import UsageError

__all__ = ["MODES", "Captured", "Mode", "fastest"]


@dataclass(frozen=True, slots=True)
class Mode:
    """Precision of autocast and layout of the weights.

    bfloat16        autocast to bfloat16; systems keep densities and exact networks out of it themselves
    channels_last   weights in channels-last layout, which convolutions pass on to their results
    """

    bfloat16: bool
    channels_last: bool

    @property
    def name(self) -> str:
        """As it is spelled on the command line and in resume files."""
        return ("bfloat16" if self.bfloat16 else "float32") + ("-channels-last" if self.channels_last else "")

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context in which the system runs."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=device.type == "cpu")

    def lay_out(self, system: nn.Module) -> None:
        """Put the weights into this mode's layout; parameters stay the same objects."""
        system.to(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)


MODES = {m.name: m for m in (Mode(b, c) for b in (False, True) for c in (False, True))}


def named(name: str) -> Mode:
    """The mode called `name`."""
    if name not in MODES:
        raise UsageError("precision", value=name, allowed=f"auto, {', '.join(MODES)}")
    return MODES[name]


def fastest(
    system: nn.Module, crops: Tensor, rate: Tensor, device: torch.device, modes: Sequence[Mode] = tuple(MODES.values())
) -> tuple[Mode, dict[str, float]]:
    """The fastest mode for this system on this machine, by running it: the better of two passes each, after a first one.

    Measured because it cannot be guessed: with AMX, channels-last bfloat16 wins by far; with AVX512-bf16 alone, the
    plain layout does, and small convolutions in float32 profit from channels-last.
    returns   the mode, and seconds per pass by mode name; parameters, buffers and random states are left as they were
    """
    kept = {name: buffer.clone() for name, buffer in system.named_buffers()}
    seconds: dict[str, float] = {}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for mode in modes:
            mode.lay_out(system)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                with mode.autocast(device):
                    loss = system(crops, rate)["loss"].mean()
                if loss.requires_grad:
                    loss.backward()
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                times.append(time.perf_counter() - start)
                if times[0] > 4 * min(seconds.values(), default=float("inf")):
                    break  # hopeless, and the probe must stay short
            seconds[mode.name] = min(times[1:] or times)
    system.zero_grad(set_to_none=True)
    with torch.no_grad():
        for name, buffer in system.named_buffers():
            if name in kept:
                buffer.copy_(kept[name])
    best = MODES[min(seconds, key=seconds.__getitem__)]
    best.lay_out(system)
    return best, seconds


class Captured:
    """A forward and backward pass captured as one CUDA graph: at thousands of small kernels, launches are what binds.

    Not tested by the project's checks, which run without an accelerator; the loop falls back to plain passes when
    capturing raises or the first replay disagrees with a plain pass.
    forward_backward   (crops, rate) -> dict of tensors; leaves gradients in `.grad`, which were None before
    """

    def __init__(
        self,
        forward_backward: Callable[[Tensor, Tensor], dict[str, Tensor]],
        forget: Callable[[], None],
        crops: Tensor,
        rate: Tensor,
    ) -> None:
        self.crops, self.rate = crops.clone(), rate.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                forget()
                plain = forward_backward(self.crops, self.rate)["loss"].detach().float().mean().item()
        torch.cuda.current_stream().wait_stream(side)
        forget()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outputs = forward_backward(self.crops, self.rate)
        replayed = self(crops, rate)["loss"].detach().float().mean().item()
        if not abs(replayed - plain) <= 0.05 * abs(plain) + 1e-3:
            raise RuntimeError(f"the captured pass gives {replayed}, the plain one {plain}")

    def __call__(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        """Replay on new data. Gradients are overwritten, not added to; never set them to None in between."""
        self.crops.copy_(crops)
        self.rate.copy_(rate)
        self.graph.replay()
        return self.outputs
