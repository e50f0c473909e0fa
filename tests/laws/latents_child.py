"""Run under an emulator by test_networks.py: prints a SHA-256 of all latents of a file. Arguments: file, model."""

import hashlib
import sys
from pathlib import Path

from calotype import codec
from calotype.model import bundle

digest = hashlib.sha256()
for tile in codec.latents(Path(sys.argv[1]).read_bytes(), model=bundle.read(Path(sys.argv[2]))):
    for name, array in sorted(tile.items()):
        digest.update(name.encode() + (array + 0.0).tobytes())
print(digest.hexdigest())
