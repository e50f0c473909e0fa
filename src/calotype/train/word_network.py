"""A small network that decodes words of a Hamming code: what Watkins et al. 2016 let a second network do. NumPy only."""

from __future__ import annotations

import numpy as np

from calotype import channel

__all__ = ["decode", "network"]

Layers = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def network(*, hidden: int = 24, rate: float = 0.05, steps: int = 4000, seed: int = 0) -> Layers:
    """Seven noisy bits to four, by back-propagation over all 128 words, each as likely as the channel makes it."""
    random = np.random.default_rng(seed)
    data = (np.arange(16)[:, None] >> np.arange(4)) & 1
    codes = channel.hamming(data.astype(np.uint8).ravel()).reshape(16, 7)
    words = (np.arange(128)[:, None] >> np.arange(7)) & 1
    away = (words[:, None] != codes).sum(2)
    likely = rate**away * (1 - rate) ** (7 - away) / 16  # [128, 16]
    target, weight = likely @ data / likely.sum(1, keepdims=True), likely.sum(1, keepdims=True)
    weight = weight**0.25  # rare words count too
    held = [random.normal(0, 0.5, (7, hidden)), np.zeros(hidden), random.normal(0, 0.3, (hidden, 4)), np.zeros(4)]
    first, second = [np.zeros_like(part) for part in held], [np.zeros_like(part) for part in held]
    x = 1.0 - 2 * words
    for step in range(1, steps + 1):
        h = np.tanh(x @ held[0] + held[1])
        back = weight * (1 / (1 + np.exp(-(h @ held[2] + held[3]))) - target) / weight.sum()
        inner = (back @ held[2].T) * (1 - h**2)
        for k, slope in enumerate((x.T @ inner, inner.sum(0), h.T @ back, back.sum(0))):
            first[k] += 0.1 * (slope - first[k])
            second[k] += 0.001 * (slope**2 - second[k])
            held[k] -= 0.02 * first[k] / (1 - 0.9**step) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-9)
    return held[0], held[1], held[2], held[3]


def decode(layers: Layers, bits: np.ndarray, count: int) -> np.ndarray:
    """As `channel.hamming_back`, by the network."""
    h = np.tanh((1.0 - 2 * bits.reshape(-1, 7)) @ layers[0] + layers[1])
    return (h @ layers[2] + layers[3] > 0).astype(np.uint8).ravel()[:count]
