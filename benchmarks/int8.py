"""A trained network in int8, by ONNX Runtime's static quantisation, as a function to score.

`answers` gives the functions and the bytes of their files: float32, and int8 with a scale for each
channel, with a scale for each tensor, and with the first and the last layer left in float32.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

OPSET = 17
LAYERS = ("Conv", "Gemm")
WAYS: Mapping[str, Mapping[str, bool]] = {
    "int8 per channel": {"per_channel": True, "ends_kept": False},
    "int8 per tensor": {"per_channel": False, "ends_kept": False},
    "int8 per channel, ends kept": {"per_channel": True, "ends_kept": True},
}
Answer = Callable[[Tensor], Tensor]


def answers(network: nn.Module, images: Tensor) -> dict[str, tuple[Answer, int]]:
    """The network in each way, calibrated on these images, (n, C, H, W), with the bytes of its
    file."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = _exported(network.eval(), images[:1], Path(folder))
        found = {"float32": _loaded(plain)}
        for name, how in WAYS.items():
            path = Path(folder) / "quantised.onnx"
            _quantise(plain, path, images, **how)
            found[name] = _loaded(path)
    return found


def _exported(network: nn.Module, image: Tensor, folder: Path) -> Path:
    first, folded = folder / "network.onnx", folder / "folded.onnx"
    torch.onnx.export(
        network, (image,), str(first), opset_version=OPSET, dynamo=False,
        input_names=["images"], dynamic_axes={"images": {0: "batch"}},
    )  # fmt: skip
    quant_pre_process(str(first), str(folded), skip_symbolic_shape=True)
    return folded


def _quantise(
    plain: Path, path: Path, images: Tensor, *, per_channel: bool, ends_kept: bool
) -> None:
    layers = [node.name for node in onnx.load(plain).graph.node if node.op_type in LAYERS]
    quantize_static(
        str(plain), str(path), _Reader(images), quant_format=QuantFormat.QDQ,
        per_channel=per_channel, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=[layers[0], layers[-1]] if ends_kept else [], reduce_range=not _vnni(),
    )  # fmt: skip


def _vnni() -> bool:
    """Without VNNI, sums of products of bytes overflow unless weights have 7 bits."""
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False


def _loaded(path: Path) -> tuple[Answer, int]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = path.read_bytes()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def answer(x: Tensor) -> Tensor:
        (logits,) = session.run(None, {"images": np.ascontiguousarray(x.numpy())})
        return torch.from_numpy(logits)

    return answer, len(content)


class _Reader(CalibrationDataReader):
    def __init__(self, images: Tensor) -> None:
        self._images: Iterator[Tensor] = iter(images.split(1))

    def get_next(self) -> dict[str, Any] | None:
        image = next(self._images, None)
        return None if image is None else {"images": np.ascontiguousarray(image.numpy())}
