"""Pillow opens and saves .calo files after `import calotype.plugins.pillow`. Pixels are coded by calotype.codec.

    Image.open("a.calo")                      reads the header and metadata only; pixels are decoded when needed
    image.save("a.calo", quality=60)          or size=, bpp=, psnr=, ms_ssim=, ssimulacra2=, lossless=
    calotype.plugins.pillow.save(image, ...)  the same, and a file that was there stays until the new one is whole

docs/plugins.md has the options. NumPy and onnxruntime are loaded when the first picture is decoded or encoded.
"""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import IO, Any, cast

from PIL import Image, ImageFile

from calotype import container, writing
from calotype import exif as exif_blocks
from calotype.container import Colour, Header
from calotype.errors import FileError, UnsupportedError, UsageError

__all__ = ["EXTENSION", "FORMAT", "MIME", "CalotypeImageFile", "register", "save"]

FORMAT, EXTENSION, MIME = "CALOTYPE", ".calo", "image/x-calotype"
_CODING = (
    "quality",
    "size",
    "bpp",
    "psnr",
    "ms_ssim",
    "ssimulacra2",
    "best_effort",
    "lossless",
    "check",
    "model",
    "effort",
    "threads",
)
_METADATA = ("exif", "icc_profile", "xmp", "dpi", "comment", "strip", "convert")
_PILLOWS_OWN = ("save_all", "append")  # words that Image.save itself understands
_register = threading.Lock()


class CalotypeImageFile(ImageFile.ImageFile):
    """A .calo file. `mode`, `size` and `info` are there at once, pixels after `load()`.

    info   exif, icc_profile, xmp, dpi, comment where the file has them; lossless, quality where it states them
    """

    format = FORMAT
    format_description = "Calotype learned image compression"
    _decoding: threading.Lock | None = None  # None: there is nothing to decode (loaded, or made by pickle)

    def _open(self) -> None:
        assert self.fp is not None
        header, said = container.read_front(cast("Any", self.fp))
        self._mode, self._size = _mode_of(header), (header.width_px, header.height_px)
        self.info = _info_of(header, said)
        # Something for Pillow to see; no decoder of Pillow's is called by this name.
        self.tile = [ImageFile._Tile("calotype", (0, 0, *self._size), 0, self._mode)]
        self._decoding = threading.Lock()

    def load(self) -> Image.core.PixelAccess | None:
        """Decode the pixels once; several threads may ask at a time.

        errors   those of calotype.decode, all of which are OSErrors
        """
        lock = self._decoding
        if lock is not None:
            with lock:
                if self._decoding is not None:
                    self._decode()
                    self._decoding = None
        return Image.Image.load(self)

    def _decode(self) -> None:
        from calotype import codec

        if self.fp is None or self.fp.closed:
            raise ValueError("Operation on closed image")
        self.fp.seek(0)
        decoded = codec.decode(self.fp.read()).to_pillow()
        if (decoded.mode, decoded.size) != (self.mode, self.size):
            raise UnsupportedError("picture mode", found=decoded.mode, supported=f"{self.mode} in Pillow")
        self.im, self.tile, self.readonly = decoded.im, [], 0
        if self._exclusive_fp:
            self.fp.close()
            self.fp = None

    def verify(self) -> None:
        """Check every checksum of the file, without decoding; afterwards the image can't be used.

        errors   CorruptError, TruncatedError and others of calotype.verify, which decodes besides
        """
        if self.fp is None:
            raise RuntimeError("verify must be called directly after open")
        self.fp.seek(0)
        container.parse(self.fp.read())
        if self._exclusive_fp:
            self.fp.close()
        self.fp = None

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> None:
        """Nothing: no smaller picture can be decoded faster than the whole in this release."""


def register(*, atomic: bool = False) -> None:
    """Make Pillow know .calo files; once is enough, again does nothing. Importing this module calls it.

    atomic   also replace `Image.Image.save` for this format (others go on to Pillow's own), so that a save that fails
             leaves an existing file as it was: Pillow truncates it before it asks us. `save` does the same by itself
    """
    with _register:
        Image.register_open(FORMAT, CalotypeImageFile, _accept)
        Image.register_save(FORMAT, _save)
        Image.register_extension(FORMAT, EXTENSION)
        Image.register_mime(FORMAT, MIME)
        if atomic and not hasattr(Image.Image.save, "_calotype"):
            _replace_save()


def save(image: Image.Image, path: str | os.PathLike[str], **options: Any) -> None:
    """Write an image as a .calo file, whole or not at all; a file that is there stays until the new one is complete.

    options   as of `image.save(path, "CALOTYPE", ...)`
    errors    those of calotype.encode; FileError where the file system refuses
    """
    data = _encoded(image, options)
    target = Path(os.path.realpath(os.fspath(path)))
    try:
        writing.appear(target, data, replace=True)
    except OSError as error:
        raise FileError(path, f"can't be written: {error.strerror or error}") from error


def _replace_save() -> None:
    """Put a function before `Image.Image.save` that writes our format by `save`."""
    before = Image.Image.save

    def saved(self: Image.Image, fp: Any, format: str | None = None, **params: Any) -> None:
        named = isinstance(fp, (str, os.PathLike))
        ours = format.upper() == FORMAT if format else named and Path(fp).suffix.lower() == EXTENSION
        if not (named and ours):
            return before(self, fp, format, **params)
        self.load()
        return save(self, fp, **{**params, **getattr(self, "encoderinfo", {})})

    saved._calotype = True  # type: ignore[attr-defined]
    saved.__doc__ = before.__doc__
    Image.Image.save = saved  # type: ignore[method-assign]


def _accept(prefix: bytes) -> bool:
    """Pillow shows the first 16 bytes."""
    return container.is_calotype(prefix)


def _save(image: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    fp.write(_encoded(image, image.encoderinfo))
    if hasattr(fp, "flush"):
        fp.flush()


def _encoded(image: Image.Image, options: dict[str, Any]) -> bytes:
    """The file of an image and save's options."""
    import calotype

    unknown = sorted(set(options) - {*_CODING, *_METADATA, *_PILLOWS_OWN})
    if unknown:
        warnings.warn(f"calotype has no option {', '.join(unknown)}; it is without effect", stacklevel=4)
    coding = {name: options[name] for name in _CODING if options.get(name) is not None}
    return calotype.encode(_picture(image, options), **coding)


def _picture(image: Image.Image, options: dict[str, Any]) -> Any:
    """The picture with the metadata that is to be written: what options say, else the image's own `info`."""
    from dataclasses import replace

    from calotype.picture import EXIF_PREFIX, Picture

    picture = Picture.of(image, convert=options.get("convert"))
    strip = options.get("strip")
    if strip:
        names = strip.split(",") if isinstance(strip, str) else strip
        picture = picture.stripped() if names is True or "all" in names else picture.stripped(names)
    given: dict[str, Any] = {}
    for option, field in (("exif", "exif"), ("icc_profile", "icc"), ("xmp", "xmp")):
        if option in options:
            given[field] = _bytes(option, options[option])
    if "exif" in given:
        given["exif"] = given["exif"].removeprefix(EXIF_PREFIX)
    if options.get("dpi"):
        given["dpi"] = tuple(float(side) for side in options["dpi"])
    if "comment" in options:
        given["comments"] = (options["comment"],) if options["comment"] else ()
    return replace(picture, **given) if given else picture


def _bytes(option: str, value: Any) -> bytes:
    """Metadata as Pillow's users give it: bytes, text, Image.Exif, or None for none."""
    if value is None:
        return b""
    if isinstance(value, Image.Exif):
        return value.tobytes()
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise UsageError(option, value=type(value).__name__, allowed="bytes")


def _mode_of(header: Header) -> str:
    """Pillow's mode of a picture, from its plane groups."""
    groups = [(group.colour, group.planes * group.repeats, group.depth) for group in header.plane_groups]
    alpha = len(groups) == 2 and groups[1][0] == Colour.ALPHA and groups[1][2] == groups[0][2]
    colour, planes, depth = groups[0]
    modes = {
        (Colour.SRGB, 3, 8): "RGB",
        (Colour.GREY, 1, 8): "L",
        (Colour.GREY, 1, 1): "1",
        (Colour.GREY, 1, 16): "I;16",
    }
    mode = modes.get((Colour(colour), planes, depth))
    if mode is None or len(groups) > 1 + alpha or (alpha and mode not in ("RGB", "L")):
        said = " and ".join(f"{planes} x {depth} bits" for _, planes, depth in groups)
        hint = "Pillow has no such mode; calotype.decode gives the array"
        raise UnsupportedError("planes", found=said, supported="1, L, LA, RGB, RGBA, I;16", hint=hint)
    return mode + ("A" if alpha else "")


def _info_of(header: Header, said: container.Metadata) -> dict[str | tuple[int, int], Any]:
    """What the file says besides pixels, as Pillow's formats name it."""
    info: dict[str | tuple[int, int], Any] = {}
    exif = _turned(said.exif or b"", said.orientation)
    if exif:
        info["exif"] = b"Exif\0\0" + exif
    if said.icc:
        info["icc_profile"] = said.icc
    if said.xmp:
        info["xmp"] = said.xmp
    if said.resolution:
        info["dpi"] = said.resolution.dpi
    if said.comments:
        info["comment"] = "\n".join(said.comments)
    if header.lossless:
        info["lossless"] = True
    elif header.quality is not None:
        info["quality"] = header.quality
    return info


def _turned(exif: bytes, orientation: int | None) -> bytes:
    """EXIF that says the orientation where the file says it elsewhere; Pillow looks nowhere else."""
    if orientation is None or exif_blocks.orientation_of(exif) == orientation:
        return exif
    changed = exif_blocks.with_orientation(exif, orientation)
    return changed if exif_blocks.orientation_of(changed) == orientation else exif_blocks.minimal(orientation)


register()
