"""Samples of a tile to bytes and back without loss, in integers only: no model file, no network, no pictures.

One tile, one stream, one keyed check. The stream's first byte says which of the ways of coding was the shortest;
docs/format-lossless.md defines them all.
"""

from __future__ import annotations

from calotype.lossless.tile import check_of, decode_tile, encode_tile, spent_in

__all__ = ["check_of", "decode_tile", "encode_tile", "spent_in"]
