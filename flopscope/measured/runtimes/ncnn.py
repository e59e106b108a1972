"""ncnn, a runtime of phones, through pnnx, which converts ONNX into its format."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from time import process_time, thread_time
from typing import Any, NamedTuple

import numpy as np

from flopscope.measured.runtimes import Asked, Network, Refused, Running

PATIENCE = 600
"""Seconds after which a conversion is given up."""


class Made(NamedTuple):
    """The two files that pnnx makes, and what it says of the graph."""

    param: Path
    weights: Path
    said: str


def load(network: Network, asked: Asked, folder: Path) -> Running:
    """The converted network. Raises Refused with what pnnx or ncnn says, for more than one image
    at a time, which ncnn does not have, and for inputs that are not floating-point numbers."""
    source = network.file
    if source is None:
        from flopscope.measured.runtimes.exported import exported

        _check(network)
        source = exported(network, folder)
    made = converted(network, source, folder, half=False)
    return running(network, made.param, made.weights, asked)


def _check(network: Network) -> None:
    if any(value.shape[:1] != (1,) for value in network.values):
        raise Refused("a tensor of ncnn has no batch; give --batch 1")
    if any(value.dtype != np.float32 for value in network.values):
        raise Refused("its inputs must be floating-point numbers")


def running(network: Network, param: Path, weights: Path, asked: Asked) -> Running:
    """The network in ncnn's two files, with the values of its inputs. Raises Refused."""
    import ncnn  # here, because the file is collected where the extra is missing

    net = ncnn.Net()
    net.opt.num_threads, net.opt.use_vulkan_compute = asked.threads, False
    # The types of numbers that are asked for, and no smaller ones beside them.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(param)) or net.load_model(str(weights)):
        raise Refused("it does not load what pnnx made of it")
    values = [ncnn.Mat(np.ascontiguousarray(value[0])).clone() for value in network.values]
    feeds = dict(zip(net.input_names(), values, strict=True))
    results = net.output_names()

    def run() -> list[Any]:
        extractor = net.create_extractor()
        for name, value in feeds.items():
            extractor.input(name, value)
        found = [extractor.extract(name) for name in results]
        if any(status for status, _ in found):
            raise Refused("it cannot run what pnnx made of it")
        return [value for _, value in found]

    run()
    return Running(
        version=f"ncnn {ncnn.__version__}",
        run=run,
        outputs=lambda: [np.array(value)[np.newaxis] for value in run()],
        clock=thread_time if asked.threads == 1 else process_time,
    )


def converted(network: Network, source: Path, folder: Path, *, half: bool) -> Made:
    """The two files that pnnx makes of a graph, with weights of 16 bits if that is asked for. It
    writes beside the graph, so it gets a copy. Raises Refused."""
    _check(network)
    graph = folder / "graph.onnx"
    copyfile(source, graph)
    shapes = ",".join(str(list(value.shape)).replace(" ", "") for value in network.values)
    done = subprocess.run(
        [_program(), graph.name, f"inputshape={shapes}", f"fp16={int(half)}"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    said = done.stdout + done.stderr
    made = Made(folder / "graph.ncnn.param", folder / "graph.ncnn.bin", said)
    if done.returncode or not (made.param.is_file() and made.weights.is_file()):
        lines = [line for line in said.splitlines() if line.strip()]
        raise Refused(f"pnnx ends with {done.returncode}: {' '.join(lines[-2:])[:300]}")
    return made


def _program() -> str:
    """pnnx's program, which its package holds. The package itself imports torch when it is
    imported, and is not needed."""
    found = find_spec("pnnx")
    places = list(found.submodule_search_locations or ()) if found else []
    for place in places:
        for name in ("pnnx", "pnnx.exe"):
            if (Path(place) / name).is_file():
                return str(Path(place) / name)
    raise Refused("its converter pnnx has no program in its package")
