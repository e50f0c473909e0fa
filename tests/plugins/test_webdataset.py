"""Samples of webdataset shards: written with our encoder, read with our handlers, in worker processes too."""

from __future__ import annotations

import importlib
import io
import json
import pickle
import tarfile

import numpy as np
import pytest
from tests import tiny

import calotype
from calotype import errors

plugin = importlib.import_module("calotype.plugins.webdataset")
PICTURE = tiny.picture(40, 50)
DATA = calotype.encode(PICTURE)


def test_handlers_take_only_ours():
    """None means: ask the next handler."""
    assert np.array_equal(plugin.decoder(".calo", DATA), calotype.decode(DATA))
    assert np.array_equal(plugin.decoder(".left.CALO", DATA), calotype.decode(DATA))
    assert plugin.decoder(".jpg", DATA) is None and plugin.decoder_of("float")(".calo.gz", DATA) is None


def test_kinds():
    array = calotype.decode(DATA)
    assert np.allclose(plugin.decoder_of("float")("calo", DATA), array / np.float32(255))
    assert np.array_equal(plugin.decoder_of("array")("calo", DATA), array)
    image = pickle.loads(pickle.dumps(plugin.decoder_of("pil")))("calo", DATA)
    assert image.mode == "RGB" and np.array_equal(np.asarray(image), array)
    with pytest.raises(errors.UsageError, match="float"):
        plugin.decoder_of("rgb")


def test_tensors():
    torch = pytest.importorskip("torch", reason="pip install 'calotype[train]'")
    tensor = plugin.decoder_of("torch")("calo", DATA)
    assert (
        tensor.dtype == torch.float32 and tuple(tensor.shape) == (3, 40, 50) and 0 <= tensor.min() <= tensor.max() <= 1
    )


def test_a_shard_written_and_read(tmp_path):
    wds = pytest.importorskip("webdataset", reason="pip install 'calotype[webdataset]'")
    path = str(tmp_path / "shard.tar")
    with wds.TarWriter(path, encoder=plugin.encoder(quality=50)) as sink:
        for number in range(3):
            sample = {"__key__": f"s{number}", "calo": tiny.picture(30, 40, seed=number), "json": {"number": number}}
            sink.write(sample)
        sink.write({"__key__": "s3", "calo": DATA, "json": {"number": 3}})
    with tarfile.open(path) as shard:
        member = shard.extractfile("s3.calo")
        assert member is not None and member.read() == DATA
    found = list(wds.WebDataset(path, shardshuffle=False).decode(plugin.decoder).to_tuple("calo", "json"))
    assert [said["number"] for _, said in found] == [0, 1, 2, 3]
    for number, (array, _) in enumerate(found[:3]):
        wanted = calotype.decode(calotype.encode(tiny.picture(30, 40, seed=number), quality=50))
        assert np.array_equal(array, wanted)


def test_pillow_s_handler_of_webdataset_works_too(tmp_path):
    """Its own "pil" and "rgb" kinds open .calo once Pillow knows the format."""
    wds = pytest.importorskip("webdataset", reason="pip install 'calotype[webdataset]'")
    importlib.import_module("calotype.plugins.pillow")
    path = tmp_path / "shard.tar"
    with tarfile.open(path, "w") as shard:
        entry = tarfile.TarInfo("a.calo")
        entry.size = len(DATA)
        shard.addfile(entry, io.BytesIO(DATA))
        entry = tarfile.TarInfo("a.json")
        said = json.dumps({"k": 1}).encode()
        entry.size = len(said)
        shard.addfile(entry, io.BytesIO(said))
    handler = wds.imagehandler("rgb8", extensions=["calo"])
    ((array, said),) = wds.WebDataset(str(path), shardshuffle=False).decode(handler).to_tuple("calo", "json")
    assert np.array_equal(array, calotype.decode(DATA)) and said == {"k": 1}
