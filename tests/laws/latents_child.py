"""Run under an emulator by test_networks.py: a line for each recipe of a folder, its name and a SHA-256 of all latents.

Argument: the folder, with NAME.calo and NAME.calomodel for each.
"""

import hashlib
import sys
from pathlib import Path

from calotype import codec
from calotype.model import bundle

for file in sorted(Path(sys.argv[1]).glob("*.calo")):
    digest = hashlib.sha256()
    for tile in codec.latents(file.read_bytes(), model=bundle.read(file.with_suffix(".calomodel"))):
        for name, array in sorted(tile.items()):
            digest.update(name.encode() + (array + 0.0).tobytes())
    print(file.stem, digest.hexdigest(), flush=True)
