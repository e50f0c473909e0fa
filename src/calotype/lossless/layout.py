"""Every number of docs/format-lossless.md, under the same name; no code."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BASE_SIDE",
    "BLOCK",
    "CHECK_BYTES",
    "CONSTANT_BITS",
    "CONTEXTS",
    "CONTEXT_STEPS",
    "ENERGY_BITS",
    "ENERGY_CONSTANT",
    "ENERGY_SCALE",
    "EXPONENTIALS",
    "FINE_SCALES",
    "MAX_CLASSES",
    "MAX_COLOURS",
    "MAX_DEPTH",
    "MAX_ENERGY_SUM",
    "MAX_KEY_BYTES",
    "MAX_REGIONS",
    "MAX_SIDE",
    "MAX_WEIGHT_SUM",
    "NUMBER_SCALES",
    "PREDICTION_BITS",
    "REFERENCES",
    "SCALES",
    "SHAPES",
    "TABLE_SCALES",
    "WEIGHT_BITS",
    "Coding",
    "Filter",
]

MAX_DEPTH = 16  # bits of a sample
MAX_SIDE = 65_535  # planes, rows or columns of a tile
MAX_KEY_BYTES = 64
CHECK_BYTES = 4
MAX_COLOURS = 4096  # of a colour table

# --- coding PREDICTED ---
BASE_SIDE = 8  # a plane is halved until its longer side is at most this
REFERENCES = 2  # planes before it that a plane is predicted from
PREDICTION_BITS = 3  # predictions and magnitudes of errors are in eighths of a sample
CONSTANT_BITS = 3  # the constant among the neighbours is 2**(depth - this), at least 1
WEIGHT_BITS = 8  # weights of predictors in 256ths
ENERGY_BITS = 8  # weights of energies in 256ths
ENERGY_CONSTANT = 64  # the constant among the inputs of an energy
ENERGY_SCALE = 8  # energy below which all is context 0, in 128ths of a sample
CONTEXTS = 96
CONTEXT_STEPS = (64, 72, 81, 91, 102, 114)  # thresholds of contexts within an octave, in 64ths
MAX_CLASSES = 8  # classes of contexts of a pass
MAX_REGIONS = 4  # kinds of regions of a level
BLOCK = 8  # side of the blocks that regions are made of, in samples of a phase
MAX_WEIGHT_SUM = 8000  # of a predictor's weights, as magnitudes: sums stay exact in float32 for samples of 8 bits
MAX_ENERGY_SUM = 2000  # of the weights of an energy, likewise
SHAPES = 2  # Laplace and logistic
TABLE_SCALES = 24  # scales that have tables: 2**(i / 3 - 4)
FINE_SCALES = (12, 18)  # below the first, means in eighths; below the second, in quarters; else in halves
SCALES = 58  # those above the tables' code low bits as they are
NUMBER_SCALES = (16, 20, 22, 18, 6)  # of classes and bounds, first and count, weights, weights of energies, scales
# exp(-1 / (8 * scale)) in units of 2**-31, for each of the TABLE_SCALES
EXPONENTIALS = (
    290_630_308,
    439_066_546,
    609_190_477,
    790_015_084,
    971_024_319,
    1_143_777_334,
    1_302_514_674,
    1_444_042_536,
    1_567_240_607,
    1_672_461_947,
    1_760_982_037,
    1_834_563_593,
    1_895_147_668,
    1_944_654_244,
    1_984_866_574,
    2_017_374_191,
    2_043_554_058,
    2_064_574_656,
    2_081_412_522,
    2_094_874_441,
    2_105_621_123,
    2_114_190_000,
    2_121_015_937,
    2_126_449_372,
)


class Coding(IntEnum):
    """The first byte of a stream."""

    ROWS = 0
    PREDICTED = 1
    COLOURS = 2
    CONSTANT = 3


class Filter(IntEnum):
    """How the bytes of one row are told from what stands before them; as in PNG."""

    NONE = 0
    SUB = 1
    UP = 2
    AVERAGE = 3
    PAETH = 4
