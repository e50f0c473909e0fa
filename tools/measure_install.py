#!/usr/bin/env python
"""What a minimal install downloads and takes, and that it works without torch and onnx.

    python tools/measure_install.py [--model FILE.calomodel]

Builds the package and collects its wheels, installs them into a fresh environment from those files alone, and runs
demo, encode, decode, info and verify there. --model is for checkouts that do not ship the model yet.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measuring

PROJECT = Path(__file__).resolve().parents[1]
ABSENT = ("torch", "onnx", "scipy", "matplotlib")
SIZES = """
import importlib.metadata as m, json, os
sizes = {}
for dist in m.distributions():
    files = [dist.locate_file(file) for file in dist.files or ()]
    sizes[dist.metadata["Name"].lower()] = sum(os.path.getsize(file) for file in files if os.path.isfile(file))
print(json.dumps(sizes))
"""
FOUND = "import importlib.util as u, json, sys; print(json.dumps([n for n in sys.argv[1:] if u.find_spec(n)]))"


def wheels(folder: Path) -> dict[str, int]:
    """Build the package's wheel and download those it needs; bytes of each."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "wheel", "--wheel-dir", str(folder)]
    subprocess.run([*pip, str(PROJECT)], check=True)
    return {wheel.name: wheel.stat().st_size for wheel in sorted(folder.glob("*.whl"))}


def works(environment: Path, folder: Path, variables: dict[str, str]) -> dict[str, float]:
    """Wall seconds of each verb in the fresh environment; exits if one fails."""
    calotype = str(environment / ("Scripts" if os.name == "nt" else "bin") / "calotype")
    picture, coded, decoded = "demo/sumac-q75.png", "a.calo", "a.png"
    lines = {
        "demo": [calotype, "--quiet", "demo", "--out", "demo"],
        "encode": [calotype, "--quiet", "encode", picture, "-o", coded],
        "decode": [calotype, "--quiet", "decode", coded, "-o", decoded],
        "info": [calotype, "info", coded, "--json"],
        "verify": [calotype, "verify", coded],
        "models": [calotype, "models", "list"],
    }
    found = {}
    for verb, line in lines.items():
        seconds, _, done = measuring.spent(line, cwd=folder, env=variables)
        found[verb] = round(seconds, 3)
        if verb == "demo":
            print(done.stdout.replace(str(folder), "."), file=sys.stderr)
    return found


def page(result: dict[str, Any]) -> str:
    """results/install.md."""
    rows = [[name, f"{size / 1e6:.2f}"] for name, size in result["wheel_bytes"].items()]
    rows.append(["**all**", f"**{result['download_mb']:.2f}**"])
    installed = [[name, f"{size / 1e6:.2f}"] for name, size in result["installed_bytes"].items()]
    installed.append(["**all**", f"**{result['installed_mb']:.2f}**"])
    verbs = [[verb, f"{seconds:.2f}"] for verb, seconds in result["verbs_wall_s"].items()]
    return f"""# A minimal install

`pip install .` in a fresh environment, Python {result["machine"]["python"]}, {result["machine"]["system"]}.
Not there: {", ".join(result["absent"])}. {result["model_note"]}

{measuring.table(["download", "MB"], rows)}
{measuring.table(["installed", "MB"], installed)}
Every verb worked there:

{measuring.table(["verb", "seconds"], verbs)}
{measuring.where(result["machine"])}; {result["seconds"]:.0f} s in all.
"""


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--model", type=Path)
    flags.add_argument("--out", type=Path, default=measuring.RESULTS)
    said = flags.parse_args()
    began = time.perf_counter()
    result: dict[str, Any] = {"machine": measuring.machine()}
    with tempfile.TemporaryDirectory() as name, measuring.home_with(said.model) as variables:
        folder = Path(name)
        environment = folder / "environment"
        result["wheel_bytes"] = wheels(folder / "wheels")
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        python = str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
        began_install = time.perf_counter()
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-qq", "install", "--no-index"]
        subprocess.run([*pip, "--find-links", str(folder / "wheels"), "calotype"], check=True)
        result["install_s"] = round(time.perf_counter() - began_install, 1)
        # Nothing of this checkout or of the outer environment may help.
        outer = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONPYCACHEPREFIX")
        variables = {key: value for key, value in variables.items() if key not in outer}
        _, _, done = measuring.spent([python, "-c", FOUND, *ABSENT], cwd=folder, env=variables)
        if json.loads(done.stdout):
            sys.exit(f"a minimal environment must not have {done.stdout}")
        _, _, done = measuring.spent([python, "-c", SIZES], cwd=folder, env=variables)
        installed = json.loads(done.stdout)
        result["absent"] = list(ABSENT)
        result["verbs_wall_s"] = works(environment, folder, variables)
    ours = {wheel.split("-")[0].replace("_", "-").lower() for wheel in result["wheel_bytes"]}
    result["installed_bytes"] = {dist: size for dist, size in sorted(installed.items()) if dist in ours}
    result["download_mb"] = round(sum(result["wheel_bytes"].values()) / 1e6, 2)
    result["installed_mb"] = round(sum(result["installed_bytes"].values()) / 1e6, 2)
    result["model_note"] = (
        "The model is part of calotype's own wheel."
        if said.model is None
        else f"The model was put into the user's store and is not counted: {said.model.stat().st_size / 1e6:.2f} MB."
    )
    result["seconds"] = round(time.perf_counter() - began, 1)
    measuring.write("install", result, page(result), said.out)


if __name__ == "__main__":
    main()
