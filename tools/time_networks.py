"""Times every network of a model at the shapes it meets in tiles of 512x512, one thread; nothing else of the codec.

    python tools/time_networks.py MODEL.calomodel [repetitions]

CPU time of the thread, best of the repetitions, which are interleaved over the networks, so that a busy machine
disturbs all alike. Multiplications are counted in the graph; padded channels are not, so GMAC/s shows what they cost.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.model.runtime import session_options

SIDE_PX = 512
KINDS = {1: np.float32, 2: np.uint8, 3: np.int8, 5: np.int16}


def shape_of(model: Model, net: str, name: str, dims: list[int | None]) -> list[int]:
    """The shape of an input: rows keep their sides of 1, others follow from the stride of the network's band."""
    if dims[-1] == 3:
        return [1, SIDE_PX, SIDE_PX, 3]
    if dims[-1] == 1:
        return [1, *(d or 1 for d in dims[1:])]
    stride = {"planes": 1, "f2": 4}.get(name)
    if stride is None:
        band = net.split("_")[0]
        stride = model.manifest.latents[band].stride
        if name == "coarse" and band != f"l{model.manifest.transform['levels']}":
            stride *= 2
    return [1, dims[1] or 1, SIDE_PX // stride, SIDE_PX // stride]


def macs(graph: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> int:
    """Multiplications of all convolutions for these inputs: their sizes are seen by running the graph once."""
    nodes = [node for node in graph.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    wanted = [name for node in nodes for name in (node.input[0], node.input[1], node.output[0])]
    made = {name for node in graph.graph.node for name in node.output}
    for name in {*wanted} & made - {output.name for output in graph.graph.output}:
        graph.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), session_options("none"))
    names = [output.name for output in session.get_outputs()]
    sizes = {initializer.name: tuple(initializer.dims) for initializer in graph.graph.initializer}
    sizes |= {key: value.shape for key, value in [*feeds.items(), *zip(names, session.run(names, feeds), strict=True)]}
    spread = [sizes[node.output[0] if node.op_type == "Conv" else node.input[0]][2:] for node in nodes]
    return sum(int(np.prod(sizes[node.input[1]]) * np.prod(side)) for node, side in zip(nodes, spread, strict=True))


def main() -> None:
    model = bundle.read(Path(sys.argv[1]).read_bytes())
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    rng, work = np.random.default_rng(0), {}
    for net, entry in model.manifest.nets.items():
        graph, feeds = onnx.load_from_string(model.graphs[net]), {}
        for tensor in graph.graph.input:
            kind = tensor.type.tensor_type
            dims = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
            feeds[tensor.name] = rng.integers(0, 100, shape_of(model, net, tensor.name, dims)).astype(
                KINDS[kind.elem_type]
            )
        work[net] = (model.net(net), [feeds[key] for key in entry.inputs], macs(graph, feeds))
    best = dict.fromkeys(work, np.inf)
    for _ in range(repetitions):
        for net, (run, arrays, _) in work.items():
            start = time.thread_time()
            run(*arrays)
            best[net] = min(best[net], time.thread_time() - start)
    megapixels = SIDE_PX**2 / 1e6
    print(f"{'network':<12} {'ms/MP':>7} {'kMAC/px':>8} {'GMAC/s':>7}")
    for part in ("decoder", "encoder"):
        nets = [net for net in work if model.manifest.nets[net].part == part]
        for net in [*sorted(nets, key=lambda net: -best[net]), None]:
            seconds, count = (
                (best[net], work[net][2]) if net else (sum(best[n] for n in nets), sum(work[n][2] for n in nets))
            )
            figures = f"{1e3 * seconds / megapixels:7.2f} {count / SIDE_PX**2 / 1e3:8.3f} {count / seconds / 1e9:7.1f}"
            print(f"{net or part:<12} {figures}")


if __name__ == "__main__":
    main()
