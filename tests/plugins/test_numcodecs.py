"""Chunks of pictures in numcodecs and in both formats of Zarr: what goes in comes out, and stores can be opened again."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pytest
from tests import tiny

import calotype
from calotype import errors

numcodecs = pytest.importorskip("numcodecs", reason="pip install 'calotype[zarr]'")
plugin = importlib.import_module("calotype.plugins.numcodecs")
chunks = importlib.import_module("calotype.plugins.chunks")


@pytest.fixture(autouse=True)
def registered():
    """As the entry point does where the package was installed with it."""
    numcodecs.register_codec(plugin.Calotype)


def test_one_picture_is_a_calo_file():
    """A chunk can be taken out of the store and opened with anything that opens .calo files."""
    array = tiny.picture(60, 80)
    data = plugin.Calotype(quality=40).encode(array)
    assert data == calotype.encode(array, quality=40)
    assert np.array_equal(plugin.Calotype().decode(data), calotype.decode(data))


@pytest.mark.parametrize("shape", [(40, 50, 3), (1, 40, 30, 3), (2, 2, 33, 17, 3), (48, 32), (3, 24, 32)])
def test_shapes_come_back_in_order(shape):
    """Each picture of a stack is coded alone, and lies where it lay."""
    axes = 3 if shape[-1] <= 4 else 2
    count = int(np.prod(shape[:-axes], dtype=int))
    pictures = [tiny.picture(*shape[-axes:][:2], seed=seed)[..., : 3 if axes == 3 else 1] for seed in range(count)]
    array = np.stack(pictures).reshape(shape)
    codec = plugin.Calotype(quality=50)
    decoded = codec.decode(codec.encode(array)).reshape(shape)
    for number, place in enumerate(np.ndindex(shape[:-axes])):
        alone = calotype.decode(calotype.encode(pictures[number].squeeze(), quality=50))
        assert np.array_equal(decoded[place], alone.reshape(decoded[place].shape))


def test_out_is_filled_and_buffers_are_taken():
    array = tiny.picture(60, 80)
    codec = plugin.Calotype()
    data = codec.encode(array)
    out = np.zeros_like(array)
    codec.decode(np.frombuffer(data, np.uint8), out=out)
    assert np.array_equal(out, calotype.decode(data))


def test_lossless_gives_back_every_sample():
    array = np.stack([tiny.picture(40, 50, seed=seed) for seed in range(2)])
    codec = plugin.Calotype(lossless=True)
    assert np.array_equal(codec.decode(codec.encode(array)), array)


def test_configuration_is_plain_json():
    for codec in (plugin.Calotype(), plugin.Calotype(quality=33.5, model="swift"), plugin.Calotype(lossless=True)):
        config = json.loads(json.dumps(codec.get_config()))
        assert numcodecs.get_codec(config).get_config() == config and config["id"] == "calotype"
    for wrong in ({"quality": 0.5}, {"quality": 50, "lossless": True}):
        with pytest.raises(errors.UsageError):
            plugin.Calotype(**wrong)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.float32), np.zeros(9, np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(array):
    with pytest.raises(errors.UsageError):
        plugin.Calotype().encode(array)


def test_damaged_stacks_are_errors():
    """L7 for the list around the files: a cut or a changed byte is an error, or the same samples."""
    array = np.stack([tiny.picture(9, 9, seed=seed) for seed in range(3)])
    data = plugin.Calotype().encode(array)
    whole = chunks.decode(data)
    for at in list(range(0, 48)) + list(range(48, len(data), 37)):
        bad = bytearray(data)
        bad[at] ^= 0x41
        with pytest.raises(errors.CalotypeError):
            chunks.decode(bytes(bad))
        if at >= 8:
            with pytest.raises(errors.CalotypeError):
                chunks.decode(data[:at])
    assert np.array_equal(chunks.decode(data), whole)


def test_entry_points_are_declared():
    """Found by name without an import of ours, where the package is installed with its metadata."""
    found = {(point.group, point.value) for point in entry_points(name="calotype")}
    wanted = {
        ("numcodecs.codecs", "calotype.plugins.numcodecs:Calotype"),
        ("zarr.codecs", "calotype.plugins.zarr:Calotype"),
    }
    if not any(group != "console_scripts" for group, _ in found):
        pytest.skip("installed before the entry points were declared: pip install -e . again")
    assert wanted <= found


class TestZarr:
    zarr = staticmethod(lambda: pytest.importorskip("zarr", minversion="3.0", reason="pip install 'calotype[zarr]'"))

    @pytest.mark.parametrize(("shape", "chunk"), [((70, 64, 3), (48, 64, 3)), ((3, 40, 30, 3), (2, 40, 30, 3))])
    def test_arrays_of_format_3(self, tmp_path, shape, chunk):
        """Written, closed, opened again from its zarr.json; borders are padded by Zarr and cut off again."""
        zarr = self.zarr()
        ours = importlib.import_module("calotype.plugins.zarr")
        zarr.registry.register_codec("calotype", ours.Calotype)
        array = np.stack(
            [tiny.picture(shape[-3], shape[-2], seed=s) for s in range(max(1, shape[0] * (len(shape) > 3)))]
        )
        array = array.reshape(shape)
        made = zarr.create_array(
            str(tmp_path / "a.zarr"), shape=shape, chunks=chunk, dtype="uint8",
            serializer=ours.Calotype(quality=80), compressors=None,
        )  # fmt: skip
        made[...] = array
        said = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
        assert said["codecs"] == [{"name": "calotype", "configuration": {"quality": 80.0, "model": "swift"}}]
        back = zarr.open_array(str(tmp_path / "a.zarr"), mode="r")
        error = np.abs(back[...].astype(int) - array)
        assert back.shape == shape and error.mean() < 8
        stored = sum(path.stat().st_size for path in (tmp_path / "a.zarr").rglob("c/**/*") if path.is_file())
        assert 0 < stored < array.nbytes

    def test_format_2_takes_the_codec_of_numcodecs(self, tmp_path):
        zarr = self.zarr()
        array = tiny.picture(64, 128)
        made = zarr.create_array(
            str(tmp_path / "b.zarr"), shape=array.shape, chunks=(64, 64, 3), dtype="uint8", zarr_format=2,
            compressors=plugin.Calotype(quality=80),
        )  # fmt: skip
        made[...] = array
        back = zarr.open_array(str(tmp_path / "b.zarr"), mode="r")
        assert np.abs(back[...].astype(int) - array).mean() < 8
        left = calotype.decode((tmp_path / "b.zarr" / "0.0.0").read_bytes())
        assert np.array_equal(back[:, :64], left)

    def test_arrays_that_are_no_pictures_are_refused_when_made(self, tmp_path):
        zarr = self.zarr()
        ours = importlib.import_module("calotype.plugins.zarr")
        with pytest.raises(errors.UsageError, match="float32"):
            zarr.create_array(
                str(tmp_path / "c.zarr"), shape=(9, 9), chunks=(9, 9), dtype="float32", serializer=ours.Calotype(),
                compressors=None,
            )  # fmt: skip


def test_the_core_needs_neither():
    """Importing calotype brings no numcodecs and no Zarr."""
    script = "import sys, calotype, calotype.codec; assert not {'numcodecs', 'zarr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=os.environ.copy())
