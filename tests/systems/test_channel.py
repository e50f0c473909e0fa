"""Codes against flipped bits: what they can put right they do, and what they cannot is seen."""

from __future__ import annotations

import numpy as np
import pytest

from calotype import channel
from calotype.train import word_network


def bits_of(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2, count).astype(np.uint8)


def test_any_single_error_of_a_word_is_put_right_and_two_are_not():
    bits = bits_of(4 * 32)
    sent = channel.hamming(bits)
    assert len(sent) == 7 * 32
    for place in range(7):
        broken = sent.reshape(-1, 7).copy()
        broken[:, place] ^= 1
        assert np.array_equal(channel.hamming_back(broken.ravel(), bits.size), bits)
        broken[:, (place + 1) % 7] ^= 1
        assert not np.array_equal(channel.hamming_back(broken.ravel(), bits.size), bits)


@pytest.mark.parametrize("count", [1, 7, 1024, 3000])
def test_codes_return_what_they_took(count):
    bits = bits_of(count)
    assert np.array_equal(channel.hamming_back(channel.hamming(bits), count), bits)
    sent = channel.accumulated(bits)
    assert len(sent) == 3 * -(-count // channel.BLOCK) * channel.BLOCK
    assert np.array_equal(channel.accumulated_back(sent, count, 1e-3), bits)


def test_repeat_accumulate_holds_where_hamming_fails():
    """Seven wrong bits in a hundred; at forty nothing helps."""
    bits, random = bits_of(8 * 1024), np.random.default_rng(1)

    def wrong(rate):
        noise = lambda sent: sent ^ (random.random(sent.size) < rate)  # noqa: E731
        hamming = channel.hamming_back(noise(channel.hamming(bits)), bits.size)
        return (hamming != bits).mean(), (
            channel.accumulated_back(noise(channel.accumulated(bits)), bits.size, rate) != bits
        ).mean()

    hamming, repeated = wrong(0.07)
    assert repeated < 1e-3 < 0.01 < hamming
    assert min(wrong(0.4)) > 0.2


def test_flips_are_as_many_as_asked_for():
    data = bytes(100_000)
    for rate in (0.0, 1e-3, 0.1):
        found = channel.flipped(data, rate, np.random.default_rng(0))
        assert len(found) == len(data)
        assert np.unpackbits(np.frombuffer(found, np.uint8)).mean() == pytest.approx(rate, rel=0.1, abs=1e-9)


def test_a_network_learns_to_decode_words():
    """As the syndrome does, on nearly all of the 128 words."""
    words = ((np.arange(128)[:, None] >> np.arange(7)) & 1).astype(np.uint8).ravel()
    found = word_network.decode(word_network.network(steps=1500), words, 512)
    assert (found == channel.hamming_back(words, 512)).mean() > 0.97
