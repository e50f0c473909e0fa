"""The 9/7 pyramid as its formula says, without any of the codec's shortcuts: the oracle of these tests."""

from __future__ import annotations

import numpy as np

A, B, C, D, K = -1.586134342, -0.05298011854, 0.8829110762, 0.4435068522, 1.149604398


def following(samples, axis):
    last = np.take(samples, [-1], axis)
    return np.concatenate([np.delete(samples, 0, axis), last], axis)


def preceding(samples, axis):
    first = np.take(samples, [0], axis)
    return np.concatenate([first, np.delete(samples, -1, axis)], axis)


def split(samples, axis):
    even, odd = (np.moveaxis(np.moveaxis(samples, axis, 0)[k::2], 0, axis) for k in range(2))
    odd = odd + A * (even + following(even, axis))
    even = even + B * (odd + preceding(odd, axis))
    odd = odd + C * (even + following(even, axis))
    even = even + D * (odd + preceding(odd, axis))
    return even * K, odd / K


def join(even, odd, axis):
    even, odd = even / K, odd * K
    even = even - D * (odd + preceding(odd, axis))
    odd = odd - C * (even + following(even, axis))
    even = even - B * (odd + preceding(odd, axis))
    odd = odd - A * (even + following(even, axis))
    shape = list(even.shape)
    shape[axis] *= 2
    return np.stack([even, odd], axis + 1).reshape(shape)


def analyse(planes, levels):
    bands = {}
    for level in range(1, levels + 1):
        low, high = split(planes, 2)
        planes, lh = split(low, 1)
        hl, hh = split(high, 1)
        bands[f"l{level}"] = np.concatenate([hl, lh, hh])
    return bands | {"ll": planes}


def synthesise(bands, levels):
    planes = bands["ll"]
    for level in range(levels, 0, -1):
        hl, lh, hh = np.split(bands[f"l{level}"], 3)
        planes = join(join(planes, lh, 1), join(hl, hh, 1), 2)
    return planes
