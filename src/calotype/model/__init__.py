"""Models as files: read, proved, stored and run. Importing this loads neither onnxruntime nor onnx."""

from __future__ import annotations

from calotype.model.bundle import Model, build, peek, read, write
from calotype.model.manifest import Latent, Manifest, Net

__all__ = ["Latent", "Manifest", "Model", "Net", "build", "peek", "read", "write"]
