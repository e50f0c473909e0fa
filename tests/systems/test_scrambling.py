"""Scrambled pictures come back with the key, not without it, still compress, and the verb keeps no thumbnail."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from tests import tiny

from calotype import scrambling
from calotype.cli import main
from calotype.errors import UsageError

KEY = b"sixteen or more!"


def run(*words: object) -> int:
    return main.run([str(word) for word in words])


def jpeg(pixels, quality=85):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "jpeg", quality=quality, subsampling=0)
    return held.tell(), np.asarray(Image.open(io.BytesIO(held.getvalue())))


def test_the_key_brings_the_picture_back_and_no_other_one_does():
    pixels = tiny.picture(96, 128)
    hidden = scrambling.scrambled(pixels, KEY)
    assert np.array_equal(scrambling.unscrambled(hidden, KEY), pixels)
    assert not np.array_equal(scrambling.unscrambled(hidden, KEY + b"?"), pixels)
    assert np.corrcoef(hidden.ravel(), pixels.ravel())[0, 1] < 0.3
    assert np.array_equal(
        np.sort(np.abs(hidden.astype(int) - 127.5), None), np.sort(np.abs(pixels.astype(int) - 127.5), None)
    )


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 40, 3), (16, 16, 1), (33, 18, 3), (50, 47, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_size_and_depth_comes_back(shape, dtype):
    pixels = np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, shape, dtype)
    for parts in (scrambling.PARTS, *((part,) for part in scrambling.PARTS)):
        hidden = scrambling.scrambled(pixels, KEY, parts)
        assert hidden.shape == shape and hidden.dtype == dtype
        assert np.array_equal(scrambling.unscrambled(hidden, KEY, parts), pixels)
    assert np.array_equal(scrambling.scrambled(pixels, KEY, ()), pixels)


def test_what_a_key_draws_never_changes():
    """Pictures that were scrambled by an earlier release come back: the draws are pinned."""
    hidden = scrambling.scrambled(np.arange(40 * 50 * 3, dtype=np.uint16).reshape(40, 50, 3), KEY)
    assert hashlib.sha256(hidden.astype("<u2").tobytes()).hexdigest()[:16] == "7745dfc0925976f7"


def test_what_is_scrambled_still_compresses():
    """JPEG of the scrambled picture decodes to nearly what JPEG of the picture does; the twin, shuffled pixels, costs much."""
    pixels = tiny.picture(256, 256)
    plain, seen = jpeg(pixels)
    size, found = jpeg(scrambling.scrambled(pixels, KEY))
    error = [np.square(part.astype(float) - pixels).mean() for part in (seen, scrambling.unscrambled(found, KEY))]
    assert size < 1.4 * plain and error[1] < 1.5 * error[0]
    noise = np.random.default_rng(0).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    assert jpeg(noise)[0] > 1.15 * size


def test_what_has_no_blocks_of_colour_is_refused():
    with pytest.raises(UsageError, match="alpha"):
        scrambling.scrambled(np.zeros((16, 32, 4), np.uint8), KEY)
    with pytest.raises(UsageError, match="key"):
        scrambling.scrambled(np.zeros((16, 32, 3), np.uint8), b"")
    with pytest.raises(UsageError, match="places"):
        scrambling.scrambled(np.zeros((16, 32, 3), np.uint8), KEY, ["place"])


def test_the_verb_scrambles_and_puts_together_again(tmp_path, capsys):
    pixels, key = tiny.picture(50, 70), tmp_path / "key"
    key.write_bytes(KEY)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A maker"
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    hidden, back = tmp_path / "hidden.png", tmp_path / "back.png"
    assert run("scramble", tmp_path / "a.png", "--key-file", key, "-o", hidden) == 0
    assert Image.open(hidden).size == (50, 70)  # turned as EXIF says, since EXIF is gone
    assert b"A maker" not in hidden.read_bytes() and not Image.open(hidden).getexif()
    assert run("encode", hidden, "--lossless", "-o", tmp_path / "hidden.calo") == 0
    assert run("scramble", "--undo", tmp_path / "hidden.calo", "--key-file", key, "-o", back) == 0
    assert np.array_equal(np.asarray(Image.open(back)), np.rot90(pixels, -1))
    assert run("scramble", hidden, "--key-file", key, "-o", back) == 8
    assert run("scramble", hidden, "--key-file", tmp_path / "no", "-o", back, "-f") == 9
    assert run("scramble", key, "--key-file", key, "-o", back, "-f") == 4
