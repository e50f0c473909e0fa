"""Laws of tables and lattices: rounding is optimal and repeatable, foreign arrays are refused, orders are as written."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.coding.second_decoder import positions

from calotype.coding.frequencies import bank_from_probabilities, integer_frequencies, laplace_bank
from calotype.coding.lattice import FULL, Lattice
from calotype.coding.tables import ESCAPED, TableBank
from calotype.errors import ModelError, UsageError


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.floats(0.1, 1))
@settings(max_examples=60, deadline=None)
def test_rounding_is_the_best_there_is(weights, covered):
    """No other frequencies >= 1 with this sum have a smaller expected code length (tried: all, at 5 bits)."""
    p = np.array(weights) * covered / max(sum(weights), 1e-9) if sum(weights) else np.zeros(len(weights))
    full = np.append(p, max(0.0, 1 - p.sum()))
    total = 32
    best = min(float(-full @ np.log2(f)) for f in itertools.product(range(1, total), repeat=len(p))
               if sum(f) < total for f in [np.array([*f, total - sum(f)])]) if len(p) < 4 else None  # fmt: skip
    f = integer_frequencies(p, precision=5)
    assert f.sum() == total and f.min() >= 1
    if best is not None:
        assert -full @ np.log2(f) <= best + 1e-9


def test_laplace_tables_are_close_to_their_density():
    """Rounding and escapes cost less than 0.6 % of the entropy, or 0.0003 bits; the bank is the same each time."""
    bank, again = laplace_bank(64, 7.0, -2.8), laplace_bank(64, 7.0, -2.8)
    assert all(np.array_equal(a, b) for a, b in zip(bank.arrays().values(), again.arrays().values(), strict=True))
    assert bank.sizes[0] == 0 and (bank.sizes[1:] > 0).all() and bank.first_coded == 1
    for i in range(1, 64):
        b = np.exp(-2.8 + i / 7)
        k = np.arange(1, int(60 * b) + 60)
        side = 0.5 * np.exp(-(k - 0.5) / b) * -np.expm1(-1 / b)
        p = np.concatenate([side[::-1], [-np.expm1(-0.5 / b)], side])
        symbols = np.concatenate([-k[::-1], [0], k])
        column = symbols - bank.offsets[i]
        out = (column < 0) | (column >= bank.sizes[i])
        bits = bank.code_lengths[i, np.where(out, bank.sizes[i], column)].astype(float)
        excess = np.abs(symbols) + bank.offsets[i]
        bits[out] += 6 + np.floor(np.log2(excess[out]))
        p = np.maximum(p, 1e-300)
        entropy = float(-p @ np.log2(p))
        assert p @ bits <= 1.006 * entropy + 0.0003


def test_lookup_and_encoder_agree():
    """Every slot of every table decodes to the entry that owns it; certain and filling tables change no state."""
    bank = bank_from_probabilities([(0, []), (-2, [0.1, 0.5, 0.2]), (5, [0.999])])
    lookup = bank.lookup.reshape(len(bank) + 1, -1)
    frequencies, cumulative = (a[:-1].reshape(bank.frequencies.shape) for a in bank.encoder)
    for k in (1, 2):
        for slot, entry in enumerate(lookup[k]):
            f, bias, symbol = entry & 0xFFFF, entry >> 48, entry << 16 >> 32
            column = bank.sizes[k] if symbol == ESCAPED else symbol - bank.offsets[k]
            assert f == frequencies[k, column] and slot - bias == cumulative[k, column] and 0 <= bias < f
    for row in (lookup[0], lookup[-1]):
        assert (row & 0xFFFF == 1 << 14).all() and np.array_equal(row >> 48, np.arange(1 << 14))


@pytest.mark.parametrize("damage", ["sum", "zero", "padding", "size", "offset", "dtype", "shape", "missing"])
def test_foreign_arrays_are_refused(damage):
    """A bank from a file is valid or a ModelError; a valid one comes back as it went."""
    arrays = {k: v.copy() for k, v in laplace_bank(8).arrays().items()}
    TableBank.from_arrays(arrays)
    if damage == "sum":
        arrays["frequencies"][3, 0] += 1
    elif damage == "zero":
        arrays["frequencies"][3, 0] = 0
    elif damage == "padding":
        arrays["frequencies"][0, 0] = 1
    elif damage == "size":
        arrays["sizes"][3] = -1
    elif damage == "offset":
        arrays["offsets"][3] = 2**31 - 1
    elif damage == "dtype":
        arrays["sizes"] = arrays["sizes"].astype(np.float32)
    elif damage == "shape":
        arrays["sizes"] = arrays["sizes"][1:]
    else:
        del arrays["sizes"]
    with pytest.raises(ModelError):
        TableBank.from_arrays(arrays)


PATTERNS = st.integers(1, 9).flatmap(
    lambda c: st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=c, max_size=c)
)


@given(PATTERNS, st.integers(0, 3), st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=80, deadline=None)
def test_lattices_take_put_and_mask_the_same_positions(pattern, step, h, w):
    """`put` undoes `take`, in the order that the format's page gives, and `mask` is where they are."""
    steps = np.array(pattern).reshape(-1, 2, 2)
    c = len(steps)
    array = np.arange(2 * c * h * w).reshape(2, c, h, w)
    for lattice, places in [(Lattice.from_steps(steps, step), positions((c, h, w), steps.tolist(), step)),
                            (FULL, positions((c, h, w)))]:  # fmt: skip
        flat = lattice.take(array)
        assert flat.shape == (2, lattice.count(c, h, w))
        assert flat[1].tolist() == [int(array[1][place]) for place in places]
        onto = np.full_like(array, -1)
        assert lattice.put(flat, onto) is onto
        mask = lattice.mask(c, h, w)
        assert np.array_equal(onto, np.where(mask, array, -1)) and mask.sum() == len(places)
    whole = sum(Lattice.from_steps(steps, s).mask(c, h, w).astype(int) for s in range(4))
    assert (whole == 1).all()


def test_lattices_are_values():
    """Equal patterns are equal and hash alike; wrong shapes are the caller's fault."""
    steps = np.array([[[0, 1], [1, 0]]])
    assert hash(Lattice.from_steps(steps, 1)) == hash(Lattice.from_steps(steps.copy(), 1))
    assert Lattice.from_steps(steps, 1) == Lattice.from_steps(steps, 1) != Lattice.from_steps(steps, 0)
    assert Lattice.FULL is FULL and FULL.is_full
    with pytest.raises(UsageError, match="steps"):
        Lattice.from_steps(np.zeros((2, 2)), 0)
    with pytest.raises(UsageError, match="channels"):
        Lattice.from_steps(steps, 0).take(np.zeros((1, 2, 4, 4)))
