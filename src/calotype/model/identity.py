"""A model's identity: SHA-256 over one canonical spelling of its decoding part. Knows no files and no networks.

What may change without changing the identity: encoder networks and floats, licence, training record, the quality dial,
the name and the recipe, the default tile side (a picture file states its own), and how the archive is packed.
Everything else that a decoder reads is hashed; docs/models.md, "Identity", is the normative text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np

from calotype.model.manifest import Manifest, canonical_json

__all__ = ["identity"]

_DOMAIN = b"calotype model identity 1"


def identity(
    manifest: Manifest, graphs: Mapping[str, bytes], tables: Mapping[str, np.ndarray], floats: Mapping[str, np.ndarray]
) -> bytes:
    """32 bytes that name the decoder of a model.

    graphs   network name -> ONNX bytes; those whose manifest entry says "encoder" are passed over
    tables   integer arrays of tables.npz
    floats   arrays of floats.npz, which the decoder needs; encoder.npz is not asked for
    """
    digest = hashlib.sha256()
    for part in _parts(manifest, graphs, tables, floats):
        # Lengths first, so that no two different sequences of parts spell the same bytes.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def _parts(
    manifest: Manifest, graphs: Mapping[str, bytes], tables: Mapping[str, np.ndarray], floats: Mapping[str, np.ndarray]
) -> Iterator[bytes]:
    yield _DOMAIN
    yield canonical_json(
        {
            "walk": manifest.walk,
            "walk_parameters": manifest.walk_parameters,
            "latents": {name: asdict(latent) for name, latent in manifest.latents.items()},
            "transform": manifest.transform,
            "halo": manifest.halo,
            "align_px": manifest.align_px,
            "planes": manifest.planes,
            "depth": manifest.depth,
            "rate_anchors": manifest.rate_anchors,
        }
    )
    for name in sorted(manifest.nets):
        net = manifest.nets[name]
        if net.part == "decoder":
            yield canonical_json(["net", name, net.exact, net.inputs, net.outputs])
            yield graphs[name]
    for kind, arrays in (("table", tables), ("float", floats)):
        for name in sorted(arrays):
            plain = np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<"))
            yield canonical_json([kind, name, plain.dtype.str, list(arrays[name].shape)])
            yield plain.tobytes()
