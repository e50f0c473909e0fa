"""What the measuring tools share: models, pictures, other codecs, clocks, child processes, and how results are written.

Nothing here measures anything by itself; tools/measure_*.py do.
"""

from __future__ import annotations

import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from calotype.bench.machine import processor
from calotype.model import bundle, store
from calotype.model.bundle import Model

RESULTS = Path(__file__).resolve().parents[1] / "results"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".ppm", ".tif", ".tiff")


# --- what is measured ---------------------------------------------------------------------------------------------


def load_model(file: Path | None) -> Model:
    """The model of a file, or the installed `swift`."""
    return store.find("swift") if file is None else bundle.read(file)


def model_said(model: Model) -> dict[str, str]:
    """Which model it was, for the results; never where it lay."""
    return {"name": model.name, "identity": model.identity[:8].hex(), "recipe": model.manifest.recipe}


def pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, by name; an error message if there is none."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        sys.exit(f"no pictures in {folder}")
    return found


def pixels_of(file: Path) -> np.ndarray:
    """uint8 [h, w, 3] of a picture file, its EXIF orientation not applied."""
    from PIL import Image

    return np.asarray(Image.open(file).convert("RGB"))


def centre(pixels: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """The middle of a picture; where it is smaller, it is continued by reflection first."""
    short = [max(0, wanted - had) for wanted, had in zip((height_px, width_px), pixels.shape, strict=False)]
    if any(short):
        pixels = np.pad(pixels, ((0, short[0]), (0, short[1]), (0, 0)), mode="reflect")
    top, left = (pixels.shape[0] - height_px) // 2, (pixels.shape[1] - width_px) // 2
    return np.ascontiguousarray(pixels[top : top + height_px, left : left + width_px])


# --- Pillow's codecs ----------------------------------------------------------------------------------------------

AVIF = {"speed": 6, "subsampling": "4:4:4", "codec": "aom"}
# Name: Pillow's format, its options without quality and threads, whether it takes threads.
PEERS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "AVIF tune psnr": ("AVIF", {**AVIF, "advanced": {"tune": "psnr"}}, True),
    "AVIF default tune": ("AVIF", AVIF, True),
    "WebP m4": ("WEBP", {"method": 4}, False),
    "JPEG 4:2:0": ("JPEG", {"subsampling": "4:2:0", "optimize": True, "progressive": True}, False),
}


def peer_encode(name: str, pixels: np.ndarray, quality: int, threads: int = 1) -> bytes:
    """A file by one of Pillow's codecs."""
    from PIL import Image

    kind, options, threaded = PEERS[name]
    target = io.BytesIO()
    more = {"max_threads": threads} if threaded else {}
    Image.fromarray(pixels).save(target, kind, quality=quality, **options, **more)
    return target.getvalue()


def peer_decode(data: bytes, threads: int = 1) -> np.ndarray:
    """Its pixels; Pillow takes the number of threads of its AVIF decoder from a variable of the module."""
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = threads
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


# --- time and memory ----------------------------------------------------------------------------------------------


class Times:
    """Wall and CPU seconds of repeated work, by name; the CPU seconds are those of all threads of this process."""

    def __init__(self) -> None:
        self.wall_s: dict[str, list[float]] = {}
        self.cpu_s: dict[str, list[float]] = {}

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        """Do the work once, remember what it took, return what it returned."""
        cpu, wall = time.process_time(), time.perf_counter()
        found = work()
        self.wall_s.setdefault(name, []).append(time.perf_counter() - wall)
        self.cpu_s.setdefault(name, []).append(time.process_time() - cpu)
        return found

    def summary(self, name: str, megapixels: float) -> dict[str, float]:
        """Medians of one name."""
        wall, cpu = statistics.median(self.wall_s[name]), statistics.median(self.cpu_s[name])
        return {
            "wall_s": round(wall, 4),
            "best_wall_s": round(min(self.wall_s[name]), 4),
            "cpu_s": round(cpu, 4),
            "mp_per_s": round(megapixels / wall, 3),
            "mp_per_cpu_s": round(megapixels / cpu, 3),
            "runs": len(self.wall_s[name]),
        }

    def ratio(self, name: str, to: str) -> float:
        """Median, over the rounds, of how often the wall time of `name` fits into that of `to` in the same round."""
        pairs = zip(self.wall_s[name], self.wall_s[to], strict=True)
        return round(statistics.median(theirs / ours for ours, theirs in pairs), 3)


@contextmanager
def load_of_machine(said: dict[str, Any]) -> Iterator[None]:
    """Note the load average (1 minute) before and after: what else the machine had to do, and we ourselves."""
    has = hasattr(os, "getloadavg")
    said["load_before"] = round(os.getloadavg()[0], 2) if has else None
    yield
    said["load_after"] = round(os.getloadavg()[0], 2) if has else None


def peak_mib() -> float:
    """Peak resident memory of this process so far, in MiB.

    From /proc where there is one: ru_maxrss of a child starts at what its parent held when it forked.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def in_child(script: Path, *arguments: object) -> dict[str, Any]:
    """Run a tool again with `--child ...`, alone in a fresh process, and return the JSON it prints last."""
    command = [sys.executable, str(script), "--child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def spent(command: Sequence[str], **kwargs: Any) -> tuple[float, float, subprocess.CompletedProcess]:
    """Run a program: wall seconds, CPU seconds of it and its children, and what it said. Exits if it fails."""
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, done


@contextmanager
def home_with(model: Path | None) -> Iterator[dict[str, str]]:
    """An environment for the command line: bytecode is kept, as it is after an install, in a folder of its own.

    model   the file that the name swift stands for; None: what is installed
    """
    with tempfile.TemporaryDirectory() as folder:
        variables = os.environ | {"PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode")}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        if model is not None:
            (Path(folder) / "models").mkdir()
            (Path(folder) / "models" / f"swift{store.SUFFIX}").write_bytes(model.read_bytes())
            variables["CALOTYPE_HOME"] = folder
        yield variables


# --- where it was measured, and how it is written -----------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Processor, cores and versions."""
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("calotype", "numpy", "pillow", "onnxruntime")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        import calotype

        return calotype.__version__ if package == "calotype" else "not installed"


def where(said: dict[str, Any]) -> str:
    """One line about the machine for the foot of a page."""
    packages = ", ".join(f"{name} {number}" for name, number in said["packages"].items())
    return f"{said['date']}; {said['processor']}; {said['cores']} cores; Python {said['python']}; {packages}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def write(name: str, data: dict[str, Any], page: str, folder: Path = RESULTS) -> None:
    """results/NAME.json and results/NAME.md; the page is printed too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / f"{name}.md").write_text(page)
    print(page, flush=True)
