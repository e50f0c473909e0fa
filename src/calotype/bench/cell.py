"""What happens inside a measured process: one encode, one decode, one comparison; no process is started here.

Arrays and files travel through a folder, so that a process holds exactly what it needs: its input and the codec.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from calotype.bench import codecs
from calotype.bench.codecs import Codec
from calotype.bench.memory import Peak
from calotype.errors import CalotypeError, UsageError

__all__ = ["TASKS", "codec_of", "said_of"]

# Work of fewer CPU seconds is done twice, and the quicker time counts: the first one also loads libraries and models.
AGAIN_BELOW_CPU_S = 1.0


def codec_of(name: str) -> Codec:
    """A codec by name, path of a model, or "module:attribute", which is how anybody's own codec comes in.

    The module is looked for in the current folder too; the attribute is a codec, or a class or function without
    arguments that gives one.

    errors   UsageError for what is no codec, ExtraMissing where a library is absent
    """
    module, mark, attribute = name.partition(":")
    if not mark or not module.replace(".", "").replace("_", "").isalnum() or not attribute.isidentifier():
        return codecs.get(name)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError("codec", value=name, allowed=f"module:attribute that can be imported ({error})") from error
    if callable(found) and not (isinstance(found, Codec) and not isinstance(found, type)):
        found = found()
    if not isinstance(found, Codec):
        raise UsageError("codec", value=name, allowed="what has name, levels, encode, decode, ... (docs/bench.md)")
    return found


def encode(codec: Codec, *, pixels: str, file: str, level: float, threads: int) -> dict[str, Any]:
    """Encode the array of one .npy file into another file."""
    original = np.load(pixels)
    data, said = _measured(lambda: codec.encode(original, level, threads))
    if not isinstance(data, (bytes, bytearray, memoryview)) or not len(data):
        raise WrongResult(f"encode returned {_kind(data)} instead of the bytes of a file")
    Path(file).write_bytes(data)
    return {"bytes": len(data), **said}


def decode(codec: Codec, *, file: str, decoded: str, shape: list[int], threads: int) -> dict[str, Any]:
    """Decode a file into a .npy file; the array must have the shape of the original."""
    data = Path(file).read_bytes()
    pixels, said = _measured(lambda: codec.decode(data, threads))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or list(pixels.shape) != shape:
        raise WrongResult(f"decode returned {_kind(pixels)} instead of uint8 {shape}")
    np.save(decoded, pixels)
    return said


def describe(codec: Codec) -> dict[str, Any]:
    """What the rows of a codec have in common."""
    levels = [float(level) for level in codec.levels]
    if not levels:
        raise UsageError("levels", value="none", allowed="at least one level")
    described = {str(key): str(value) for key, value in codec.describe().items()}
    return {
        "name": codec.name,
        "family": codec.family,
        "title": codec.title,
        "lossless": bool(codec.lossless),
        "levels": levels,
        "describe": described,
    }


def compare(*, names: list[str], pixels: str, decoded: str, file_bytes: int) -> dict[str, Any]:
    """Metrics of a pair of .npy files: values by name (None: not to be had), and why not, by name.

    All are asked for together, since some share their work; one by one only if that fails.
    """
    from calotype import metrics

    pair = np.load(pixels), np.load(decoded)
    try:
        found = metrics.measure(names, *pair, file_bytes=file_bytes)
    except Exception as error:  # of SciPy, FFmpeg, ...
        if len(names) > 1:
            parts = [compare(names=[name], pixels=pixels, decoded=decoded, file_bytes=file_bytes) for name in names]
            return {key: {k: v for part in parts for k, v in part[key].items()} for key in ("metrics", "reasons")}
        return {"metrics": {names[0]: None}, "reasons": {names[0]: said_of(error)["message"]}}
    reasons = dict(found.reasons)
    values: dict[str, float | None] = {name: found.get(name) for name in names}
    for name, value in values.items():
        if value is not None and not np.isfinite(value):
            values[name], reasons[name] = None, f"{value:g}"
    return {"metrics": values, "reasons": reasons}


def chart(codec: Codec) -> dict[str, Any]:
    """The row of a codec over the synthetic charts."""
    from calotype.bench import charts

    return next(iter(charts.report_rows([codec])))


def turn(codec: Codec, *, pixels: str, level: float, threads: int) -> dict[str, Any]:
    """Encode and decode once, in a process that stays: wall and CPU seconds of both.

    CPU seconds are those of all threads, and of programs that the codec started and waited for.
    """
    original = np.load(pixels)
    data, encode_s, encode_cpu_s = _clocked(lambda: codec.encode(original, level, threads))
    _, decode_s, decode_cpu_s = _clocked(lambda: codec.decode(data, threads))
    return {
        "bytes": len(data),
        "encode_s": encode_s,
        "decode_s": decode_s,
        "encode_cpu_s": encode_cpu_s,
        "decode_cpu_s": decode_cpu_s,
    }


# Task: the function, whether it takes a codec.
TASKS: dict[str, tuple[Callable[..., dict[str, Any]], bool]] = {
    "encode": (encode, True),
    "decode": (decode, True),
    "describe": (describe, True),
    "turn": (turn, True),
    "chart": (chart, True),
    "compare": (compare, False),
}


class WrongResult(CalotypeError):
    """A codec returned something else than the protocol asks for."""

    exit_code = 1


def said_of(error: BaseException) -> dict[str, Any]:
    """An error as rows hold it: type, message, exit_code."""
    message = " ".join(str(error).split()) or type(error).__name__
    code = error.exit_code if isinstance(error, CalotypeError) else 7 if isinstance(error, MemoryError) else 1
    return {"type": type(error).__name__, "message": message[:500], "exit_code": code}


def _measured(work: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """The result of the work, its wall seconds, and the memory that it needed the first time."""
    with Peak() as peak:
        result, seconds, cpu_s = _clocked(work)
    if cpu_s < AGAIN_BELOW_CPU_S:
        seconds = min(seconds, _clocked(work)[1])
    return result, {"seconds": round(seconds, 6), "peak_bytes": peak.extra_bytes}


def _clocked(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, wall seconds, CPU seconds."""
    before, begun = _cpu_s(), time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun, _cpu_s() - before


def _cpu_s() -> float:
    """Of this process, and of those it waited for (in hundredths)."""
    said = os.times()
    return time.process_time() + said.children_user + said.children_system


def _kind(found: object) -> str:
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {list(found.shape)}"
    return f"{type(found).__name__}" + (" of no bytes" if isinstance(found, bytes) else "")
