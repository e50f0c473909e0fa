"""Trainers of small bottleneck networks for blocks, in NumPy: back-propagation, Levenberg-Marquardt, Kalman filter,
restricted Boltzmann machine, genetic search.

Each returns a `Network`: float layers of an encoder and of a decoder. What becomes of them is recipes' and dense.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from calotype.dense import ACTIVATIONS, encoded

__all__ = ["TRAINERS", "Network", "error", "kept", "solved"]

Layer = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Network:
    """Encoder and decoder layers, (matrix [out, in], bias [out]) each; activations of the encoder's layers."""

    encoder: tuple[Layer, ...]
    activations: tuple[str, ...]
    decoder: tuple[Layer, ...]
    between: str = "relu"


def outputs(net: Network, hidden: np.ndarray) -> np.ndarray:
    """Blocks [n, m] of hidden units [units, m], in float."""
    held = hidden
    for place, (matrix, bias) in enumerate(net.decoder):
        held = matrix @ (ACTIVATIONS[net.between](held) if place else held) + bias[:, None]
    return held


def error(net: Network, blocks: np.ndarray) -> float:
    """Mean squared error of blocks [n, m] that pass the bottleneck unquantized."""
    return float(np.square(outputs(net, encoded(net.encoder, net.activations, blocks)) - blocks).mean())


def kept(net: Network, blocks: np.ndarray) -> Network:
    """The same network with hidden units around zero, in the order of what they carry: a linear layer more to encode."""
    hidden = encoded(net.encoder, net.activations, blocks)
    middle = hidden.mean(1)
    order = np.argsort(-hidden.std(1) * _effect(net, hidden), kind="stable")
    matrix, bias = net.decoder[0]
    return Network(
        encoder=(*net.encoder, (np.eye(len(middle))[order], -middle[order])),
        activations=(*net.activations, "none"),
        decoder=((matrix[:, order], bias + matrix @ middle), *net.decoder[1:]),
        between=net.between,
    )


def _effect(net: Network, hidden: np.ndarray) -> np.ndarray:
    """Mean change of a block for a small change of each unit, per unit of it."""
    sample = hidden[:, :2000]
    plain = outputs(net, sample)
    found = np.empty(len(hidden))
    for k in range(len(hidden)):
        moved = sample.copy()
        step = 0.25 * (sample[k].std() + 1e-9)
        moved[k] += step
        found[k] = np.sqrt(np.square(outputs(net, moved) - plain).sum(0).mean()) / step
    return found


def effects(net: Network, blocks: np.ndarray) -> np.ndarray:
    """How far a block moves for a unit of each hidden unit: what its quantizer's step is divided by."""
    return _effect(net, encoded(net.encoder, net.activations, blocks))


def solved(net: Network, blocks: np.ndarray) -> Network:
    """The same encoder with the decoder's one layer by least squares."""
    hidden = encoded(net.encoder, net.activations, blocks)
    design = np.concatenate([hidden, np.ones((1, hidden.shape[1]))])
    gram = design @ design.T + 1e-6 * len(blocks) * np.eye(len(design))
    found = np.linalg.solve(gram, design @ blocks.T).T
    return replace(net, decoder=((found[:, :-1], found[:, -1]),))


def _start(sizes: Sequence[int], random: np.random.Generator) -> list[Layer]:
    return [(random.normal(0, 1 / np.sqrt(a), (b, a)), np.zeros(b)) for a, b in pairwise(sizes)]


def backpropagation(
    blocks: np.ndarray, units: int, *, activation: str = "tanh", wide: int = 0, steps: int = 3000, seed: int = 0,
    rate: float = 3e-3,
    start: Sequence[Layer] | None = None,
) -> Network:  # fmt: skip
    """Gradient descent (Adam) on squared error, with noise on the hidden units in place of a quantizer.

    wide     units of a further layer on each side, rectified; 0: none
    start    layers to go on from
    source   Rumelhart, Hinton, Williams 1986; for pictures Cottrell, Munro, Zipser 1987
    """
    random = np.random.default_rng(seed)
    n = len(blocks)
    sizes = [n, wide, units, wide, n] if wide else [n, units, n]
    inside = ["relu", activation, "relu", "none"] if wide else [activation, "none"]
    layers = list(start or _start(sizes, random))
    moments = [[np.zeros_like(part) for part in layer for _ in (0, 1)] for layer in layers]
    middle = len(layers) // 2
    for step in range(1, steps + 1):
        held = [blocks[:, random.integers(0, blocks.shape[1], 256)]]
        for place, ((matrix, bias), name) in enumerate(zip(layers, inside, strict=True)):
            value = ACTIVATIONS[name](matrix @ held[-1] + bias[:, None])
            if place == middle - 1:
                value = value + random.normal(0, 0.02, value.shape)
            held.append(value)
        back = (held[-1] - held[0]) / held[0].shape[1]
        for place in reversed(range(len(layers))):
            matrix, bias = layers[place]
            back = back * _slope(inside[place], held[place + 1])
            slopes = back @ held[place].T, back.sum(1)
            back = matrix.T @ back
            speed = rate * min(1.0, 2 * (1 - step / (steps + 1)))
            parts = []
            for k, (part, slope) in enumerate(zip((matrix, bias), slopes, strict=True)):
                first, second = moments[place][2 * k], moments[place][2 * k + 1]
                first += 0.1 * (slope - first)
                second += 0.001 * (slope**2 - second)
                parts.append(part - speed * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9))
            layers[place] = (parts[0], parts[1])
    net = Network(tuple(layers[:middle]), tuple(inside[:middle]), tuple(layers[middle:]))
    return net if wide else solved(net, blocks)


def _slope(activation: str, value: np.ndarray) -> np.ndarray | float:
    """The derivative, from the activation's value."""
    if activation == "tanh":
        return 1 - np.clip(value, -1, 1) ** 2
    if activation == "sigmoid":
        return np.clip(value, 0, 1) * (1 - np.clip(value, 0, 1))
    return (value > 0).astype(float) if activation == "relu" else 1.0


def levenberg_marquardt(
    blocks: np.ndarray, units: int, *, rounds: int = 12, seed: int = 0, count: int = 600
) -> Network:
    """Weights of the encoder by (J^T J + mu I) d = J^T e, those of the linear decoder by least squares in each round.

    source   Hagan, Menhaj 1994, doi:10.1109/72.329697; the decoder as in variable projection (Kaufman 1975)
    """
    random = np.random.default_rng(seed)
    n = len(blocks)
    (layer,) = _start([n, units], random)
    net, damping = solved(Network((layer,), ("tanh",), ()), blocks), 1.0
    for _ in range(rounds):
        some = blocks[:, random.integers(0, blocks.shape[1], count)]
        matrix, bias = net.encoder[0]
        hidden = np.tanh(matrix @ some + bias[:, None])
        missed = some - outputs(net, hidden)
        # d output_j / d weight_ki = V_jk (1 - h_k^2) x_i: J^T J is an elementwise product of two small Gram matrices.
        slope = 1 - hidden**2
        inputs = np.concatenate([some, np.ones((1, count))])
        across = net.decoder[0][0].T @ net.decoder[0][0]
        jacobian = (slope[:, None] * inputs).reshape(units * (n + 1), count)
        hessian = np.repeat(np.repeat(across, n + 1, 0), n + 1, 1) * (jacobian @ jacobian.T)
        gradient = ((slope * (net.decoder[0][0].T @ missed)) @ inputs.T).ravel()
        before = float(np.square(missed).mean())
        for _ in range(4):
            step = np.linalg.solve(hessian + damping * np.eye(len(hessian)), gradient).reshape(units, n + 1)
            found = solved(replace(net, encoder=((matrix + step[:, :-1], bias + step[:, -1]),)), blocks)
            if error(found, some) < before:
                net, damping = found, damping / 4
                break
            damping *= 8
    return net


def kalman(blocks: np.ndarray, units: int, *, seed: int = 0, count: int = 6000) -> Network:
    """Extended Kalman filter, decoupled by neuron: each keeps the covariance of its own weights, one block at a time.

    source   Puskorius, Feldkamp 1994, doi:10.1109/72.279191
    """
    random = np.random.default_rng(seed)
    n = len(blocks)
    (matrix, bias), (back, offset) = _start([n, units, n], random)
    weights, out = np.concatenate([matrix, bias[:, None]], 1), np.concatenate([back, offset[:, None]], 1)
    spread, noise = np.repeat(0.1 * np.eye(n + 1)[None], units, 0), 4.0
    of_out = 10 * np.eye(units + 1)
    for column in random.integers(0, blocks.shape[1], count):
        x = np.append(blocks[:, column], 1.0)
        hidden = np.append(np.tanh(weights @ x), 1.0)
        missed = x[:-1] - out @ hidden
        gain = of_out @ hidden / (1 + hidden @ of_out @ hidden)
        of_out -= np.outer(gain, hidden @ of_out)
        # The block's error as one neuron sees it: along its column of the decoder.
        slope = 1 - hidden[:-1] ** 2
        pull = out[:, :-1].T @ missed
        reach = slope**2 * np.square(out[:, :-1]).sum(0)
        ahead = spread @ x
        scale = 1 / (noise + reach * (ahead @ x))
        weights += (scale * slope * pull)[:, None] * ahead
        spread -= (scale * reach)[:, None, None] * ahead[:, :, None] * ahead[:, None, :]
        out += np.outer(missed, gain)
    return solved(Network(((weights[:, :-1], weights[:, -1]),), ("tanh",), ()), blocks)


def boltzmann(blocks: np.ndarray, units: int, *, steps: int = 3000, seed: int = 0) -> Network:
    """A restricted Boltzmann machine of real pixels and binary units by contrastive divergence, unrolled and trained on.

    source   Hinton, Salakhutdinov 2006, doi:10.1126/science.1127647
    """
    random = np.random.default_rng(seed)
    size = np.sqrt(np.square(blocks).mean(1, keepdims=True)) + 1e-3
    scaled = blocks / size
    weights, seen, bias = random.normal(0, 0.05, (units, len(blocks))), np.zeros(len(blocks)), np.zeros(units)
    momentum = np.zeros_like(weights)
    for step in range(steps):
        v = scaled[:, random.integers(0, scaled.shape[1], 128)]
        h = ACTIVATIONS["sigmoid"](weights @ v + bias[:, None])
        drawn = (random.random(h.shape) < h).astype(float)
        again = weights.T @ drawn + seen[:, None]
        after = ACTIVATIONS["sigmoid"](weights @ again + bias[:, None])
        rate = 5e-3 * (1 - step / steps)
        momentum = 0.9 * momentum + (h @ v.T - after @ again.T) / 128
        weights += rate * momentum
        bias += rate * (h - after).mean(1)
        seen += rate * (v - again).mean(1)
    net = solved(Network(((weights / size.T, bias),), ("sigmoid",), ()), blocks)
    start = (*net.encoder, *net.decoder)
    return backpropagation(blocks, units, activation="sigmoid", steps=steps, seed=seed, start=start)


def genetic(
    blocks: np.ndarray, units: int, *, seed: int = 0, flock: int = 6, generations: int = 3, steps: int = 300
) -> Network:
    """Genetic search over width, activation, learning rate and start; the fittest of the last generation is trained on.

    source   after Deng et al. 2016: fittest kept, genes crossed and mutated; fitness is the error after a short training
    """
    random = np.random.default_rng(seed)
    genes = [_gene(random) for _ in range(flock)]
    grades: dict[tuple, float] = {}
    for _ in range(generations):
        for gene in genes:
            if gene not in grades:
                grades[gene] = error(_grown(blocks, units, gene, steps), blocks)
        fittest = sorted(genes, key=grades.__getitem__)[: flock // 2]
        children = []
        while len(fittest) + len(children) < flock:
            one, other = (fittest[k] for k in random.integers(0, len(fittest), 2))
            fresh = _gene(random)
            children.append(tuple((a, b, c)[min(2, int(3.3 * random.random()))]
                                  for a, b, c in zip(one, other, fresh, strict=True)))  # fmt: skip
        genes = fittest + children
    best = min(grades, key=grades.__getitem__)
    return _grown(blocks, units, best, 10 * steps)


def _gene(random: np.random.Generator) -> tuple:
    return (int(random.choice([0, 32, 64])), str(random.choice(["tanh", "none"])), float(random.choice([1e-3, 3e-3, 1e-2])),
            int(random.integers(0, 1000)))  # fmt: skip


def _grown(blocks: np.ndarray, units: int, gene: tuple, steps: int) -> Network:
    wide, activation, rate, seed = gene
    return backpropagation(blocks, units, activation=activation, wide=wide, rate=rate, steps=steps, seed=seed)


TRAINERS: dict[str, Callable[..., Network]] = {
    "backpropagation": backpropagation,
    "levenberg-marquardt": levenberg_marquardt,
    "kalman": kalman,
    "boltzmann": boltzmann,
    "genetic": genetic,
}
