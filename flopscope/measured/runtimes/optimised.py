"""A graph as ONNX Runtime rewrites it before it runs: folded, fused, without what does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from flopscope.measured.runtimes import Refused
from flopscope.measured.runtimes.ort import PROVIDERS, SILENT

LEVELS: Mapping[str, Any] = {
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}
"""ONNX Runtime's levels. Basic ones hold for every processor and keep ONNX's own operators;
extended ones fuse them into operators of its own."""

VERSION = f"onnxruntime {onnxruntime.__version__}"


def optimised(file: Path, level: str, folder: Path) -> Path:
    """The graph in the file at this level, as a new file in the folder. Raises Refused."""
    to = folder / f"{level}.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    options.graph_optimization_level = LEVELS[level]
    options.optimized_model_filepath = str(to)
    try:
        onnxruntime.InferenceSession(str(file), options, providers=PROVIDERS)
    except Exception as error:  # ONNX Runtime raises errors of many kinds
        raise Refused(" ".join(str(error).split())[:400] or type(error).__name__) from error
    return to
