"""OpenVINO on the processor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from flopscope.measured.runtimes import Array, Asked, Network, Refused, Running, Timed
from flopscope.measured.runtimes.node_names import path_of

HINTS: Mapping[str, str] = {"float32": "f32", "bfloat16": "bf16"}
TELEMETRY = "openvino_telemetry"


def imported() -> Any:
    """The package, without the one that reports its use to its makers: where that cannot be
    imported, it goes on with a stand-in of its own."""
    absent = TELEMETRY not in sys.modules
    if absent:
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if absent:
            del sys.modules[TELEMETRY]
    return openvino


def load(network: Network, asked: Asked, folder: Path) -> Running:
    """The network, compiled for latency. Raises Refused with what OpenVINO says."""
    openvino = imported()
    file = _file(network, folder)

    def requested(**more: str) -> Any:
        try:
            core = openvino.Core()
            model = core.read_model(str(file))
            shapes = [value.shape for value in network.values]
            model.reshape(dict(enumerate(map(list, shapes))))
            compiled = core.compile_model(model, "CPU", {**_settings(asked), **more})
            request = compiled.create_infer_request()
            request.infer(dict(enumerate(network.values)))
        except Exception as error:
            raise Refused(" ".join(str(error).split())[:400]) from error
        return request

    request = requested()
    return Running(
        version=f"openvino {openvino.__version__.partition('-')[0]}",
        run=request.infer,
        outputs=lambda: _outputs(request),
        clock=process_time,
        profile=lambda runs: _profile(requested(PERF_COUNT="YES"), runs),
    )


def _file(network: Network, folder: Path) -> Path:
    if network.file is not None:
        return network.file
    from flopscope.measured.runtimes.exported import exported

    return exported(network, folder)


def _settings(asked: Asked) -> dict[str, str]:
    return {
        "INFERENCE_NUM_THREADS": str(asked.threads),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": HINTS[asked.dtype],
        # Untrained weights may give numbers in whose range a processor is slow.
        "CPU_DENORMALS_OPTIMIZATION": "YES",
    }


def _outputs(request: Any) -> list[Array]:
    request.infer()
    return [np.array(tensor.data) for tensor in request.output_tensors]


def _profile(request: Any, runs: int) -> list[Timed]:
    """The nodes that were executed, by OpenVINO's own counters."""
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(runs):
        request.infer()
        for node in request.profiling_info:
            seconds = node.cpu_time.total_seconds()
            if seconds > 0:
                times.setdefault((node.node_name, node.node_type), []).append(seconds)
    return [Timed(path_of(name), kind, median(each)) for (name, kind), each in times.items()]
