"""A `.calomodel` file <-> a `Model`: networks, integer tables and floats as one frozen object. Where it lies is store.py's.

The archive holds manifest.json, nets/<name>.onnx, tables.npz (integers: banks and rows), floats.npz (what the decoder
needs besides) and encoder.npz. docs/models.md is the normative description.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from calotype.errors import CalotypeError, FileError, ModelError, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import archive
from calotype.model.identity import identity
from calotype.model.manifest import Manifest
from calotype.model.runtime import Nets, Network

if TYPE_CHECKING:
    from calotype.coding.tables import TableBank

__all__ = ["Model", "build", "named", "peek", "read", "write"]

RATES = 1023  # the largest rate index; indices are interpolated in units of 1/1023 between anchors
_ARRAYS = ("tables.npz", "floats.npz", "encoder.npz")


@dataclass(frozen=True, eq=False)
class Model:
    """A frozen model; made by `read` or `build`, which check it, and shared between threads.

    name       what the user calls it
    identity   32 bytes; a picture file names the first 8
    graphs     network name -> ONNX bytes
    tables     integer arrays "bank/<bank>/<array>" and "rows/<name>" (int32 [anchors, channels])
    decoder_floats, encoder_floats   arrays of floats.npz and encoder.npz
    """

    name: str
    identity: bytes
    manifest: Manifest
    graphs: Mapping[str, bytes]
    tables: Mapping[str, np.ndarray]
    decoder_floats: Mapping[str, np.ndarray]
    encoder_floats: Mapping[str, np.ndarray]
    _networks: dict[str, Network] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __repr__(self) -> str:
        return f"Model({self.name}, {self.identity[:8].hex()}, {self.manifest.recipe}, {len(self.graphs)} networks)"

    @cached_property
    def banks(self) -> Mapping[str, TableBank]:
        """Table banks by name, built on first use; ModelError where the arrays are no tables."""
        from calotype.coding.tables import TableBank

        return MappingProxyType({name: TableBank.from_arrays(arrays) for name, arrays in _grouped(self.tables).items()})

    def rows(self, name: str, rate_indices: np.ndarray) -> np.ndarray:
        """Integer rows at these rates: float32 [b, c, 1, 1], interpolated between anchors in integers alone.

        rate_indices   int [b], 0..1023
        """
        anchors = self._array(self.tables, f"rows/{name}").astype(np.int64)  # n c
        rates = _rates(rate_indices)
        lower, weight = np.divmod(rates * (len(anchors) - 1), RATES)
        upper = np.minimum(lower + 1, len(anchors) - 1)
        weight = weight[:, None]
        row = (anchors[lower] * (RATES - weight) + anchors[upper] * weight + RATES // 2) // RATES  # floor: b c
        return row.astype(np.float32)[:, :, None, None]

    def nearest(self, name: str, rate_indices: np.ndarray) -> np.ndarray:
        """Integer rows at the anchors nearest to these rates, for rows that can't be interpolated: float32 [b, c, 1, 1]."""
        anchors = self._array(self.tables, f"rows/{name}")
        place = (_rates(rate_indices) * (len(anchors) - 1) + RATES // 2) // RATES
        return anchors[place].astype(np.float32)[:, :, None, None]

    def table(self, name: str) -> np.ndarray:
        """The integers stored as "rows/<name>" as they are, for what no rate changes: [rows, columns], read-only."""
        array = self._array(self.tables, f"rows/{name}").view()
        array.setflags(write=False)
        return array

    def floats(self, name: str, rate_index: int | np.ndarray = 0) -> np.ndarray:
        """A float array of the decoder or the encoder; where it is stored as "anchors/<name>", [n, ...], interpolated.

        rate_index   0..1023, or int [b] for [b, ...] at once
        returns      float32
        """
        arrays = {**self.encoder_floats, **self.decoder_floats}
        if f"anchors/{name}" not in arrays:
            return self._array(arrays, name).astype(np.float32, copy=False)
        anchors = arrays[f"anchors/{name}"].astype(np.float64)
        lower, weight = np.divmod(_rates(rate_index) * (len(anchors) - 1), RATES)
        upper = np.minimum(lower + 1, len(anchors) - 1)
        share = (weight / RATES).reshape(-1, *([1] * (anchors.ndim - 1)))
        blend = (anchors[lower] * (1 - share) + anchors[upper] * share).astype(np.float32)
        return blend if np.ndim(rate_index) else blend[0]

    def net(self, name: str) -> Network:
        """The network of this name: call it on arrays, get an array or a tuple of them. Its session starts lazily."""
        with self._lock:
            if name not in self._networks:
                if name not in self.graphs:
                    raise ModelError(f"model {self.name} has no network", wanted=name, found=", ".join(self.graphs))
                entry = self.manifest.nets[name]
                self._networks[name] = Network(
                    self.graphs[name], name=name, inputs=entry.inputs, outputs=entry.outputs, exact=entry.exact
                )
            return self._networks[name]

    def nets(
        self, rate_indices: np.ndarray, pool: Executor | None = None, *, checked: bool = False, shared: bytes = b""
    ) -> Nets:
        """What a walk calls `nets`: networks as attributes, run row by row on `pool`, and `rows(name)` at these rates.

        rate_indices   int [b], one for each row of the batch
        checked        for tests of walks: raise ModelError where an exact network is given values outside the ranges
                       that its proof assumed
        shared         what the walk's `prepare` returned for the picture, for walks that have one
        """
        return Nets(self, _rates(rate_indices), pool, checked=checked, shared=shared)

    def warm(self, pool: Executor | None = None, part: str = "decoder") -> None:
        """Create the sessions of `part` ("decoder", "encoder" or "all") now; on `pool` if there is one, and waited for."""
        networks = [self.net(name) for name, net in self.manifest.nets.items() if part in ("all", net.part)]
        starts = [network.start for network in networks]
        if pool is None:
            for start in starts:
                start()
        else:
            for future in [pool.submit(start) for start in starts]:
                future.result()

    def _array(self, arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
        try:
            return arrays[name]
        except KeyError:
            raise ModelError(f"model {self.name} has no array", wanted=name, found=", ".join(arrays)) from None


def build(
    manifest: Manifest,
    *,
    graphs: Mapping[str, bytes],
    banks: Mapping[str, TableBank] | None = None,
    rows: Mapping[str, np.ndarray] | None = None,
    floats: Mapping[str, np.ndarray] | None = None,
    encoder: Mapping[str, np.ndarray] | None = None,
) -> Model:
    """A model from its parts; its identity is computed and written into the manifest.

    manifest   members and identity may be empty
    banks      table banks by name            rows      int32 [anchors, channels] by name
    floats     what the decoder needs         encoder   what only the encoder needs; names "anchors/..." are interpolated
    """
    tables = {
        f"bank/{name}/{key}": array for name, bank in (banks or {}).items() for key, array in bank.arrays().items()
    }
    tables |= {f"rows/{name}": np.asarray(array, np.int32) for name, array in (rows or {}).items()}
    return _assemble(manifest, dict(graphs), tables, dict(floats or {}), dict(encoder or {}))


def write(model: Model) -> bytes:
    """The bytes of a .calomodel file; the same model gives the same bytes."""
    members = _members(model)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = replace(model.manifest, members=digests, identity=model.identity.hex())
    return archive.pack(members | {"manifest.json": manifest.to_bytes()})


def read(source: bytes | Path | str, limits: Limits = DEFAULT) -> Model:
    """A model from the bytes of a .calomodel file, or from its path. Digests and identity are checked, networks not run.

    raises   ModelError (damaged, inconsistent), LimitError, UnsupportedError (newer format), FileError (path)
    """
    members = archive.unpack(_bytes(source, limits), limits)
    if "manifest.json" not in members:
        raise ModelError("the archive has no manifest.json")
    manifest = Manifest.from_bytes(members.pop("manifest.json"))
    _check_digests(manifest, members)
    arrays = {file: archive.arrays_from_bytes(members[file], limits) if file in members else {} for file in _ARRAYS}
    graphs = {name: members[net.file] for name, net in manifest.nets.items() if net.file in members}
    return _assemble(manifest, graphs, *(arrays[file] for file in _ARRAYS))


def peek(source: bytes | Path | str, limits: Limits = DEFAULT) -> Manifest:
    """The manifest alone, unchecked against the rest: for listings, never for decoding."""
    if isinstance(source, bytes):
        return Manifest.from_bytes(archive.member(io.BytesIO(source), "manifest.json", limits))
    try:
        with Path(source).open("rb") as stream:
            return Manifest.from_bytes(archive.member(stream, "manifest.json", limits))
    except OSError as exc:
        if isinstance(exc, CalotypeError):
            raise
        raise FileError(source, exc.strerror or str(exc)) from exc


def named(model: Model, name: str) -> Model:
    """The same model under the name by which the user's store knows it; sessions are shared."""
    return replace(model, name=name)


def _assemble(
    manifest: Manifest,
    graphs: dict[str, bytes],
    tables: dict[str, np.ndarray],
    floats: dict[str, np.ndarray],
    encoder: dict[str, np.ndarray],
) -> Model:
    """The one place where a Model is made: parts complete, integers integer, identity as claimed."""
    if set(graphs) != set(manifest.nets):
        raise ModelError("networks", wanted=", ".join(sorted(manifest.nets)), found=", ".join(sorted(graphs)))
    for name, array in tables.items():
        if array.dtype.kind not in "iu" or not name.startswith(("bank/", "rows/")):
            raise ModelError(f"tables.npz: {name}", wanted="integers named bank/... or rows/...", found=array.dtype)
        if name.startswith("rows/") and (
            array.ndim != 2 or array.shape[0] == 0 or np.abs(array, dtype=np.int64).max(initial=0) >= 2**23
        ):
            raise ModelError(f"tables.npz: {name}", wanted="[anchors, channels] within 2**23", found=array.shape)
    for name, array in [*floats.items(), *encoder.items()]:
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ModelError(f"floats: {name}", wanted="finite floats", found=array.dtype)
    own = identity(manifest, graphs, tables, floats)
    if manifest.identity and manifest.identity != own.hex():
        raise ModelError("the model is not the one its manifest names", wanted=manifest.identity, found=own.hex())
    said = replace(manifest, identity=own.hex())
    frozen = (MappingProxyType(tables), MappingProxyType(floats), MappingProxyType(encoder))
    return Model(manifest.name, own, said, MappingProxyType(graphs), frozen[0], frozen[1], frozen[2])


def _members(model: Model) -> dict[str, bytes]:
    members = {model.manifest.nets[name].file: graph for name, graph in model.graphs.items()}
    for file, arrays in zip(_ARRAYS, (model.tables, model.decoder_floats, model.encoder_floats), strict=True):
        if arrays:
            members[file] = archive.arrays_to_bytes(arrays)
    return members


def _check_digests(manifest: Manifest, members: Mapping[str, bytes]) -> None:
    known = {net.file for net in manifest.nets.values()} | set(_ARRAYS)
    if set(members) != set(manifest.members) or not set(members) <= known:
        odd = set(members) ^ set(manifest.members) or set(members) - known
        raise ModelError("members of the archive are not those of the manifest", found=", ".join(sorted(odd)))
    for name, data in members.items():
        found = hashlib.sha256(data).hexdigest()
        if found != manifest.members[name]:
            raise ModelError(f"member {name} is damaged", wanted=manifest.members[name], found=found)


def _bytes(source: bytes | Path | str, limits: Limits) -> bytes:
    if isinstance(source, bytes):
        return source
    path = Path(source)
    try:
        limits.spend("max_model_bytes", path.stat().st_size, "model bytes")
        return path.read_bytes()
    except OSError as exc:
        if isinstance(exc, CalotypeError):
            raise
        raise FileError(path, exc.strerror or str(exc)) from exc


def _grouped(tables: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    banks: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tables.items():
        if name.startswith("bank/"):
            bank, _, key = name.removeprefix("bank/").rpartition("/")
            banks.setdefault(bank, {})[key] = array
    return banks


def _rates(rate_indices: Any) -> np.ndarray:
    rates = np.atleast_1d(np.asarray(rate_indices))
    if rates.dtype.kind not in "iu" or rates.ndim != 1 or rates.size == 0 or rates.min() < 0 or rates.max() > RATES:
        raise UsageError("rate index", value=rate_indices, allowed=f"integers from 0 to {RATES}")
    return rates.astype(np.int64)
