"""Core ML's package, from the module. It is made on any system, and runs on Apple's alone."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from flopscope.measured.runtimes import Network
from flopscope.measured.runtimes.exported import input_names
from flopscope.measured.runtimes.recipes import Converted
from flopscope.measured.runtimes.silence import quiet
from flopscope.measured.runtimes.torch_threads import said


def prepare() -> None:
    """Import coremltools."""
    with _silent():
        import coremltools  # noqa: F401


def convert(network: Network, file: Path, folder: Path, half: bool) -> Converted:
    """The package, with arithmetic and weights of 16 bits if that is asked for. Nothing is
    compared, because it does not run here. Raises Refused with what coremltools says."""
    path = folder / "network.mlpackage"
    with _silent():
        try:
            import coremltools

            model = _converted(coremltools, network, half)
            model.save(str(path))
        except Exception as error:
            raise said(error) from error
    files = {
        f".mlpackage/{each.relative_to(path).as_posix()}": each.read_bytes()
        for each in sorted(path.rglob("*"))
        if each.is_file()
    }
    return Converted(f"coremltools {coremltools.__version__}", files, None, _operators(model))


def _converted(coremltools: Any, network: Network, half: bool) -> Any:
    given = tuple(map(torch.from_numpy, network.values))
    with torch.no_grad():
        traced: Any = torch.jit.trace(network.module, given)
    kinds = [
        coremltools.TensorType(name=name, shape=tuple(value.shape), dtype=value.dtype.type)
        for name, value in zip(input_names(network), network.values, strict=True)
    ]
    precision = coremltools.precision.FLOAT16 if half else coremltools.precision.FLOAT32
    return coremltools.convert(
        traced, inputs=kinds, convert_to="mlprogram", compute_precision=precision,
        minimum_deployment_target=coremltools.target.iOS16, skip_model_load=True,
    )  # fmt: skip


def _operators(model: Any) -> Counter[str]:
    """The operators of the program, without constants."""
    functions = model._mil_program.functions.values()
    kinds = (str(each.op_type) for function in functions for each in function.operations)
    return Counter(kind for kind in kinds if kind != "const")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """While active, coremltools shows neither progress nor the versions that it was tested with."""
    with quiet(), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
