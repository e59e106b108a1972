"""Networks that are really run, and how long they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.given import positive, text
from flopscope.api.own import network_or_maker
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes

if TYPE_CHECKING:
    from torch import nn

    from flopscope.present.measure import MeasurementReport


@public(
    targets=network_or_maker, inputs=shapes, runtime=text, threads=positive, dtype=text,
    rounds=positive, on=text, device_name=text,
)  # fmt: skip
def measure(
    *targets: str | nn.Module | Callable[..., nn.Module],
    runtime: str = "ort",
    threads: int = 1,
    batch: int = 1,
    res: int | tuple[int, int] | None = None,
    inputs: Shapes = (),
    dtype: str = "float32",
    rounds: int | None = None,
    on: str = "cpu",
    by: str | None = None,
    device_name: str = "",
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
) -> MeasurementReport:
    """How long each network takes, by running it in a runtime: "eager", "compile", "ort" (ONNX
    Runtime), "openvino" or "ncnn".

    Weights are random, or those of a module that is given; inputs are random. The report's
    `latencies` have wall time with quartiles, processor time, peak memory, energy where the machine
    states it, and an anchor that shows drift; its `to_csv()` is a table of latencies. It is false
    if the runtime computes something else than PyTorch. With by="layer" it has the time of each
    layer too. Needs torch, and the runtime's package. Raises BadInput, also where the runtime
    refuses the network, and UnknownName.

    >>> report = measure("mobilenetv1:width=0.25", runtime="eager", res=32, rounds=3)
    >>> report.latencies[0].latency_ms > 0
    True
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.how import How
    from flopscope.answers.measure import measure as answer
    from flopscope.present.measure import MeasurementReport

    how = How(runtime, threads, dtype, rounds, on, by, device_name)
    given = Given(res, batch, tuple(inputs), example=example or {})
    return MeasurementReport(answer(targets, how, given, arguments))
