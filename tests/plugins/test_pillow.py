"""Pillow with our plug-in behaves as with its own formats: lazy, symmetrical in metadata, safe for threads and files."""

from __future__ import annotations

import errno
import io
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests import tiny

import calotype
from calotype import errors

Image = pytest.importorskip("PIL.Image")
plugin = pytest.importorskip("calotype.plugins.pillow")
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
META = {"exif": EXIF, "icc_profile": b"a profile", "xmp": b"<x:xmpmeta/>"}


def image(height: int = 70, width: int = 90, **info) -> Image.Image:
    made = Image.fromarray(tiny.picture(height, width))
    made.info.update(info)
    return made


def saved(made: Image.Image, **options) -> bytes:
    target = io.BytesIO()
    made.save(target, "CALOTYPE", **options)
    return target.getvalue()


def test_pixels_are_those_of_calotype():
    """The plug-in adds nothing: bytes of calotype.encode, pixels of calotype.decode."""
    made = image()
    data = saved(made, quality=45)
    assert data == calotype.encode(made, quality=45)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), calotype.decode(data))


def test_open_reads_the_front_only(tmp_path):
    """Size, mode and info are there although every tile is gone; NumPy's and onnxruntime's work has not begun."""
    path = tmp_path / "a.calo"
    image(300, 600, **META, dpi=(300.0, 300.0)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"TILE") + 4])
    with Image.open(path) as opened:
        assert (opened.format, opened.mode, opened.size) == ("CALOTYPE", "RGB", (600, 300))
        assert {name: opened.info[name] for name in META} == META and opened.info["dpi"] == (300.0, 300.0)
        assert opened.getexif()[0x0112] == 6 and opened.info["quality"] == 60
        assert Image.MIME[opened.format] == "image/x-calotype" and opened.get_format_mimetype() == "image/x-calotype"
        with pytest.raises(errors.TruncatedError):
            opened.load()


def test_open_loads_no_codec(tmp_path):
    """Identifying ten thousand files must not start onnxruntime, nor must the import of the plug-in."""
    path = tmp_path / "a.calo"
    image().save(path)
    script = (
        "import sys, calotype.plugins.pillow; from PIL import Image; im = Image.open(sys.argv[1]); print(im.size);"
        "bad = {'numpy', 'onnxruntime', 'torch', 'onnx', 'scipy'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)


def test_metadata_is_kept_given_and_stripped():
    made = image(**META)
    assert {name: Image.open(io.BytesIO(saved(made))).info[name] for name in META} == META
    bare = Image.open(io.BytesIO(saved(made, strip=True)))
    assert not {"icc_profile", "xmp", "comment"} & set(bare.info) and dict(bare.getexif()) == {0x0112: 6}
    exif = Image.Exif()
    exif[0x010E] = "a lake"
    other = Image.open(io.BytesIO(saved(made, exif=exif, icc_profile=None, xmp="<y/>", comment="shot in May")))
    assert other.getexif()[0x010E] == "a lake" and "icc_profile" not in other.info
    assert (other.info["xmp"], other.info["comment"]) == (b"<y/>", "shot in May")


def test_options_are_those_of_encode():
    made = image(200, 200)
    assert len(saved(made, size=3000)) <= 3000
    assert saved(made, psnr=30) == calotype.encode(made, psnr=30)
    with pytest.raises(errors.UsageError):
        saved(made, quality=50, bpp=1)
    with pytest.warns(UserWarning, match="no option qualtiy"):
        saved(made, qualtiy=50)
    with pytest.raises(errors.UnsupportedMode):
        saved(Image.new("CMYK", (9, 9)))


def test_verify_checks_every_checksum():
    data = saved(image())
    opened = Image.open(io.BytesIO(data))
    opened.verify()
    with pytest.raises(ValueError, match="closed"):
        opened.load()
    for at in range(64, len(data), 97):
        bad = bytearray(data)
        bad[at] ^= 0x10
        with pytest.raises(OSError):
            Image.open(io.BytesIO(bytes(bad))).verify()


def test_damage_is_an_os_error_at_open_and_load():
    data = saved(image())
    with pytest.raises(errors.FormatError):
        Image.open(io.BytesIO(data[:20] + b"\0" + data[21:]))
    with pytest.raises(errors.CorruptError):
        Image.open(io.BytesIO(data[:-30] + bytes(30))).load()


def test_contexts_closing_and_reopening(tmp_path):
    path = tmp_path / "a.calo"
    image().save(path)
    with Image.open(path) as opened:
        opened.load()
        assert opened.fp is None or opened.fp.closed
    assert opened.getpixel((0, 0))  # loaded pixels stay, as with other formats
    with Image.open(path) as never:
        pass
    with pytest.raises(ValueError, match="closed"):
        never.load()
    first = Image.open(path)
    first.close()
    with pytest.raises(ValueError, match="closed"):
        first.load()
    opened = Image.open(path)
    opened.save(path, quality=30)  # over itself
    assert Image.open(path).info["quality"] == 30


def test_streams_draft_thumbnail_crop_and_pickle(tmp_path):
    data = saved(image(120, 200))
    with (tmp_path / "a.calo").open("w+b") as file:
        file.write(data)
        file.flush()
        opened = Image.open(file)
        opened.load()
        assert not file.closed  # it is the caller's
    opened = Image.open(io.BytesIO(data))
    assert opened.draft("L", (20, 20)) is None and opened.size == (200, 120)
    opened.thumbnail((50, 50))
    assert opened.size == (50, 30)
    whole = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)).crop((10, 20, 60, 80))), whole[20:80, 10:60])
    again = pickle.loads(pickle.dumps(Image.open(io.BytesIO(data))))
    assert np.array_equal(np.asarray(again), whole) and again.info["quality"] == 60
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)).copy()), whole)


def test_threads_share_an_image_and_the_codec():
    """Eight threads: one image decoded by all of them at once, and images of their own, encoded and decoded."""
    data = saved(image(100, 130))
    wanted = np.asarray(Image.open(io.BytesIO(data))).tobytes()
    shared = [Image.open(io.BytesIO(data)) for _ in range(4)]

    def work(number: int) -> bytes:
        if number % 2:
            return np.asarray(shared[number // 2 % 4]).tobytes()
        assert saved(image(100, 130), threads=1) == data
        return np.asarray(Image.open(io.BytesIO(data))).tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(16))) == {wanted}


FAILURES = {"mode": ("CMYK", {}), "option": ("RGB", {"quality": 1000}), "target": ("RGB", {"bpp": 90.0})}


MODES = {"1": (np.bool_, ()), "L": (np.uint8, ()), "LA": (np.uint8, (2,)), "RGB": (np.uint8, (3,)),
         "RGBA": (np.uint8, (4,)), "I;16": (np.uint16, ())}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lossless", [False, True])
def test_modes_are_kept(mode, lossless):
    """Mode and size from the header are those of the pixels; lossless gives back every sample; so does alpha, always."""
    dtype, planes = MODES[mode]
    grey = tiny.picture(40, 50)[..., 0]
    samples = (grey > 120) if dtype == np.bool_ else grey.astype(dtype) * (257 if dtype == np.uint16 else 1)
    samples = np.stack([samples] * planes[0], -1) if planes else samples
    made = Image.fromarray(samples)
    assert made.mode == mode
    if mode == "I;16" and not lossless:
        with pytest.raises(errors.UnsupportedError, match="lossless=True"):
            saved(made)
        return
    opened = Image.open(io.BytesIO(saved(made, lossless=lossless)))
    assert (opened.mode, opened.size) == (made.mode, made.size)
    found = np.asarray(opened)
    assert found.shape == samples.shape and found.dtype == samples.dtype
    if lossless or mode == "1":
        assert np.array_equal(found, samples) and opened.info.get("lossless", mode == "1")
    if "A" in mode:
        assert np.array_equal(found[..., -1], samples[..., -1])


def test_sixteen_bits_of_colour_have_no_mode_in_pillow():
    """Cutting them to eight would be silent; the error names what works."""
    data = calotype.encode(tiny.picture(20, 30).astype(np.uint16) * 257, lossless=True)
    with pytest.raises(errors.UnsupportedError, match=r"calotype\.decode"):
        Image.open(io.BytesIO(data))


def test_conversion_and_single_parts_of_metadata():
    palette = image(**META).convert("P")
    with pytest.raises(errors.UnsupportedMode):
        saved(Image.new("CMYK", (9, 9)))
    assert Image.open(io.BytesIO(saved(palette, convert="rgb"))).mode == "RGB"
    bare = Image.open(io.BytesIO(saved(image(**META), strip="exif,xmp")))
    assert "xmp" not in bare.info and bare.info["icc_profile"] == META["icc_profile"]
    assert bare.getexif()[0x0112] == 6  # how to turn it belongs to the pixels


@pytest.mark.parametrize("why", FAILURES)
def test_a_failed_save_leaves_the_old_file(tmp_path, why):
    """Our own save, always."""
    mode, options = FAILURES[why]
    path = tmp_path / "a.calo"
    image().save(path)
    before = path.read_bytes()
    with pytest.raises(errors.CalotypeError):
        plugin.save(Image.new(mode, (90, 70)), path, **options)
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["a.calo"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    """The new file is complete before the old one goes."""
    path = tmp_path / "a.calo"
    image().save(path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.FileError, match="can't be written"):
        plugin.save(image(), path, quality=80)
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["a.calo"]


def test_pillow_truncates_before_it_asks_us(tmp_path):
    """The twin: Image.save of every format loses the old file, and the page says so. If this fails, Pillow got better."""
    path = tmp_path / "a.calo"
    image().save(path)
    with pytest.raises(errors.UnsupportedMode):
        Image.new("CMYK", (9, 9)).save(path)
    assert path.read_bytes() == b""


def test_atomic_registration(tmp_path):
    """register(atomic=True) mends Image.save for our format, and other formats don't notice."""
    script = f"""
import sys, pathlib, io
import calotype.plugins.pillow as plugin
from PIL import Image
plugin.register(atomic=True); plugin.register(atomic=True); plugin.register()
path = pathlib.Path({str(tmp_path)!r}) / "a.calo"
Image.new("RGB", (9, 9), "red").save(path, quality=50)
before = path.read_bytes()
try:
    Image.new("CMYK", (9, 9)).save(str(path))
except OSError:
    pass
else:
    sys.exit("saved")
assert path.read_bytes() == before
Image.new("RGB", (8, 8)).save(path.with_suffix(".png"))
Image.new("RGB", (8, 8)).save(io.BytesIO(), "CALOTYPE")
Image.new("RGB", (8, 8)).save(path, "PNG")
assert Image.open(path).format == "PNG"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_registering_again_changes_nothing():
    before = (list(Image.ID), dict(Image.SAVE), dict(Image.EXTENSION))
    plugin.register()
    assert before == (list(Image.ID), dict(Image.SAVE), dict(Image.EXTENSION))
    assert Image.registered_extensions()[".calo"] == "CALOTYPE"
