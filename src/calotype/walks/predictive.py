"""The walk of predictive coding: samples are predicted from those before them, and the errors coded, by one of many coders.

Exact at the top of the dial; below it samples are quantized before anything is predicted, so no sample is further from
the picture than half a step. Predictors: walks/predictors.py; coders of errors: coding/residual_coders.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from calotype.coding import residual_coders
from calotype.coding.densities import Laplace
from calotype.walks import causal_net, interlaced, predictors
from calotype.walks.vectors import luma_chroma

__all__ = ["BLOCK", "Predictive"]

BLOCK = 16  # pixels of a block's side, where predictors are chosen by block
CHOICES = ("left", "above", "med", "gradient")


class Predictive:
    """Predictive coding (O'Neal 1966; Weinberger, Seroussi, Sapiro 2000), near-lossless by steps.

        R G B -> / step(rate) -> Y Co Cg, exact -> minus prediction -> errors -> "context": interlaced, tables by |errors| around
                                                                             \\-> any other coder: a string of bytes
        samples <- * step <- R G B <- Y Co Cg, along lines x + 2 y <- errors

    predictor   one of `predictors.NAMES`; "block": the best of four for each block of 16x16; "cnn": causal_net.CausalNet
    coder       "context", or one of `residual_coders.NAMES`
    steps       odd, for each of the equally spaced rates; the last is 1
    """

    domain = "pixels"

    def __init__(self, predictor: str, coder: str, steps: Sequence[int]) -> None:
        if predictor not in (*predictors.NAMES, "block", "cnn") or coder not in ("context", *residual_coders.NAMES):
            raise TypeError(f"predictors: {', '.join(predictors.NAMES)}, block, cnn; "
                            f"coders: context, {', '.join(residual_coders.NAMES)}")  # fmt: skip
        self.predictor, self.coder, self.steps = predictor, coder, tuple(int(step) for step in steps)
        if any(step < 1 or step % 2 == 0 for step in self.steps):
            raise TypeError("steps are odd and positive")

    def place(self, rate: int) -> int:
        """Which of the steps a rate index means: the nearest."""
        return (int(rate) * (len(self.steps) - 1) + 511) // 1023

    def __call__(self, nets: Any, port: Any, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        places = [self.place(rate) for rate in nets.rates]
        b, _, rows, columns = port.shape("step")
        step = np.array([self.steps[place] for place in places], np.int32)[:, None, None, None]
        # Certain, so it costs nothing; but it is hashed, and a reader with another rate will notice.
        known = step + np.zeros((b, 1, rows, columns), np.int32)
        port.code("step", None if given is None else known, Laplace(16 * known, np.zeros_like(known)))
        planes = None
        if given is not None:
            samples = np.clip(np.rint(np.asarray(given["samples"])), 0, 255).astype(np.int32)
            planes = luma_chroma((samples + step // 2) // step)
        deep = self._deep(nets) if self.predictor == "cnn" else None
        chosen: np.ndarray | None = None
        predict: Any = None
        if deep is None:
            chosen, predict = self._predictor(nets, port, planes, b)
        errors = None
        if planes is not None:
            errors = self.errors(nets, planes, chosen)
        if self.coder == "context":
            scale = np.stack([nets.table(f"scale.{place}") for place in places])
            found = interlaced.code(port, "errors", errors, scale, centred=True)
        else:
            found = self._strings(port, errors, (b, 3, port.shape("errors")[2] * 4, port.shape("errors")[3] * 4))
        whole = predictors.reconstructed(found, predict) if deep is None else causal_net.reconstructed(found, deep)
        decoded = _colours(whole)
        return {"samples": np.clip(decoded * step, 0, 255).astype(np.uint8)}

    def _strings(self, port: Any, errors: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
        coder = residual_coders.of(self.coder)
        data = None if errors is None else [coder.encode(residual_coders.folded(row)) for row in errors]
        strings = port.opaque("errors", data)
        found = np.stack([coder.decode(string, (shape[1], shape[2], shape[3])) for string in strings])
        # A damaged string must not overflow what is made of it.
        return residual_coders.unfolded(np.minimum(found, 2047))

    def _predictor(self, nets: Any, port: Any, planes: np.ndarray | None, b: int) -> tuple[np.ndarray | None, Any]:
        """The choice for each block, where there is one, and the function that `reconstructed` wants."""
        if self.predictor != "block":
            one = self._one(nets)
            return None, lambda around, rows, columns: one(around)
        chosen = None
        if planes is not None:
            every = predictors.around(planes)
            chosen = predictors.modes([planes - predictors.predictor(name)(every) for name in CHOICES], BLOCK)
        index = np.full(port.shape("modes"), nets.table("modes.scale")[0, 0])
        means = np.full(port.shape("modes"), 16 * CHOICES.index("med"))
        modes = np.asarray(port.code("modes", chosen, Laplace(means, index))).astype(np.int32)
        modes = np.clip(modes, 0, len(CHOICES) - 1)
        return modes, partial(_by_block, modes)

    def _one(self, nets: Any) -> predictors.Predictor:
        if self.predictor == "mlp":
            weights = nets.table("mlp.weights").reshape(2, -1, nets.table("mlp.output").shape[1] - 1)[[0, 1, 1]]
            return predictors.Mlp(weights, nets.table("mlp.output")[[0, 1, 1]])
        return predictors.predictor(self.predictor)

    @staticmethod
    def _deep(nets: Any) -> tuple[causal_net.CausalNet, ...]:
        """The networks of the three planes."""
        luma, chroma = (
            causal_net.CausalNet({layer: nets.table(f"cnn.{kind}.{layer}") for layer in causal_net.LAYERS})
            for kind in ("luma", "chroma")
        )
        return luma, chroma, chroma

    def errors(self, nets: Any, planes: np.ndarray, modes: np.ndarray | None) -> np.ndarray:
        """Prediction errors of planes int32 [b, 3, h, w]; modes as `predictors.modes` gives them, or None."""
        if self.predictor == "cnn":
            deep = self._deep(nets)  # row by row: activations take 32 times the room of samples
            return planes - np.stack([[net(causal_net.windows(p)) for net, p in zip(deep, row, strict=True)]
                                      for row in planes])  # fmt: skip
        every = predictors.around(planes)
        if modes is not None:
            wide = modes.repeat(BLOCK, 2).repeat(BLOCK, 3)
            return planes - np.choose(wide, [predictors.predictor(name)(every) for name in CHOICES])
        if self.predictor != "mlp":
            return planes - self._one(nets)(every)
        flat = predictors.Around(*(part.reshape(*part.shape[:2], -1) for part in every))
        return planes - self._one(nets)(flat).reshape(planes.shape)


def _by_block(modes: np.ndarray, around: predictors.Around, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    here = modes[:, :, rows // BLOCK, columns // BLOCK]
    return np.choose(here, [predictors.predictor(name)(around) for name in CHOICES])


def _colours(planes: np.ndarray) -> np.ndarray:
    """Y, Co, Cg int32 [b, 3, h, w] -> R, G, B, not clipped: the inverse of `vectors.luma_chroma`."""
    luma, orange, greenness = (planes[:, k] for k in range(3))
    mean = luma - (greenness >> 1)
    green, blue = greenness + mean, mean - (orange >> 1)
    return np.stack([blue + orange, green, blue], 1)
