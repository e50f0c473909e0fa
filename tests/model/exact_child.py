"""Run under an emulator by test_instruction_sets.py: prints a SHA-256 for the outputs of every graph it is given.

Arguments: files as NumPy archives with `graph` (bytes as uint8) and `x`. Only NumPy and onnxruntime are imported.
"""

import hashlib
import sys

import numpy as np
import onnxruntime

for path in sys.argv[1:]:
    case = np.load(path)
    for level in (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    ):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level, options.intra_op_num_threads = level, 1
        session = onnxruntime.InferenceSession(case["graph"].tobytes(), options, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {"x": case["x"]})
        print(hashlib.sha256((output + 0.0).tobytes()).hexdigest())  # + 0.0: one zero
