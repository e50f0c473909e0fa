"""ONNX bytes -> callables on NumPy arrays, through onnxruntime with pinned options; the only module that imports it.

docs/runtime.md says what was measured for each option. Sessions start lazily, are shared between threads and compute on
the calling thread: parallelism is rows and windows on the caller's pool, never threads inside a network.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from calotype.coding.densities import Factorized
from calotype.errors import ModelError, UsageError

if TYPE_CHECKING:
    from calotype.model.bundle import Model

__all__ = ["Nets", "Network", "Rows"]

# Rows of a batch are run together while their inputs stay below this many values: a run of a small network costs
# 20 us whatever it does. A function of shapes only, so that no result can depend on the number of threads.
GROUP_VALUES = 2**14
_TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(int16)": np.int16,
          "tensor(int32)": np.int32, "tensor(int64)": np.int64}  # fmt: skip


class Network:
    """One network: `network(*arrays)` in the manifest's order of inputs returns an array, or a tuple of several.

    Thread safe. Raises ModelError if the graph can't be run.
    """

    def __init__(self, graph: bytes, *, name: str, inputs: Sequence[str], outputs: Sequence[str], exact: bool) -> None:
        self.name, self.inputs, self.outputs, self.exact = name, tuple(inputs), tuple(outputs), exact
        self._graph, self._session, self._lock = graph, None, threading.Lock()
        self._types: tuple[type, ...] = ()

    def __repr__(self) -> str:
        return f"Network({self.name}: {', '.join(self.inputs)} -> {', '.join(self.outputs)}{', exact' * self.exact})"

    def start(self) -> Any:
        """Create the onnxruntime session now, if there is none yet, and return it."""
        if self._session is None:
            with self._lock:
                if self._session is None:
                    self._session = self._open()
        return self._session

    def __call__(self, *arrays: np.ndarray) -> Any:
        """The output for arrays [b, ...], or a tuple where there are several."""
        outputs = self.run(arrays)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """All outputs as a list, for arrays [b, ...] in the order of `inputs`, in one run on this thread."""
        session = self.start()
        if len(arrays) != len(self.inputs):
            raise UsageError(f"inputs of {self.name}", value=len(arrays), allowed=", ".join(self.inputs))
        feeds = {
            key: np.ascontiguousarray(array, dtype=kind)
            for key, array, kind in zip(self.inputs, arrays, self._types, strict=True)
        }
        try:
            return session.run(self.outputs, feeds)
        except Exception as exc:  # onnxruntime's own classes, which share no base but this one
            shapes = ", ".join(f"{key} {list(array.shape)}" for key, array in feeds.items())
            raise ModelError(f"network {self.name} refused {shapes}", found=exc) from exc

    def _open(self) -> Any:
        import onnxruntime

        try:
            session = onnxruntime.InferenceSession(self._graph, session_options(), providers=["CPUExecutionProvider"])
        except Exception as exc:  # as above
            raise ModelError(f"network {self.name} can't be loaded", found=exc) from exc
        kinds = {entry.name: _TYPES.get(entry.type) for entry in session.get_inputs()}
        made = [entry.name for entry in session.get_outputs()]
        if set(kinds) != set(self.inputs) or not set(self.outputs) <= set(made) or None in kinds.values():
            raise ModelError(f"inputs and outputs of {self.name}", wanted=f"{self.inputs} -> {self.outputs}",
                             found=f"{tuple(kinds)} -> {tuple(made)}")  # fmt: skip
        self._types = tuple(kinds[key] for key in self.inputs)  # type: ignore[misc]
        return session


def session_options(level: str = "all", threads: int = 1) -> Any:
    """The options of every session; docs/runtime.md gives the reason for each.

    level     "none", "basic", "extended" or "all": tests run exact networks at all of them
    threads   inside one operator; the codec always uses 1
    """
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = {
        "none": levels.ORT_DISABLE_ALL, "basic": levels.ORT_ENABLE_BASIC,
        "extended": levels.ORT_ENABLE_EXTENDED, "all": levels.ORT_ENABLE_ALL,
    }[level]  # fmt: skip
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Patterns reserve a run's whole memory beside the shared arena: 50 to 100 MiB more for no measurable speed.
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors; they also arrive as exceptions
    _register_shared_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # bf16 storage would break exact networks (MEASURED 1); it is off by default, and stays off.
    options.add_session_config_entry("mlas.enable_gemm_fastmath_arm64_bfloat16", "0")
    return options


@cache
def _register_shared_arena() -> None:
    """One arena for all sessions of this process: 36 networks keep 110 MiB instead of 2800 (docs/runtime.md)."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # A host program may have registered one before, which then serves as well; without any, sessions keep their own.
    with suppress(Exception):
        # Strategy 1 grows by what is asked for; the default doubles.
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1}))


class Nets:
    """A walk's view of a model: `nets.<network>(*arrays)`, `nets.rows(name)`, at the rates of the rows of one batch.

    Arrays are [b, ...]; those with b == 1 serve every row. Networks named "head.0", "head.1", ... are `nets.head[k]`.
    A call waits for its rows, so it must not itself run on the pool that runs them.
    """

    def __init__(
        self,
        model: Model,
        rate_indices: np.ndarray,
        pool: Executor | None,
        *,
        checked: bool = False,
        shared: bytes = b"",
    ) -> None:
        self._model, self._rates, self._pool, self._checked = model, rate_indices, pool, checked
        self.shared = shared  # what the walk's `prepare` returned for this picture
        self._calls: dict[str, Any] = {}

    def rows(self, name: str) -> np.ndarray:
        """Integer rows at the batch's rates: float32 [b, c, 1, 1]."""
        return self._model.rows(name, self._rates)

    def table(self, name: str) -> np.ndarray:
        """Integers that no rate changes, as "rows/<name>" has them: [rows, columns], read-only."""
        return self._model.table(name)

    @property
    def rates(self) -> np.ndarray:
        """The rate index of each row of the batch, int [b]."""
        return self._rates

    def prior(self, name: str) -> Factorized:
        """The factorized distribution of the latents `name` at the batch's rates: bank `name`, rows "<name>.prior"."""
        return Factorized(self._model.nearest(f"{name}.prior", self._rates), bank=name)

    def density(self, name: str) -> None:
        """A family's density, for distributions that want one in training; tables need none."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name not in self._calls:
            known = self._model.manifest.nets
            if name not in known and f"{name}.0" in known:
                numbered = [f"{name}.{k}" for k in range(len(known)) if f"{name}.{k}" in known]
                self._calls[name] = tuple(self[key] for key in numbered)
            else:
                self._calls[name] = self._call(self._model.net(name))
        return self._calls[name]

    def _call(self, network: Network) -> Callable[..., Any]:
        ranges = {}
        if self._checked and network.exact:
            from calotype.model.proof import ranges_of

            ranges = ranges_of(self._model, network.name)

        def call(*arrays: np.ndarray) -> Any:
            for key, limits in ranges.items():
                _check_range(f"{network.name}.{key}", arrays[network.inputs.index(key)], *limits)
            outputs = run_rows(network, arrays, self._pool)
            return outputs[0] if len(outputs) == 1 else tuple(outputs)

        return call


def run_rows(network: Network, arrays: Sequence[np.ndarray], pool: Executor | None) -> list[Any]:
    """Run a network on arrays [b, ...] in groups of rows, on `pool` if there is one; outputs are [b, ...].

    Exact networks give the same values whatever the grouping; float networks run one row at a time.
    """
    rows = max(len(array) for array in arrays)
    if any(len(array) not in (1, rows) for array in arrays):
        raise UsageError(f"rows of {network.name}", value=[len(array) for array in arrays], allowed=f"1 or {rows}")
    values = sum(array[0].size for array in arrays)
    group = max(1, GROUP_VALUES // max(1, values)) if network.exact else 1
    if rows <= group:
        return network.run([_rows_of(array, 0, rows) for array in arrays])
    groups = [[_rows_of(array, row, min(rows, row + group)) for array in arrays] for row in range(0, rows, group)]
    if pool is None:
        parts = [network.run(group) for group in groups]
    else:
        network.start()  # once, and not by several workers waiting for one of them
        parts = list(pool.map(network.run, groups))
    return [
        Rows(outputs) if outputs[0].dtype == np.float32 else np.concatenate(outputs)
        for outputs in zip(*parts, strict=True)
    ]


class Rows(np.lib.mixins.NDArrayOperatorsMixin):
    """An array [b, ...] in pieces along b, as groups of rows left a network; joined only if it is used as a whole.

    Activations go from one network to the next row by row: joining them would cost a tenth of the decoding time.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self._parts, self._whole = tuple(parts), None
        self._starts = [0]
        for part in parts:
            self._starts.append(self._starts[-1] + len(part))
        self.shape, self.dtype, self.ndim = (self._starts[-1], *parts[0].shape[1:]), parts[0].dtype, parts[0].ndim

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self._whole is None:
            self._whole = np.concatenate(self._parts)
        return self._whole if dtype is None else self._whole.astype(dtype, copy=bool(copy))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        return getattr(ufunc, method)(*(np.asarray(x) if isinstance(x, Rows) else x for x in inputs), **settings)

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, int | np.integer) and 0 <= key < len(self):
            part = bisect_right(self._starts, key) - 1
            return self._parts[part][key - self._starts[part]]
        if isinstance(key, slice) and key.step is None and key.start in self._starts:
            part = self._starts.index(key.start)
            if part < len(self._parts) and self._starts[part + 1] == key.stop:
                return self._parts[part]
        return np.asarray(self)[key]


def _check_range(place: str, array: np.ndarray, low: Any, high: Any, bits: int) -> None:
    """Values as a proof assumed them: within the range of their channel, multiples of 2**-bits."""
    channels = np.moveaxis(array, 1, -1).astype(np.float64)
    whole = channels * 2**bits
    if not ((channels >= low) & (channels <= high) & (whole == np.floor(whole))).all():
        found = f"{array.min()} to {array.max()}"
        raise ModelError(
            f"values of {place} are not those of the proof",
            wanted=f"{low} to {high}, {bits} fraction bits",
            found=found,
        )


def _rows_of(array: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Rows of `array`, or its only row for each of them (a graph's inputs need not broadcast over b)."""
    return array[start:stop] if len(array) > 1 else np.broadcast_to(array, (stop - start, *array.shape[1:]))
