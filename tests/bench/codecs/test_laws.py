"""Every codec that is registered keeps the laws of laws.py on small pictures; for each law a codec that breaks it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from tests.bench.codecs import laws

from calotype.bench import codecs
from calotype.errors import UsageError

NAMES = codecs.names()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8 [48, 64, 3], a detailed piece of the photograph in the package."""
    with Image.open(str(resources.files("calotype.demo") / "sumac.png")) as image:
        return np.array(image.convert("RGB").crop((200, 160, 264, 208)))


@pytest.fixture(params=NAMES)
def codec(request):
    error = codecs.missing(request.param)
    if error is not None:
        pytest.skip(str(error))
    return codecs.get(request.param)


def test_pictures_come_back(codec, photo):
    laws.gives_pictures_back(codec, photo)


def test_one_thread_repeats_itself(codec, photo):
    laws.repeats_itself(codec, photo)


def test_levels_rise(codec, photo):
    if codec.lossless:
        assert codec.levels == (0.0,)
    else:
        assert 5 <= len(codec.levels) <= 10
        # Small pictures of ours are coded losslessly too, to compare: slow. Its dial has laws of its own.
        laws.rises(codec, photo, step=4 if codec.family == "calotype" else 1)


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (2, 40)], ids=str)
def test_odd_sizes_work_or_are_refused_by_name(codec, size, photo):
    taken = laws.refuses_by_name(codec, np.ascontiguousarray(photo[: size[0], : size[1]]))
    assert taken or codec.family in ("hevc", "vvc")  # raw streams: no container that could say such a size


def test_lossless_is_lossless_on_noise(codec):
    if codec.lossless:
        noise = np.random.default_rng(5).integers(0, 256, (33, 47, 3), dtype=np.uint8)
        assert laws.refuses_by_name(codec, noise)


@pytest.mark.parametrize("data", [b"", b"no picture at all " * 8], ids=["empty", "text"])
def test_foreign_bytes_are_an_error_of_ours(codec, data):
    laws.refuses_foreign(codec, data)


def test_what_is_no_rgb_is_a_usage_error(codec, photo):
    if codec.family == "calotype":
        pytest.skip("takes more than 8-bit RGB")
    for wrong in (photo[..., 0], photo.astype(np.uint16), photo[..., :2]):
        with pytest.raises(UsageError):
            codec.encode(wrong, codec.levels[0])
    with pytest.raises(UsageError):
        codec.encode(photo, codec.levels[0], threads=0)


def test_a_view_with_strides_is_the_same_picture(codec, photo):
    level, view = codec.levels[len(codec.levels) // 2], photo[::2, ::-1]
    assert codec.encode(view, level) == codec.encode(np.ascontiguousarray(view), level)


def test_two_threads_give_the_same_pixels(codec, photo):
    data = codec.encode(photo, codec.levels[-1], threads=2)
    assert np.array_equal(codec.decode(data, threads=2), codec.decode(data, threads=1))


def test_it_says_what_it_is_and_travels_between_processes(codec):
    said = codec.describe()
    assert {"library", "version", "settings"} <= set(said)
    assert all(
        isinstance(text, str) and text and "unknown" not in text and "None" not in text for text in said.values()
    )
    assert isinstance(codec, codecs.Codec) and pickle.loads(pickle.dumps(codec)) == codec
    assert codec.title and codec.family


# --- codecs that break the laws ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """Raw samples with a header, and one fault."""

    fault: str
    name: str = "broken"
    family: str = "broken"
    title: str = "Broken"
    lossless: bool = True
    levels: tuple[float, ...] = (0.0,)

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        kept = pixels.copy()
        if self.fault == "scribbles":
            pixels[0, 0, 0] ^= 1
        if self.fault == "drops a bit":
            kept[-1, -1, 0] ^= 1
        if self.fault == "random":
            return np.random.default_rng().bytes(8) + self._raw(kept)
        if self.fault == "levels fall":
            kept = kept // int(1 + level) * int(1 + level)
            return bytes(8) + self._raw(kept) + bytes(int(level))
        return bytes(8) + self._raw(kept)

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        height, width = np.frombuffer(data[8:16], np.uint32)
        found = np.frombuffer(data[16 : 16 + height * width * 3], np.uint8).reshape(height, width, 3)
        return found[:, :-1] if self.fault == "crops" else found.astype(float) if self.fault == "floats" else found

    def describe(self) -> dict[str, str]:
        return {"library": "broken", "version": "1", "settings": self.fault}

    @staticmethod
    def _raw(pixels: np.ndarray) -> bytes:
        return np.array(pixels.shape[:2], np.uint32).tobytes() + pixels.tobytes()


def test_the_fake_without_a_fault_keeps_the_laws(photo):
    laws.gives_pictures_back(Broken("none"), photo)
    laws.repeats_itself(Broken("none"), photo)
    assert laws.refuses_by_name(Broken("none"), photo)


@pytest.mark.parametrize("fault", ["scribbles", "drops a bit", "crops", "floats"])
def test_the_law_of_round_trips_can_fail(fault, photo):
    with pytest.raises(AssertionError):
        laws.gives_pictures_back(Broken(fault), photo.copy())


@pytest.mark.parametrize("fault", ["drops a bit", "crops"])
def test_the_law_of_odd_sizes_can_fail(fault, photo):
    with pytest.raises(AssertionError):
        laws.refuses_by_name(Broken(fault), photo[:17, :31].copy())


def test_the_law_of_repetition_can_fail(photo):
    with pytest.raises(AssertionError):
        laws.repeats_itself(Broken("random"), photo)


def test_the_law_of_levels_can_fail(photo):
    falling = Broken("levels fall", lossless=False, levels=(0.0, 9.0, 40.0, 90.0))
    with pytest.raises(AssertionError):
        laws.rises(falling, photo)


def test_the_law_of_foreign_bytes_can_fail(photo):
    with pytest.raises(AssertionError):
        laws.refuses_foreign(Broken("none"), Broken("none").encode(photo, 0))
    with pytest.raises(ValueError):
        laws.refuses_foreign(Broken("none"), b"")
