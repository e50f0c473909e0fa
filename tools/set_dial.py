#!/usr/bin/env python3
"""Sets the quality dial of a .calomodel file, in place: which rate index each quality is. Nothing else of the model changes.

tools/set_dial.py src/calotype/models/bespoke.calomodel 1:0 12:32 20:120 32:248 50:455 68:661 100:1023

The dial is no part of a model's identity: files decode as before. Where the numbers of `bespoke` come from:
docs/systems/bespoke.md, "Quality scale".
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from calotype.cli import files
from calotype.model import bundle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("pairs", nargs="+", metavar="QUALITY:RATE", help="ascending; linear between")
    chosen = parser.parse_args()
    before = bundle.read(chosen.model)
    pairs = tuple((float(quality), int(rate)) for quality, rate in (pair.split(":") for pair in chosen.pairs))
    data = bundle.write(replace(before, manifest=replace(before.manifest, quality_map=pairs)))
    after = bundle.read(data)
    assert after.identity == before.identity, "a dial is no part of the identity"
    files.write_bytes(str(chosen.model), data, force=True)
    print(after, after.manifest.quality_map)


if __name__ == "__main__":
    main()
