"""`calotype inspect`: every byte is accounted for, the map is where the detail is, and damage is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from tests.golden import cases

import calotype
from calotype import codec, inspection
from calotype.cli import main
from calotype.coding.measuring import MeasuringReader
from calotype.errors import FormatError
from calotype.picture import Picture


def run(*words: object) -> int:
    return main.run([str(word) for word in words])


def half_busy(height: int = 150, width: int = 200) -> np.ndarray:
    """Flat on the left, noise on the right."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[:, width // 2 :] = np.random.default_rng(1).integers(0, 256, (height, width - width // 2, 3))
    return pixels


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """A file of each kind."""
    busy = half_busy()
    alpha = np.dstack([busy, np.where(busy[..., 0] > 80, 255, 0).astype(np.uint8)])
    return {
        "lossy": calotype.encode(busy, quality=50, check=False),
        "alpha": calotype.encode(alpha, quality=50, check=False),
        "lossless": calotype.encode(busy, lossless=True),
        "graphic": calotype.encode(np.where(busy > 128, 255, 0).astype(np.uint8)[..., :1].repeat(3, 2), lossless=True),
        "deep": calotype.encode(busy.astype(np.uint16) * 251, lossless=True),
        "1x1": calotype.encode(busy[:1, :1], quality=50),
        "metadata": codec.encode(
            Picture(busy[:40, :40], exif=b"II*\0" + bytes(90), comments=("x",)), None, lossless=True
        ),
    }


@pytest.mark.parametrize("kind", ["lossy", "alpha", "lossless", "graphic", "deep", "1x1", "metadata"])
def test_every_byte_is_accounted_for(kind, files):
    """Chunks, parts and the map's bits agree with the file."""
    found = inspection.inspect(files[kind])
    size = len(files[kind])
    assert found.file_bytes == size
    assert sum(chunk.bytes for chunk in found.chunks) == size
    assert sum(part.bytes for part in found.parts) == pytest.approx(size)
    assert sum(part.share for part in found.parts) == pytest.approx(1)
    framing = {part.name: part.bytes for part in found.parts}["framing"]
    metadata = sum(part.bytes for part in found.parts if part.name == "metadata")
    assert found.map_bits.sum() == pytest.approx(8 * (size - framing - metadata), rel=1e-4)
    assert len(found.tiles) == found.info.tiles
    assert (metadata > 90) == (kind == "metadata")


@pytest.mark.parametrize("kind", ["lossy", "lossless", "deep"])
def test_the_map_is_bright_where_the_detail_is(kind, files):
    found = inspection.inspect(files[kind])
    rows, columns = found.map_bits.shape
    assert (rows, columns) == (10, 13)
    assert found.map_bits[:, 8:12].sum() > 8 * found.map_bits[:, :4].sum()


@pytest.mark.parametrize("name", cases.CASES)
def test_measured_bits_are_those_of_the_streams(name, monkeypatch):
    """Of every walk that has a golden file, escapes included: within 16 bytes and 1 % of each stream (law L2)."""
    ports: list[MeasuringReader] = []

    class Spied(MeasuringReader):
        def __init__(self, *given: object, **named: object) -> None:
            super().__init__(*given, **named)
            ports.append(self)

    monkeypatch.setattr(inspection, "MeasuringReader", Spied)
    data, record = cases.golden(name)
    model = cases.model(record["model"])
    found = inspection.inspect(data, model=model)
    names = {part.name.removeprefix("latents ") for part in found.parts if part.name.startswith("latents")}
    runs = {run for port in ports for run in port.strings}  # what has no places has a name of its own
    assert names <= {latent for latent, what in model.manifest.latents.items() if what.coded} | runs
    spent = [bits for port in ports for bits in (*port.bits.values(), *port.strings.values())]
    measured = sum(float(bits.sum(dtype=np.float64)) for bits in spent)
    streams = sum(part.bytes for part in found.parts if part.name.startswith("latents"))
    if cases.CASES[name].cut_bytes:  # what the lanes hold when words run out is lost
        assert measured / 8 <= streams
        return
    assert abs(streams - measured / 8) <= 16 * sum(port.rows for port in ports) + 0.01 * measured / 8


def test_the_table_the_json_and_the_map(tmp_path, capsys, files):
    (tmp_path / "a.calo").write_bytes(files["lossy"])
    assert run("inspect", tmp_path / "a.calo", "--map", tmp_path / "map.png") == 0
    said = capsys.readouterr()
    assert "latents l1" in said.out and "TILE" in said.out and "200 x 150" in said.out
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.size == (256, 178) and drawn.mode == "RGB"
        seen = np.asarray(drawn)[:150, :200].mean(-1)
    assert seen[:, 112:192].mean() > seen[:, :80].mean() + 20
    assert run("inspect", tmp_path / "a.calo", "--map", tmp_path / "map.png") == 8
    assert run("inspect", tmp_path / "a.calo", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["map"]["block_px"] == 16 and len(said["map"]["bits"]) == 10
    assert said["tiles"][0]["mode"] == "model" and said["file_bytes"] == len(files["lossy"])


@pytest.mark.parametrize("kind", ["lossy", "lossless"])
def test_damage_is_refused(kind, files, tmp_path):
    broken = bytearray(files[kind])
    broken[len(broken) // 2] ^= 4
    with pytest.raises(FormatError):
        inspection.inspect(bytes(broken))
    (tmp_path / "b.calo").write_bytes(broken)
    assert run("inspect", tmp_path / "b.calo") == 4
