"""Law L3 across instruction sets: exact networks on emulated processors give the integers they give here.

Needs qemu-x86_64 (Debian package qemu-user). Children see an SSE4.2 processor and one with everything the emulator has
(AVX2, FMA), so NumPy and onnxruntime pick other kernels. The twin, float weights with floors, must differ somewhere.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calotype.model import proof, storage

QEMU = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
pytestmark = [
    pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is not installed (Debian package qemu-user)"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"), reason="the emulator runs this interpreter: x86-64 only"
    ),
]
PROCESSORS = ("Nehalem", "max")  # SSE4.2; AVX2 and FMA
CHILD = Path(__file__).with_name("exact_child.py")


def hashes(files, processor=None):
    """SHA-256 of the outputs, natively or on an emulated processor."""
    site = [entry for entry in sys.path if entry.endswith("site-packages")]
    # OpenBLAS picks AVX kernels on an emulated Nehalem without asking whether they exist: it is told.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(site), "OPENBLAS_CORETYPE": "Nehalem"}
    command = [str(Path(sys.executable).resolve()), "-S", str(CHILD), *map(str, files)]
    if processor:
        command = [str(QEMU), "-cpu", processor, *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


@pytest.fixture(scope="module")
def results(tiny, tmp_path_factory):
    """{processor or None: hashes of [exact, exact at level all, stored small (twice), float twin (twice)]}."""
    folder = tmp_path_factory.mktemp("graphs")
    exact = tiny.chain((16, 24, 24, 8), 3, mean=76, seed=5)
    proof.prove(exact, {"x": (0, 255, 0)})
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 12, 11)).astype(np.float32)
    cases = {
        "exact": (exact, x),
        "small": (storage.compact(exact, exact=True), x),
        "twin": (tiny.chain((16, 32, 32, 8), 3, exact=False, seed=1, mean=5), x),
    }
    files = []
    for name, (graph, values) in cases.items():
        files.append(folder / f"{name}.npz")
        np.savez(files[-1], graph=np.frombuffer(graph, np.uint8), x=values)
    return {processor: hashes(files, processor) for processor in (None, *PROCESSORS)}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_exact_networks_do_not_see_the_instruction_set(results, processor):
    """Both levels, plain and compact: one hash for all, the native one."""
    assert len(set(results[None][:4])) == 1
    assert results[processor][:4] == results[None][:4]


def test_the_emulated_processors_are_others(results):
    """The twin: float weights with a floor after each layer tell the processors apart."""
    assert len({tuple(found[4:]) for found in results.values()}) > 1
