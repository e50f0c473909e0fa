"""What a reader of foreign bytes may spend: an argument of everything that parses, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import LimitError

__all__ = ["DEFAULT", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds that a reader checks before it allocates; raise one by passing your own.

    max_pixels           width times height of a picture
    max_samples          pixels times planes
    max_chunks           chunks of a file
    max_tiles            tiles of a picture
    max_tile_px          side of a tile: a tile is decoded at once, at about 60 bytes a pixel. Where tiles are coded without a
                         model, of a square of as many pixels: those of thin pictures are long
    max_chunk_bytes      payload of one chunk
    max_metadata_bytes   all EXIF, ICC, XMP and other ancillary payloads together
    max_model_bytes      a .calomodel file, and all its members unpacked
    """

    max_pixels: int = 2**28
    max_samples: int = 2**30
    max_chunks: int = 2**16
    max_tiles: int = 2**16
    max_tile_px: int = 2048
    max_chunk_bytes: int = 2**30
    max_metadata_bytes: int = 2**26
    max_model_bytes: int = 2**28

    def spend(self, field: str, value: int, quantity: str = "") -> int:
        """Return `value`, or raise LimitError if it is above the limit named `field`."""
        limit = getattr(self, field)
        if value > limit:
            raise LimitError(
                quantity or field.removeprefix("max_").replace("_", " "), value=value, limit=limit, field=field
            )
        return value


DEFAULT = Limits()
