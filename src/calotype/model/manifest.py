"""What a model says of itself: manifest.json <-> frozen data, every field checked. Neither archives nor networks here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from calotype.errors import ModelError, UnsupportedError

__all__ = ["FORMAT_VERSION", "Latent", "Manifest", "Net", "canonical_json"]

FORMAT_VERSION = 1
MAX_NETS = 1024
MAX_LATENTS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Range = tuple[float, float, int] | str


@dataclass(frozen=True, slots=True)
class Latent:
    """One array of latents: [b, channels, ceil(H / stride), ceil(W / stride)] for a tile of H x W pixels.

    low, high   inclusive range of its values, in units of 1; values are multiples of 1/16
    coded       False for an array that a walk derives and the synthesis needs
    """

    channels: int
    stride: int
    low: int
    high: int
    coded: bool = True


@dataclass(frozen=True, slots=True)
class Net:
    """One network of the model.

    file      member of the archive, "nets/<name>.onnx"
    exact     integers in, integers out: proved when the model is added
    part      "decoder" (belongs to the identity) or "encoder"
    ranges    exact networks only, for every input: (low, high, fraction bits), or "latents/<name>" (its range in
              sixteenths), or "rows/<name>" (the range of these rows, per channel)
    """

    file: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    exact: bool = False
    part: str = "decoder"
    ranges: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """manifest.json of a .calomodel file; docs/models.md describes each field.

    quality_map      (quality, rate index) pairs, ascending in both: a piecewise linear dial
    promise          (quality, PSNR in dB) pairs, ascending in quality: what nearly all photographs reach; () is none
    rate_anchors     trained rates that gains and rows are interpolated between
    halo             pixels a window needs beyond its border, or "tile": as far as the tile reaches
    members          SHA-256 of every other member, in hex
    identity         what the model's own bytes must hash to (docs/models.md, "Identity"), in hex
    """

    name: str
    recipe: str
    walk: str
    latents: Mapping[str, Latent]
    nets: Mapping[str, Net]
    walk_parameters: Mapping[str, Any] = field(default_factory=dict)
    transform: Mapping[str, Any] = field(default_factory=dict)
    halo: int | str = 0
    align_px: int = 64
    tile_px: int = 512
    planes: int = 3
    depth: int = 8
    rate_anchors: int = 1
    quality_map: tuple[tuple[float, int], ...] = ((1.0, 0), (100.0, 1023))
    promise: tuple[tuple[float, float], ...] = ()
    licence: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    members: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""

    def __post_init__(self) -> None:
        for free in ("walk_parameters", "transform", "training"):
            # As it will be read back: tuples are lists, keys are text. Otherwise the identity could change on reading.
            object.__setattr__(self, free, _plain(free, getattr(self, free)))
        _check(self)

    @property
    def exact_nets(self) -> tuple[str, ...]:
        """Names of the networks that must be exact, sorted."""
        return tuple(sorted(name for name, net in self.nets.items() if net.exact))

    def to_bytes(self) -> bytes:
        """manifest.json: UTF-8, keys sorted, two spaces; the same manifest gives the same bytes."""
        said = asdict(self) | {"exact_nets": list(self.exact_nets)}
        return (json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The inverse of `to_bytes`; raises ModelError with the field's name, UnsupportedError on a newer format."""
        try:
            said = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise ModelError("manifest.json is not JSON", found=exc) from exc
        if not isinstance(said, dict):
            raise ModelError("manifest.json", wanted="an object", found=type(said).__name__)
        version = said.get("format_version")
        if version != FORMAT_VERSION:
            raise UnsupportedError(
                "model format", found=version, supported=FORMAT_VERSION, hint="a newer calotype may read it"
            )
        said.pop("exact_nets", None)
        try:
            said["latents"] = {name: Latent(**entry) for name, entry in said["latents"].items()}
            said["nets"] = {name: _net(entry) for name, entry in said["nets"].items()}
            said["quality_map"] = tuple((quality, rate) for quality, rate in said["quality_map"])
            said["promise"] = tuple((quality, psnr) for quality, psnr in said.get("promise", ()))
            return cls(**said)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(
                "manifest.json lacks a field, has an unknown one, or one of another kind", found=exc
            ) from exc


def canonical_json(value: object) -> bytes:
    """JSON with one spelling: keys sorted, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _net(entry: dict[str, Any]) -> Net:
    ranges = {
        name: value if isinstance(value, str) else tuple(value) for name, value in entry.pop("ranges", {}).items()
    }
    return Net(inputs=tuple(entry.pop("inputs")), outputs=tuple(entry.pop("outputs")), ranges=ranges, **entry)


def _wrong(place: str, wanted: object, found: object) -> ModelError:
    return ModelError(f"manifest: {place}", wanted=wanted, found=found)


def _plain(place: str, value: object) -> Any:
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        raise _wrong(place, "numbers, text, lists and objects as JSON knows them", exc) from exc
    if not isinstance(plain, dict):
        raise _wrong(place, "an object", value)
    return plain


def _whole(place: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(place, f"an integer from {low} to {high}", value)


def _named(place: str, value: object) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _wrong(place, "1 to 64 letters, digits, '_', '.', '-'", value)


def _check(manifest: Manifest) -> None:
    """Every field within docs/models.md, before anything is allocated from it."""
    _named("name", manifest.name)
    _named("recipe", manifest.recipe)
    _named("walk", manifest.walk)
    _whole("align_px", manifest.align_px, 1, 4096)
    _whole("tile_px", manifest.tile_px, 1, 65536)
    _whole("planes", manifest.planes, 1, 65535)
    _whole("depth", manifest.depth, 1, 32)
    _whole("rate_anchors", manifest.rate_anchors, 1, 1024)
    if manifest.halo != "tile":
        _whole("halo", manifest.halo, 0, 65536)
    if len(manifest.nets) > MAX_NETS or len(manifest.latents) > MAX_LATENTS:
        raise _wrong(
            "nets and latents",
            f"at most {MAX_NETS} and {MAX_LATENTS}",
            f"{len(manifest.nets)}, {len(manifest.latents)}",
        )
    for name, latent in manifest.latents.items():
        _named("name of latents", name)
        _whole(f"{name}.channels", latent.channels, 1, 65536)
        _whole(f"{name}.stride", latent.stride, 1, 65536)
        _whole(f"{name}.low", latent.low, -(2**20), 2**20)
        _whole(f"{name}.high", latent.high, latent.low, 2**20)
    for name, net in manifest.nets.items():
        _named("name of a network", name)
        _check_net(name, net, manifest)
    for file, digest in manifest.members.items():
        if not _SHA256.fullmatch(digest):
            raise _wrong(f"digest of {file}", "64 hexadecimal digits", digest)
    if manifest.identity and not _SHA256.fullmatch(manifest.identity):
        raise _wrong("identity", "64 hexadecimal digits", manifest.identity)
    _check_quality_map(manifest.quality_map)
    qualities = [quality for quality, _ in manifest.promise]
    if qualities != sorted(set(qualities)) or not all(0 <= psnr <= 100 for _, psnr in manifest.promise):
        raise _wrong("promise", "ascending qualities, each with 0 to 100 dB", manifest.promise)


def _check_net(name: str, net: Net, manifest: Manifest) -> None:
    if net.file != f"nets/{name}.onnx":
        raise _wrong(f"file of {name}", f"nets/{name}.onnx", net.file)
    if net.part not in ("decoder", "encoder"):
        raise _wrong(f"part of {name}", "decoder or encoder", net.part)
    if not net.inputs or not net.outputs:
        raise _wrong(f"inputs and outputs of {name}", "at least one of each", f"{net.inputs}, {net.outputs}")
    if net.exact and set(net.ranges) != set(net.inputs):
        raise _wrong(f"ranges of {name}", f"one for each of {', '.join(net.inputs)}", ", ".join(net.ranges))
    for key, value in net.ranges.items():
        if isinstance(value, str):
            kind, _, of = value.partition("/")
            if kind not in ("latents", "rows") or (kind == "latents" and of not in manifest.latents):
                raise _wrong(f"range of {name}.{key}", "latents/<name> or rows/<name>", value)
        elif len(value) != 3 or not all(math.isfinite(v) for v in value) or not value[0] <= value[1]:
            raise _wrong(f"range of {name}.{key}", "(low, high, fraction bits)", value)
        else:
            _whole(f"fraction bits of {name}.{key}", value[2], 0, 23)


def _check_quality_map(pairs: tuple[tuple[float, int], ...]) -> None:
    if not pairs:
        raise _wrong("quality_map", "at least one pair", pairs)
    for quality, rate in pairs:
        _whole("rate index of quality_map", rate, 0, 1023)
        if not 0 <= quality <= 100:
            raise _wrong("quality of quality_map", "0 to 100", quality)
    if (
        list(pairs) != sorted(pairs)
        or len({quality for quality, _ in pairs}) != len(pairs)
        or [rate for _, rate in pairs] != sorted(rate for _, rate in pairs)
    ):
        raise _wrong("quality_map", "ascending qualities and rate indices", pairs)
