"""A TensorRT engine, built of the ONNX file and timed, where TensorRT can be imported.

This code has never run on a GPU: its calls are those of the documentation of TensorRT 10, and a
test runs it on a stand-in for the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch

from flopscope.measured.runtimes import Array, Refused
from flopscope.measured.runtimes.recipes import Converted
from flopscope.measured.runtimes.torch_threads import arrays

Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

WARM_UP, ROUNDS = 10, 50
"""Runs before the clock is read, and runs that are timed."""


def prepare() -> None:
    """Import TensorRT where it is installed."""
    if is_here():
        import tensorrt  # noqa: F401


def is_here() -> bool:
    """Can TensorRT be imported?"""
    return find_spec("tensorrt") is not None


def built(
    file: Path, profile: Mapping[str, Shapes], values: Mapping[str, Array], *, half: bool
) -> Converted:
    """The engine for these shapes of each input, least, usual and greatest, what it computes of
    the values, and how long a run takes. Raises Refused with what TensorRT says."""
    import tensorrt

    try:
        plan = _plan(tensorrt, file, profile, half)
        engine = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR)).deserialize_cuda_engine(
            plan
        )
        outputs, milliseconds = _timed(tensorrt, engine, values)
    except Refused:
        raise
    except Exception as error:
        raise Refused(" ".join(str(error).split())[:400] or type(error).__name__) from error
    version = f"tensorrt {tensorrt.__version__}"
    return Converted(version, {".engine": bytes(plan)}, outputs, milliseconds=milliseconds)


def _plan(tensorrt: Any, file: Path, profile: Mapping[str, Shapes], half: bool) -> Any:
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(file)):
        raise Refused("; ".join(str(parser.get_error(n)) for n in range(parser.num_errors)))
    config = builder.create_builder_config()
    if half:
        flag = getattr(tensorrt.BuilderFlag, "FP16", None)
        if flag is None:
            raise Refused("from TensorRT 11 on, the file itself must have numbers of 16 bits")
        config.set_flag(flag)
    ranges = builder.create_optimization_profile()
    for name, (least, usual, most) in profile.items():
        ranges.set_shape(name, least, usual, most)
    config.add_optimization_profile(ranges)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise Refused("it builds no engine, and says nothing")
    return plan


def _timed(
    tensorrt: Any, engine: Any, values: Mapping[str, Array]
) -> tuple[Sequence[Array], float]:
    """The results, and the median time of a run on the GPU, with the data there already."""
    context = engine.create_execution_context()
    stream = torch.cuda.Stream()
    given = {name: torch.from_numpy(value).cuda() for name, value in values.items()}
    for name, tensor in given.items():
        context.set_input_shape(name, tuple(tensor.shape))
        context.set_tensor_address(name, tensor.data_ptr())
    results = {}
    for place in range(engine.num_io_tensors):
        name = engine.get_tensor_name(place)
        if engine.get_tensor_mode(name) == tensorrt.TensorIOMode.OUTPUT:
            shape = tuple(context.get_tensor_shape(name))
            results[name] = torch.empty(shape, dtype=torch.float32, device="cuda")
            context.set_tensor_address(name, results[name].data_ptr())
    times = []
    for number in range(WARM_UP + ROUNDS):
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record(stream)
        if not context.execute_async_v3(stream.cuda_stream):
            raise Refused("the engine does not run")
        after.record(stream)
        stream.synchronize()
        if number >= WARM_UP:
            times.append(before.elapsed_time(after))
    return arrays(list(results.values())), float(median(times))
