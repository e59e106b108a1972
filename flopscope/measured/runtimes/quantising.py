"""Post-training quantisation by ONNX Runtime: norms folded, ranges seen on images, Q/DQ nodes."""

from __future__ import annotations

import contextlib
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from flopscope.measured.runtimes import Array, Refused
from flopscope.measured.runtimes.silence import quiet

PROVIDERS = ["CPUExecutionProvider"]
WEIGHTS = {8: QuantType.QInt8, 4: QuantType.QInt4}
"""The types of weights that ONNX Runtime quantises to, by bits."""
ACTIVATIONS = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
SILENT, WARNING = 4, 2
"""Levels of ONNX Runtime's log: only fatal errors; warnings too, as it is by itself."""


@dataclass(frozen=True)
class Plan:
    """What is quantised: the kinds of `operators`, without the nodes that are `left`; the bits of
    all weights, and those of single ones by their tensor with the axis of their scales, None where
    a tensor has one scale."""

    operators: Sequence[str]
    left: Sequence[str]
    bits: int
    mixed: Mapping[str, tuple[int, int | None]]
    per_channel: bool
    activations: str
    reduce_range: bool


def folded(source: Path, to: Path) -> None:
    """Write the graph with its norms folded and its constants computed. Raises Refused."""
    with quiet(), _refusing():
        quant_pre_process(str(source), str(to), skip_symbolic_shape=True)


def quantise(source: Path, to: Path, images: Sequence[Mapping[str, Array]], plan: Plan) -> None:
    """Write the quantised graph. Raises Refused with what ONNX Runtime says."""
    more: dict[str, Any] = {}
    if plan.mixed:
        more["TensorQuantOverrides"] = {
            name: [{"quant_type": WEIGHTS[bits]} | ({} if axis is None else {"axis": axis})]
            for name, (bits, axis) in plan.mixed.items()
        }
    with quiet(), _refusing():
        quantize_static(
            str(source),
            str(to),
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(plan.operators),
            nodes_to_exclude=list(plan.left),
            per_channel=plan.per_channel,
            reduce_range=plan.reduce_range,
            activation_type=ACTIVATIONS[plan.activations],
            weight_type=WEIGHTS[plan.bits],
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=more,
        )


def outputs(path: Path, images: Sequence[Mapping[str, Array]]) -> Iterator[dict[str, Array]]:
    """The results of the graph for each image, by name. Raises Refused."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, SILENT
    with _refusing():
        session = onnxruntime.InferenceSession(str(path), options, providers=PROVIDERS)
    names = [value.name for value in session.get_outputs()]
    for image in images:
        with _refusing():
            results = session.run(names, dict(image))
        yield dict(zip(names, results, strict=True))


def input_of(path: Path) -> dict[str, tuple[list[Any], str]]:
    """The shape and type of each input of the graph."""
    with _refusing():
        session = onnxruntime.InferenceSession(str(path), providers=PROVIDERS)
    return {value.name: (value.shape, value.type) for value in session.get_inputs()}


def needs_reduced_range(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Does the processor add products of bytes in 16 bits, so that weights of 8 bits overflow?
    Those of x86 do that do not have VNNI."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        return "vnni" not in cpuinfo.read_text(encoding="ascii", errors="ignore")
    except OSError:
        return True  # not known: the range that is right everywhere


VERSION = f"onnxruntime {onnxruntime.__version__}"


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands the images to ONNX Runtime, one after another."""

    def __init__(self, images: Sequence[Mapping[str, Array]]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, Array] | None:
        image = next(self._images, None)
        return None if image is None else dict(image)


def signal_to_noise(signal: Array, noisy: Array) -> tuple[float, float]:
    """The sums of squares of a signal and of the error of another that should be it. Raises Refused
    for a signal that is not finite."""
    ours = signal.astype(np.float64)
    if not np.isfinite(ours).all():
        raise Refused(NOT_FINITE)
    return float((ours**2).sum()), float(((ours - noisy.astype(np.float64)) ** 2).sum())


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # ONNX Runtime raises plain errors of many kinds
        text = " ".join(str(error).split())
        said = NOT_FINITE if text == NO_RANGE else ASIDE.sub("", text)[:300]
        raise Refused(said or type(error).__name__) from error


NOT_FINITE = "numbers that it computes of these images are not finite, and so have no range"
NO_RANGE = "scale issue"
"""What ONNX Runtime's tools say of a tensor whose smallest or largest value is not finite."""
ASIDE = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed:")
"""What stands before the reason in a message of ONNX Runtime: codes, and files of no concern."""


@contextlib.contextmanager
def logging_nothing() -> Iterator[None]:
    """While active, ONNX Runtime writes nothing but fatal errors; errors are raised besides."""
    onnxruntime.set_default_logger_severity(SILENT)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(WARNING)
