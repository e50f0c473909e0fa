"""A .calomodel file: round trip, same bytes, identity of the decoding part only, and what reading refuses."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import numpy as np
import pytest

from calotype.errors import CalotypeError, FileError, LimitError, ModelError, UnsupportedError, UsageError
from calotype.limits import Limits
from calotype.model import Latent, Manifest, Net, archive, peek, read, write


def test_reading_what_was_written_gives_the_same_model(tiny):
    model = tiny.model()
    data = write(model)
    again = read(data)
    assert write(again) == data == write(tiny.model())
    assert again.identity == model.identity and again.name == "tiny"
    assert again.graphs == model.graphs
    assert np.array_equal(again.banks["main"].frequencies, model.banks["main"].frequencies)
    assert dataclasses.asdict(again.manifest) | {"members": {}} == dataclasses.asdict(model.manifest)
    assert peek(data).identity == model.identity.hex()


ENCODER_SIDE = {
    "licence": "CC0-1.0", "training": {"steps": 2}, "quality_map": ((1.0, 5), (50.0, 5), (100.0, 900)),
    "name": "other", "recipe": "other", "tile_px": 1024,
    "encoder": {"anchors/tradeoff": np.array([[9.0]], np.float32)},
}  # fmt: skip
DECODER_SIDE = {
    "walk": "quadtree", "walk_parameters": {"groups": [2, 1]}, "latents": {"y": Latent(8, 16, 0, 254)},
    "transform": {"kind": "wavelet"}, "halo": 1, "align_px": 32, "planes": 4, "depth": 16, "rate_anchors": 4,
    "rows": {"bias": np.array([[0, 10], [100, -11], [31, 8]], np.int32)},
    "floats": {"anchors/gain": np.array([[1, 2], [3, 4], [5, 8.001]], np.float32)},
    "banks": {},
}  # fmt: skip


@pytest.mark.parametrize("field", ENCODER_SIDE)
def test_identity_ignores_what_no_decoder_reads(tiny, field):
    assert tiny.model(**{field: ENCODER_SIDE[field]}).identity == tiny.model().identity


def test_identity_ignores_encoder_networks(tiny):
    before = tiny.model()
    graphs = dict(before.graphs) | {"analysis": tiny.chain((3, 4), seed=10)}
    assert tiny.model(graphs=graphs).identity == before.identity


@pytest.mark.parametrize("field", DECODER_SIDE)
def test_identity_names_what_a_decoder_reads(tiny, field):
    assert tiny.model(**{field: DECODER_SIDE[field]}).identity != tiny.model().identity


def test_identity_names_every_byte_of_a_decoder_network(tiny):
    before = tiny.model()
    graph = before.graphs["context"]
    for position in range(0, len(graph), len(graph) // 40):
        changed = graph[:position] + bytes([graph[position] ^ 1]) + graph[position + 1 :]
        assert tiny.model(graphs=dict(before.graphs) | {"context": changed}).identity != before.identity


def test_identity_is_the_one_of_every_release(tiny):
    """Golden: a change of the canonical spelling would orphan every picture file. The graph is a constant here."""
    nets = {"n": Net("nets/n.onnx", ("x",), ("y",), exact=True, ranges={"x": "latents/y"})}
    model = tiny.model(nets=nets, graphs={"n": b"graph"})
    assert model.identity.hex() == "f182b3abb01e792fa674e9c54f470f77bc67a6506ea925d337916349b5797866"


def test_rows_are_interpolated_in_integers(tiny):
    """row = floor((a * (1023 - w) + b * w + 511) / 1023) with i, w = divmod(r * (n - 1), 1023)."""
    model = tiny.model()
    anchors = [[0, 10], [100, -11], [31, 7]]
    for rate in (0, 1, 255, 511, 512, 700, 1022, 1023):
        i, w = divmod(rate * 2, 1023)
        expected = [
            (a * (1023 - w) + b * w + 511) // 1023 for a, b in zip(anchors[i], anchors[min(i + 1, 2)], strict=True)
        ]
        row = model.rows("bias", np.array([rate, 0]))
        assert row.dtype == np.float32 and row.shape == (2, 2, 1, 1)
        assert row[0, :, 0, 0].tolist() == expected and row[1, :, 0, 0].tolist() == anchors[0]


def test_floats_are_interpolated_between_anchors(tiny):
    model = tiny.model(encoder={"plain": np.array([7.5], np.float32)})
    assert model.floats("gain", 0).tolist() == [1, 2] and model.floats("gain", 1023).tolist() == [5, 8]
    both = model.floats("gain", np.array([0, 256]))
    assert both.dtype == np.float32 and both.shape == (2, 2) and np.allclose(both[1], 2 * 512 / 1023 + np.array([1, 2]))
    assert model.floats("plain").tolist() == [7.5]
    with pytest.raises(UsageError, match="0 to 1023"):
        model.floats("gain", 1024)
    with pytest.raises(ModelError, match="no array"):
        model.floats("nothing")
    with pytest.raises(ModelError, match="no network"):
        model.net("nothing")


def test_every_changed_byte_is_refused_or_harmless(tiny):
    """A changed byte gives a typed error, or the same members (a byte of the zip's own that says nothing)."""
    data = write(tiny.model())
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(data), 300):
        changed = bytearray(data)
        changed[position] ^= 1 << int(rng.integers(8))
        try:
            model = read(bytes(changed))
        except CalotypeError:
            continue
        assert write(model) == data


def test_every_cut_is_refused(tiny):
    data = write(tiny.model())
    for length in [*range(0, len(data), 997), len(data) - 1]:
        with pytest.raises(CalotypeError):
            read(data[:length])


def test_a_bomb_is_refused_before_it_is_unpacked():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("manifest.json", bytes(2**24))
    with pytest.raises(LimitError, match="max_model_bytes"):
        read(target.getvalue(), Limits(max_model_bytes=2**20))
    # The directory lies about the size: zipfile stops there, and the length or the CRC says so.
    lying = target.getvalue().replace((2**24).to_bytes(4, "little"), (2**10).to_bytes(4, "little"))
    with pytest.raises(ModelError, match="damaged"):
        read(lying)


def test_an_array_that_claims_more_than_it_has_is_refused():
    target = io.BytesIO()
    np.lib.format.write_array_header_1_0(target, {"descr": "<f4", "fortran_order": False, "shape": (2**40,)})
    with pytest.raises(ModelError, match="array a of shape"):
        archive.arrays_from_bytes(archive.pack({"a.npy": target.getvalue()}), Limits())


def test_pickles_are_refused():
    target = io.BytesIO()
    np.lib.format.write_array(target, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ModelError, match="wanted numbers"):
        archive.arrays_from_bytes(archive.pack({"a.npy": target.getvalue()}), Limits())


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a\\b", "./x"])
def test_names_that_leave_the_archive_are_refused(name):
    with pytest.raises(ModelError, match="name of a member"):
        archive.unpack(archive.pack({name: b""}), Limits())


def test_arrays_are_readable_by_numpy(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(archive.arrays_to_bytes({"rows/x": np.arange(6, dtype=">i4").reshape(2, 3)}))
    assert np.array_equal(np.load(path, allow_pickle=False)["rows/x"], np.arange(6).reshape(2, 3))


def _repacked(data: bytes, **changes) -> bytes:
    members = archive.unpack(data, Limits())
    return archive.pack({**members, **changes})


def test_members_are_those_of_the_manifest(tiny):
    data = write(tiny.model())
    with pytest.raises(ModelError, match=r"extra\.bin"):
        read(_repacked(data, **{"extra.bin": b""}))
    with pytest.raises(ModelError, match="is damaged"):
        read(_repacked(data, **{"tables.npz": b""}))
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        read(archive.pack({"a": b""}))


def test_a_newer_format_is_refused_by_name(tiny):
    data = write(tiny.model())
    manifest = archive.unpack(data, Limits())["manifest.json"]
    newer = manifest.replace(b'"format_version": 1', b'"format_version": 2')
    with pytest.raises(UnsupportedError, match="model format 2 is not supported"):
        read(_repacked(data, **{"manifest.json": newer}))
    claimed = manifest.replace(tiny.model().identity.hex().encode(), b"0" * 64)
    with pytest.raises(ModelError, match="not the one its manifest names"):
        read(_repacked(data, **{"manifest.json": claimed}))


WRONG = [
    {"name": "a/b"}, {"align_px": 0}, {"depth": 33}, {"halo": -1}, {"quality_map": ()}, {"rate_anchors": 2.5},
    {"quality_map": ((50.0, 3), (1.0, 9))}, {"quality_map": ((1.0, 9), (50.0, 3))}, {"quality_map": ((1.0, 1024),)},
    {"latents": {"y": Latent(0, 1, 0, 1)}}, {"latents": {"y": Latent(1, 1, 2, 1)}}, {"identity": "xyz"},
    {"nets": {"n": Net("../n", ("x",), ("y",))}}, {"nets": {"n": Net("nets/n.onnx", ("x",), ("y",), exact=True)}},
    {"nets": {"n": Net("nets/n.onnx", ("x",), ("y",), exact=True, ranges={"x": (1, 0, 0)})}},
    {"nets": {"n": Net("nets/n.onnx", ("x",), ("y",), exact=True, ranges={"x": "latents/none"})}},
    {"nets": {"n": Net("nets/n.onnx", ("x",), ("y",), part="both")}}, {"nets": {"n": Net("nets/n.onnx", (), ("y",))}},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_manifest_states_what_is_wrong(wrong):
    with pytest.raises(ModelError, match=r"manifest: .*wanted"):
        Manifest(**{"name": "n", "recipe": "r", "walk": "w", "latents": {}, "nets": {}} | wrong)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"format_version": 1}', b'{"format_version": 1, "nets": 3}', b"[" * 10**5]
)
def test_a_manifest_that_is_none_is_refused(data):
    with pytest.raises(ModelError, match=r"manifest\.json"):
        Manifest.from_bytes(data)


def test_a_path_is_read_and_a_missing_one_named(tiny, tmp_path):
    path = tmp_path / "m.calomodel"
    with pytest.raises(FileError, match=r"m\.calomodel"):
        read(path)
    path.write_bytes(write(tiny.model()))
    assert read(path).identity == read(str(path)).identity == tiny.model().identity


def test_parameters_are_kept_as_they_will_be_read(tiny):
    """Tuples and integer keys: the walk sees the same before writing and after reading, and the identity stays."""
    model = tiny.model(walk_parameters={10: (1, 2), 2: {"x": 1.0}})
    assert model.manifest.walk_parameters == {"10": [1, 2], "2": {"x": 1.0}}
    assert read(write(model)).identity == model.identity
    for wrong in ({"x": np.int64(1)}, {"x": float("nan")}, [1]):
        with pytest.raises(ModelError, match="manifest: walk_parameters"):
            tiny.model(walk_parameters=wrong)


def test_parts_that_do_not_fit_are_refused(tiny):
    with pytest.raises(ModelError, match="networks"):
        tiny.model(graphs={})
    with pytest.raises(ModelError, match="finite floats"):
        tiny.model(floats={"a": np.array([np.nan], np.float32)})
    with pytest.raises(ModelError, match="rows/bias"):
        tiny.model(rows={"bias": np.array([[2**23]])})
