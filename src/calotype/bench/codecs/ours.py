"""Calotype's models as codecs: every installed one by its name, and any .calomodel file by its path.

They use what users use, `calotype.encode` and `calotype.decode`; only a file that is not installed is handed over.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype.bench.codecs.adapter import package_version
from calotype.bench.codecs.protocol import Codec
from calotype.errors import CalotypeError, FileError

if TYPE_CHECKING:
    import numpy as np

    from calotype.model.bundle import Model

__all__ = ["LEVELS", "codecs", "of_file"]

FAMILY, DEFAULT = "calotype", "swift"
EFFORT = 3  # where most of what effort brings has come
# Qualities: about 0.1 to 2.5 bpp on photographs.
LEVELS = (7.0, 18.0, 30.0, 42.0, 55.0, 68.0, 82.0, 97.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A model at several qualities; see protocol.Codec.

    file     a .calomodel that is not installed, or None: the installed one of this name
    effort   of the encoder, or None: the model's own
    """

    name: str
    title: str
    levels: tuple[float, ...] = LEVELS
    file: Path | None = None
    effort: int | None = None
    family: str = FAMILY
    lossless: bool = False

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        """See protocol.Codec.encode."""
        import calotype

        if self.file is None:
            return calotype.encode(pixels, quality=level, model=self.model_name, effort=self.effort, threads=threads)
        from calotype import codec
        from calotype.picture import Picture

        return codec.encode(Picture.of(pixels), self._model(), quality=level, threads=threads)

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        """See protocol.Codec.decode."""
        import calotype

        if self.file is None:
            return calotype.decode(data, threads=threads)
        from calotype import codec

        return codec.decode(data, model=self._model(), threads=threads).pixels

    def describe(self) -> dict[str, str]:
        """See protocol.Codec.describe; "model" is the identity that its files name."""
        return {
            "library": "calotype",
            "version": _version(),
            "settings": "quality=LEVEL" + ("" if self.effort is None else f", effort={self.effort}"),
            "model": self._model().identity.hex(),
        }

    @property
    def model_name(self) -> str:
        """Name of the installed model."""
        return self.name if self.effort is None else self.name.removesuffix(f"-e{self.effort}")

    def _model(self) -> Model:
        from calotype.model import store

        if self.file is None:
            return store.find(self.model_name)
        try:
            return _opened(self.file, self.file.stat().st_mtime_ns)
        except OSError as exc:
            if isinstance(exc, CalotypeError):
                raise
            raise FileError(self.file, exc.strerror or str(exc)) from exc


@dataclass(frozen=True, kw_only=True)
class OursLossless:
    """`calotype.encode(lossless=True)`: no model is involved."""

    name: str = "calotype-lossless"
    title: str = "Calotype, lossless"
    levels: tuple[float, ...] = (0.0,)
    family: str = FAMILY
    lossless: bool = True

    def encode(self, pixels: np.ndarray, level: float, threads: int = 1) -> bytes:
        """See protocol.Codec.encode."""
        import calotype

        said: dict[str, Any] = {"lossless": True}
        return calotype.encode(pixels, threads=threads, **said)

    def decode(self, data: bytes, threads: int = 1) -> np.ndarray:
        """See protocol.Codec.decode."""
        import calotype

        return calotype.decode(data, threads=threads)

    def describe(self) -> dict[str, str]:
        """See protocol.Codec.describe."""
        return {"library": "calotype", "version": _version(), "settings": "lossless=True"}


def codecs() -> tuple[Codec, ...]:
    """One for each installed model that can be read, with more effort for the default one, then the lossless mode."""
    import calotype

    found: list[Codec] = [
        Ours(name=entry.name, title=f"Calotype {entry.name}") for entry in calotype.models() if not entry.problem
    ]
    if any(codec.name == DEFAULT for codec in found):
        title = f"Calotype {DEFAULT}, effort {EFFORT}"
        found.append(Ours(name=f"{DEFAULT}-e{EFFORT}", title=title, effort=EFFORT))
    if "lossless" in inspect.signature(calotype.encode).parameters:
        found.append(OursLossless())
    return tuple({codec.name: codec for codec in found}.values())


def of_file(path: str) -> Codec | None:
    """The model of a .calomodel file as a codec named by its path, or None if this is no such path.

    errors   what bundle.read raises
    """
    from calotype.model import store

    file = Path(path)
    if file.suffix != store.SUFFIX:
        return None
    found = Ours(name=path, title=f"Calotype {file.stem}", file=file)
    found.describe()
    return found


@lru_cache(maxsize=4)
def _opened(file: Path, changed_ns: int) -> Model:
    """A model with its sessions, kept for the next picture while its file stays as it is."""
    from calotype.model import bundle

    return bundle.read(file)


def _version() -> str:
    """Ours and that of what computes."""
    import calotype

    return f"calotype {calotype.__version__}, onnxruntime {package_version('onnxruntime')}"
