"""Shares of a fit: even steps from 0 to 1, also where it ends sooner; it does so only where losses have stopped to fall."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.fit.pace import Pace


def shares(pace, first, last):
    return [pace.at(k) for k in range(first, last + 1)]


def test_shares_are_even():
    assert shares(Pace(8), 0, 8) == [k / 8 for k in range(9)]
    assert Pace(0).at(0) == 1.0


@pytest.mark.parametrize("left, last", [(None, 250), (10, 210), (5000, 1000)])
def test_a_fit_that_ends_sooner_skips_nothing(left, last):
    """From where it is, in even steps, to the end; never later than it would have ended."""
    pace = Pace(1000)
    pace.finish(200, left)
    found = shares(pace, 200, last)
    assert pace.iterations == last and found[0] == 0.2 and found[-1] == 1.0
    assert np.allclose(np.diff(found), 0.8 / (last - 200))


def test_a_fit_that_has_ended_stays_so():
    pace = Pace(10)
    pace.finish(10)
    assert pace.iterations == 10 and pace.at(10) == 1.0


def asked(loss, until=8000):
    """The iteration at which a fit is found idle, None if it is not."""
    pace = Pace(until)
    return next((k for k in range(25, until + 1, 25) if pace.idle(k, loss(k))), None)


def test_what_gains_goes_on():
    """A quarter of all iterations brings 0.3 % there, on noise of 1 %."""
    noise = np.random.default_rng(0).normal(0, 0.003, 9000)
    assert asked(lambda k: k**-0.0105 * (1 + 0.2 * noise[k])) is None


def test_what_gains_nothing_ends():
    assert asked(lambda k: max(0.1, 1 - k / 300)) == 375  # flat from 270 on: a quarter of it was
    assert asked(lambda k: 0.0) == 100
    assert asked(lambda k: 1.0 + k) == 100  # and what gets worse
