"""ONNX Runtime on the processor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median
from time import process_time, thread_time
from typing import Any

import onnxruntime

from flopscope.measured.runtimes import Array, Asked, Network, Refused, Running, Timed
from flopscope.measured.runtimes.node_names import path_of

PROVIDERS = ["CPUExecutionProvider"]
SILENT = 4
"""The level at which only a fatal error is logged; errors are raised besides."""


def load(network: Network, asked: Asked, folder: Path) -> Running:
    """A session with all optimisations of graphs. Raises Refused with what ONNX Runtime says."""
    file = _file(network, folder)
    session = _session(file, _options(asked.threads))
    feeds = _feeds(session, network)

    def run() -> list[Array]:
        return [value for value in session.run(None, feeds) if hasattr(value, "shape")]

    try:
        run()
    except Exception as error:
        raise Refused(_said(error)) from error
    return Running(
        version=f"onnxruntime {onnxruntime.__version__}",
        run=run,
        outputs=run,
        clock=thread_time if asked.threads == 1 else process_time,
        profile=lambda runs: _profile(file, network, asked.threads, folder, runs),
    )


def _file(network: Network, folder: Path) -> Path:
    if network.file is not None:
        return network.file
    from flopscope.measured.runtimes.exported import exported

    return exported(network, folder)


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = SILENT
    # Untrained weights may give numbers in whose range a processor is slow.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def _session(file: Path, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=PROVIDERS)
    except Exception as error:
        raise Refused(_said(error)) from error


def _feeds(session: Any, network: Network) -> dict[str, Array]:
    names = [given.name for given in session.get_inputs()]
    if len(names) != len(network.values):
        raise Refused(f"the graph takes {len(names)} inputs, and the network {len(network.values)}")
    return dict(zip(names, network.values, strict=True))


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:600] or type(error).__name__


def _profile(file: Path, network: Network, threads: int, folder: Path, runs: int) -> list[Timed]:
    """The kernels of a session that profiles itself, the first run left out."""
    options = _options(threads)
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "ort")
    session = _session(file, options)
    feeds = _feeds(session, network)
    for _ in range(runs + 1):
        session.run(None, feeds)
    written = Path(session.end_profiling())
    events = json.loads(written.read_text(encoding="utf-8"))
    os.unlink(written)
    return _kernels(events, runs)


def _kernels(events: list[dict[str, Any]], runs: int) -> list[Timed]:
    """The median time of each kernel over the last runs."""
    times: dict[tuple[str, str], list[float]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            key = (event["name"].removesuffix("_kernel_time"), event["args"]["op_name"])
            times.setdefault(key, []).append(event["dur"] * 1e-6)
    return [
        Timed(path_of(name), operator, median(durations[-runs:]))
        for (name, operator), durations in times.items()
    ]
