"""SSIMULACRA 2.1 in NumPy, after its C++ original (Jon Sneyers, Cloudinary, BSD-3-Clause); no other metric lives here.

Six scales of linear light, each in the XYB colours of JPEG XL; at each, maps of structural error, of edges that were
added and of edges that were lost, in two norms; 108 figures, weighted. The original blurs by a recursive filter of
truncated cosines, which is the nine taps of `_taps` exactly; outside the picture it sees zeros. Work is done in bands
of rows, so memory is about 6 bytes a pixel.
"""

from __future__ import annotations

import math

import numpy as np

from calotype.errors import UsageError
from calotype.metrics.distortion import check_pair

__all__ = ["SMALLEST_SIDE_PX", "ssimulacra2"]

SMALLEST_SIDE_PX = 8
_SCALES = 6
_C2 = 0.0009
_BAND_SAMPLES = 16384  # results in a band of rows: what stays in the processor's cache

# JPEG XL's opsin absorbance: what the eye's cones make of linear RGB, and their bias.
_ABSORBANCE = np.array(
    [
        [0.3, 1 - 0.078 - 0.3, 0.078],
        [0.23, 1 - 0.078 - 0.23, 0.078],
        [0.24342268924547819, 0.20476744424496821, 1 - 0.24342268924547819 - 0.20476744424496821],
    ],
    np.float32,
)
_BIAS = 0.0037930732552754493

# By component (X, Y, B), scale, norm (1, 4) and map (structure, added edges, lost edges), as the original prints them.
# fmt: off
_WEIGHTS = np.array([
    0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0,
    0.0, 0.0004371155730107379, 0.0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752,
    0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0,
    0.0007989109436015163, 0.000176816438078653, 0.0, 1.8787594979546387, 10.94906990605142, 0.0,
    0.0007289346991508072, 0.9677937080626833, 0.0, 0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
    0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0,
    0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262,
    0.0006235601634041466, 0.0, 0.0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264,
    225.20515300849274, 0.0, 0.0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
    176.39317598450694, 0.0, 0.0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408,
    0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0,
    0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0,
    95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493, 171.2667255897307, 0.9807858872435379,
    0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537,
])
# fmt: on


def ssimulacra2(a: np.ndarray, b: np.ndarray) -> float:
    """SSIMULACRA 2.1 of an original `a` and its decoded copy `b`, uint8 [h, w, 3] in sRGB: 100 if equal, no lower end.

    30 is poor, 50 fair, 70 good, 90 visually lossless. Sides below 225 px have fewer scales, for which the published
    weights were not made; the original gives a figure all the same, and so does this.

    errors   UsageError for what is no pair of pictures, and for sides below 8 px
    """
    check_pair(a, b)
    if min(a.shape[:2]) < SMALLEST_SIDE_PX:
        size = f"{a.shape[1]}x{a.shape[0]}"
        raise UsageError("picture", value=size, allowed=f"sides of {SMALLEST_SIDE_PX} px or more for SSIMULACRA2")
    # [3, h, w] views; at the first scale still 8 bit, which only its bands turn into light.
    planes, figures = [np.moveaxis(a, 2, 0), np.moveaxis(b, 2, 0)], []
    for scale in range(_SCALES):
        if scale:
            planes = [_halved(plane) for plane in planes]
        if min(planes[0].shape[1:]) < SMALLEST_SIDE_PX:
            break
        figures.append(_errors(*planes))
    return _score(np.array(figures))


def _score(figures: np.ndarray) -> float:
    """The score of figures [scale, component, norm, map]."""
    ordered = figures.transpose(1, 0, 2, 3).ravel()  # with fewer scales the weights move up, as in the original
    error = 0.9562382616834844 * float(ordered @ _WEIGHTS[: ordered.size])
    error = 2.326765642916932 * error - 0.020884521182843837 * error**2 + 6.248496625763138e-05 * error**3
    return 100.0 - 10.0 * error**0.6276336467831387 if error > 0 else 100.0


def _errors(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The figures [component, norm, map] of one scale; a and b are [3, h, w], 8-bit samples or linear light."""
    _, height, width = a.shape
    rows, reach = max(_BAND_SAMPLES // width, 16), len(_TAPS) // 2
    sums = np.zeros((3, 2, 3))
    for top in range(0, height, rows):
        end = min(top + rows, height)
        band = slice(max(top - reach, 0), min(end + reach, height))
        above, below = reach - (top - band.start), reach - (band.stop - end)
        sums += _error_sums(_xyb(_light(a[:, band])), _xyb(_light(b[:, band])), above, below)
    means = sums / (height * width)
    means[:, 1] = means[:, 1] ** 0.25
    return means


def _error_sums(a: np.ndarray, b: np.ndarray, above: int, below: int) -> np.ndarray:
    """Sums [component, norm, map] over a band [3, n, w], of which `above` and `below` rows of zeros were left out."""
    reach = len(_TAPS) // 2
    inner = slice(reach - above, a.shape[1] - reach + below)
    sums = np.empty((3, 2, 3))
    for component, (x, y) in enumerate(zip(a, b, strict=True)):
        maps = np.zeros((4, x.shape[0] + above + below, x.shape[1] + 2 * reach), np.float32)
        filled = maps[:, above : maps.shape[1] - below, reach:-reach]
        filled[0], filled[1] = x, y
        np.add(x * x, y * y, out=filled[2])
        np.multiply(x, y, out=filled[3])
        mean_x, mean_y, squares, product = _blurred(_blurred(maps, 1), 2)
        difference = mean_x - mean_y
        both = mean_x * mean_y
        # The original's num_m * num_s / denom_s; the two variances are only needed as their sum. In this order of
        # operations numerator and denominator round alike where the pictures are equal.
        structure = 1 - (1 - difference**2) * (2 * (product - both) + _C2) / (squares - (mean_x**2 + mean_y**2) + _C2)
        edges = (1 + np.abs(y[inner] - mean_y)) / (1 + np.abs(x[inner] - mean_x)) - 1
        for kind, error in enumerate((structure, edges, -edges)):
            error = np.maximum(error, 0)
            sums[component, 0, kind] = error.sum(dtype=np.float64)
            error *= error
            sums[component, 1, kind] = np.square(error, out=error).sum(dtype=np.float64)
    return sums


def _blurred(maps: np.ndarray, axis: int) -> np.ndarray:
    """Maps [n, h, w] under the taps along `axis`, which gets 8 shorter."""
    reach = len(_TAPS) // 2
    size = maps.shape[axis] - 2 * reach

    def shifted(k: int) -> np.ndarray:
        return maps[:, k : k + size] if axis == 1 else maps[:, :, k : k + size]

    total = shifted(reach) * _TAPS[reach]
    for k in range(reach):
        both = shifted(k) + shifted(2 * reach - k)
        both *= _TAPS[k]
        total += both
    return total


def _light(samples: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, of 8-bit sRGB samples; light stays as it is."""
    return _LIGHT[samples] if samples.dtype == np.uint8 else samples


def _xyb(light: np.ndarray) -> np.ndarray:
    """The three components [3, h, w] of linear RGB, moved into 0 to 1 as the metric wants them."""
    cones = np.tensordot(_ABSORBANCE, light, 1)
    cones += np.float32(_BIAS)
    np.cbrt(np.maximum(cones, 0, out=cones), out=cones)
    cones -= np.float32(_BIAS ** (1 / 3))
    y = (cones[0] + cones[1]) / 2
    return np.stack(
        [(cones[0] - cones[1]) * 7 + np.float32(0.42), y + np.float32(0.01), cones[2] - y + np.float32(0.55)]
    )


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2 in linear light, float32 [3, h / 2, w / 2] rounded up; odd sides repeat their last row or column."""
    _, height, width = plane.shape
    halved = np.empty((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    rows = 2 * max(_BAND_SAMPLES // width, 1)
    for top in range(0, height, rows):
        light = _light(plane[:, top : top + rows])
        light = light if light.shape[1] % 2 == 0 else np.concatenate([light, light[:, -1:]], axis=1)
        light = light if width % 2 == 0 else np.concatenate([light, light[..., -1:]], axis=2)
        pairs = light[:, ::2] + light[:, 1::2]
        halved[:, top // 2 : top // 2 + pairs.shape[1]] = (pairs[..., ::2] + pairs[..., 1::2]) / 4
    return halved


def _taps(sigma: float = 1.5) -> np.ndarray:
    """What the original's recursive filter gives for a single sample: a sum of three cosines, cut where all are zero.

    Charalampidis 2016, with its numbers of equations; odd k of 1, 3 and 5.
    """
    radius = round(3.2795 * sigma + 0.2546)  # (57)
    k = np.array([1, 3, 5])
    omega = k * math.pi / (2 * radius)
    sign = np.array([1, -1, 1])
    p = sign / np.tan(omega / 2)  # (37)
    r = sign * p**2 / np.sin(omega)  # (44)
    rho = np.exp(-0.5 * sigma**2 * omega**2) / radius  # (50)
    d_13, d_35, d_51 = p[0] * r[1] - r[0] * p[1], p[1] * r[2] - r[1] * p[2], p[2] * r[0] - r[2] * p[0]
    zeta = np.array([d_35 / d_13, d_51 / d_13, 1])  # (52)
    beta = np.linalg.solve(
        np.stack([p, r, zeta]), np.array([1.0, radius**2 - sigma**2, float(zeta @ rho)])
    )  # (53) to (56)
    offsets = np.arange(-radius + 1, radius)
    return np.cos(np.outer(offsets, omega)) @ beta


def _light_of_srgb() -> np.ndarray:
    """Linear light, float32 [256], of sRGB's levels."""
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


_TAPS = [np.float32(tap) for tap in _taps()]
_LIGHT = _light_of_srgb()
