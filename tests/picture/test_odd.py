"""Every awkward file of the data sets: what becomes of it is written down here, and it is coded exactly or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calotype import codec, formats
from calotype.errors import CorruptError, FormatError, LimitError, TruncatedError, UnsupportedMode
from calotype.picture import Picture

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "odd"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the data sets lie beside the checkout, and are not here")

# Mode, bits and what is said of it; or the error, a word of its sentence, and the switch that helps.
TABLE: dict[str, tuple] = {
    "17x31.png": ("RGB", 8, ""),
    "1x1.png": ("RGB", 8, ""),
    "1x1_grey.png": ("L", 8, ""),
    "1x2000.png": ("RGB", 8, ""),
    "2000x1.png": ("RGB", 8, ""),
    "255x257.png": ("RGB", 8, ""),
    "3x2.png": ("RGB", 8, ""),
    "all_black.png": ("RGB", 8, ""),
    "all_white.png": ("RGB", 8, ""),
    "animated.gif": (UnsupportedMode, "6 pictures", "first-frame"),
    "animated.png": (UnsupportedMode, "3 pictures", "first-frame"),
    "animated.webp": (UnsupportedMode, "6 pictures", "first-frame"),
    "bad_crc.png": (CorruptError, "IDAT", None),
    "bilevel.png": ("1", 1, ""),
    "bilevel_g4.tif": ("1", 1, ""),
    "checker.png": ("L", 8, ""),
    "cmyk.jpg": (UnsupportedMode, "CMYK", "rgb"),
    "empty.png": (TruncatedError, "empty", None),
    **{f"exif_orientation_{turn}.jpg": ("RGB", 8, "") for turn in range(1, 9)},
    "float32.tif": (UnsupportedMode, "mode F", "8bit"),
    "garbage_tail.jpg": ("RGB", 8, ""),
    "grey.jpg": ("L", 8, ""),
    "grey.png": ("L", 8, ""),
    "grey16.png": ("L", 16, ""),
    "grey_alpha.png": ("LA", 8, ""),
    "huge_header_60000x60000.png": (LimitError, "max_pixels", None),
    "icc.png": ("RGB", 8, ""),
    "icc_display_p3.png": ("RGB", 8, ""),
    "icc_xmp_exif.jpg": ("RGB", 8, ""),
    "noise.png": ("RGB", 8, ""),
    "not_an_image.png": (FormatError, "beginning of PNG", None),
    "palette16.png": ("RGB", 8, "palette"),
    "palette_transparency.png": ("RGBA", 8, "palette"),
    "photo.avif": ("RGB", 8, ""),
    "photo.bmp": ("RGB", 8, ""),
    "photo.ppm": ("RGB", 8, ""),
    "photo.webp": ("RGB", 8, ""),
    "photo_lzw.tif": ("RGB", 8, ""),
    "progressive.jpg": ("RGB", 8, ""),
    "rgb16.png": ("RGB", 16, ""),
    "rgba16.png": ("RGBA", 16, ""),
    "rgba_garbage_under_transparent.png": ("RGBA", 8, ""),
    "rgba_soft_edge.png": ("RGBA", 8, ""),
    "subsampled_420.jpg": ("RGB", 8, ""),
    "truncated.jpg": (TruncatedError, "truncated", None),
    "truncated.png": (TruncatedError, "truncated", None),
    "wrong_extension.png": ("RGB", 8, ""),
    "pngsuite/basi2c16.png": ("RGB", 16, ""),
    "pngsuite/basi3p04.png": ("RGB", 8, "palette"),
    "pngsuite/basi6a16.png": ("RGBA", 16, ""),
    "pngsuite/basn0g01.png": ("1", 1, ""),
    "pngsuite/basn0g02.png": ("L", 8, "grey of 2 bits"),
    "pngsuite/basn0g04.png": ("L", 8, "grey of 4 bits"),
    "pngsuite/basn0g08.png": ("L", 8, ""),
    "pngsuite/basn0g16.png": ("L", 16, ""),
    "pngsuite/basn2c08.png": ("RGB", 8, ""),
    "pngsuite/basn2c16.png": ("RGB", 16, ""),
    "pngsuite/basn3p01.png": ("RGB", 8, "palette"),
    "pngsuite/basn3p02.png": ("RGB", 8, "palette"),
    "pngsuite/basn3p04.png": ("RGB", 8, "palette"),
    "pngsuite/basn3p08.png": ("RGB", 8, "palette"),
    "pngsuite/basn4a08.png": ("LA", 8, ""),
    "pngsuite/basn4a16.png": ("LA", 16, ""),
    "pngsuite/basn6a08.png": ("RGBA", 8, ""),
    "pngsuite/basn6a16.png": ("RGBA", 16, ""),
    "pngsuite/g03n2c08.png": ("RGB", 8, "gamma of 0.35"),
    "pngsuite/s01n3p01.png": ("RGB", 8, "palette"),
    "pngsuite/s07i3p02.png": ("RGB", 8, "palette"),
    "pngsuite/s39n3p04.png": ("RGB", 8, "palette"),
    "pngsuite/tbbn3p08.png": ("RGBA", 8, "transparency"),
    "pngsuite/tbrn2c08.png": ("RGBA", 8, "transparent colour"),
    "pngsuite/tp1n3p08.png": ("RGBA", 8, "transparency"),
    "pngsuite/xcsn0g01.png": (CorruptError, "IDAT", None),
    "pngsuite/xd0n2c08.png": (FormatError, "PNG picture", None),
    "pngsuite/xdtn0g01.png": (FormatError, "PNG picture", None),
    "pngsuite/xhdn0g08.png": (FormatError, "checksum", None),
    "pngsuite/xs1n0g01.png": (FormatError, "beginning of PNG", None),
}
GOOD = [name for name, row in TABLE.items() if isinstance(row[0], str)]
SMALL_PX = 5_000  # larger ones are cut, which keeps the test quick and their modes as they are


def test_every_file_is_in_the_table():
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert {name for name in files if Path(name).suffix not in (".md", ".txt") and "." in name} == set(TABLE)


@pytest.mark.parametrize("name", [name for name in TABLE if name not in GOOD])
def test_refused_by_name(name):
    """With a typed error, and where a switch helps, with that switch, which then does."""
    error, word, switch = TABLE[name]
    with pytest.raises(error, match=word) as caught:
        formats.read(FOLDER / name)
    if switch:
        assert f"--convert {switch}" in str(caught.value)
        assert "converted as asked" in formats.read(FOLDER / name, convert=switch).left_out[0]


@pytest.mark.parametrize("name", GOOD)
def test_a_round_trip(name):
    """Mode, depth, every sample and all metadata; the PNG that is written at the end holds them, too."""
    mode, bits, said = TABLE[name]
    picture = formats.read(FOLDER / name)
    assert (picture.mode, picture.depth_bits) == (mode, bits)
    assert said in " ".join(picture.left_out)
    if picture.width_px * picture.height_px > SMALL_PX:
        picture = Picture(
            picture.pixels[40:100, 60:140], exif=picture.exif, icc=picture.icc, xmp=picture.xmp, bilevel=picture.bilevel
        )
    data = codec.encode(picture, None, lossless=True)
    found = codec.decode(data)
    assert (found.mode, found.depth_bits) == (mode, bits) and np.array_equal(found.pixels, picture.pixels)
    assert (found.exif, found.icc, found.xmp) == (picture.exif, picture.icc, picture.xmp)
    again = formats.read(formats.write(found, ".png")[0])
    assert (again.mode, again.depth_bits) == (mode, bits) and np.array_equal(again.pixels, picture.pixels)
    assert (again.exif, again.icc, again.xmp) == (picture.exif, picture.icc, picture.xmp)


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientations_are_kept_and_never_applied(turn):
    picture = formats.read(FOLDER / f"exif_orientation_{turn}.jpg")
    assert picture.orientation == turn
    assert picture.pixels.shape[:2] == ((120, 160) if turn <= 4 else (160, 120))
