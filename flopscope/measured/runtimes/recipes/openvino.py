"""OpenVINO's intermediate representation, from the ONNX file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from flopscope.measured.runtimes import Network, Refused
from flopscope.measured.runtimes.openvino import imported
from flopscope.measured.runtimes.recipes import Converted


def prepare() -> None:
    """Import OpenVINO."""
    imported()


def convert(network: Network, file: Path, folder: Path, half: bool) -> Converted:
    """The two files, with weights of 16 bits if that is asked for, and what they compute in
    float32. Raises Refused with what OpenVINO says.

    The converter is given the file, and not asked to report its use to its makers.
    """
    openvino = imported()
    path = folder / "network.xml"
    try:
        openvino.save_model(openvino.convert_model(str(file)), str(path), compress_to_fp16=half)
        core = openvino.Core()
        model = core.read_model(str(path))
        # The processor may have 16-bit arithmetic, which is not what is compared.
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        request = compiled.create_infer_request()
        request.infer(dict(enumerate(network.values)))
        outputs = [np.array(tensor.data) for tensor in request.output_tensors]
        operators = _operators(compiled.get_runtime_model())
    except Exception as error:
        raise Refused(" ".join(str(error).split())[:400]) from error
    files = {ending: path.with_suffix(ending).read_bytes() for ending in (".xml", ".bin")}
    version = openvino.__version__.partition("-")[0]
    return Converted(f"openvino {version}", files, outputs, operators)


def _operators(running: Any) -> Counter[str]:
    """The kernels of the network as it runs on this processor, without constants."""
    kinds = (str(each.get_rt_info()["layerType"].value) for each in running.get_ops())
    return Counter(kind for kind in kinds if kind != "Const")
