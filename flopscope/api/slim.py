"""Latency-driven slimming of EfficientFormer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.budgets import device_given
from flopscope.api.given import as_given, text
from flopscope.api.public import public
from flopscope.brief import shown
from flopscope.choosing.slim import Start
from flopscope.choosing.slimming.design import SlimDesign
from flopscope.choosing.slimming.loop import Evaluate, Slimming
from flopscope.choosing.slimming.scores import Given
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class SlimReport(Report):
    """The report that `slim` returns. `start` has the first design and the times of its parts;
    `slimming` the steps, None where no latency was given."""

    start: Start
    slimming: Slimming | None
    every: bool = False

    @property
    def design(self) -> SlimDesign:
        """The slimmed design, or the first one: its `ledger()` counts it, `build()` makes it."""
        return self.start.first if self.slimming is None else self.slimming.design

    def document(self) -> Document:
        """The steps and the stages or, without a latency, the times of the parts."""
        from flopscope.present.slim import parts_document, slimming_document

        if self.slimming is None:
            return parts_document(self.start)
        return slimming_document(self.slimming, every=self.every)

    @property
    def about(self) -> str:
        return f"{self.start.name}: {self.design}"


@public(device=as_given, table=as_given, latency=text, runtime=text, dtype=text)
def slim(
    target: str,
    latency: str | None = None,
    importance: Given | None = None,
    evaluate: Evaluate | None = None,
    *,
    device: str | Device | None = None,
    table: str | None = None,
    every: bool = False,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    runtime: str | None = None,
    dtype: str | None = None,
) -> SlimReport:
    """EfficientFormer slimmed to a latency such as "40ms", by arXiv 2206.01191, section 3.3.

    `importance` says how important each block of the first design is, as your trained supernet
    has it: a function of a block (which has stage, number, attends and name), a mapping from its
    name, or the path of a table; to one number from 0, or to the pair of (α of MB4D)/(α of the
    identity) and (α of MB3D)/(α of the identity). `evaluate` gives the accuracy of a design in any
    unit; it is called for three designs a step. Without it, actions are ordered by the importance
    that they lose, which is no accuracy. Times are from the `table` of your measured parts and, for
    what that has not, predicted on the `device`. Without a latency the report has the times of the
    parts. Raises BadInput, UnknownName.

    >>> report = slim("efficientformer_l1", device="pixel3-cpu-tflite")
    >>> report.design
    SlimDesign(channels 48, 96, 224, 448; MB4D 3, 2, 6, 3; MB3D 1)
    >>> even = lambda block: (1.0, 1.0)
    >>> slim("efficientformer_l1", "60ms", even, device="pixel3-cpu-tflite").design.stages.c
    (16, 48, 224, 448)
    """
    from flopscope.answers.target import parse_target
    from flopscope.choosing import slim as search

    if evaluate is not None and not callable(evaluate):
        raise BadInput(f"evaluate {shown(evaluate)} is no function; give one of a design")
    begun = search.start(
        parse_target(target), device=device_given(device), table=table, res=res, batch=batch,
        runtime=runtime, dtype=dtype,
    )  # fmt: skip
    if latency is None:
        if importance is not None or evaluate is not None or every:
            raise BadInput(
                "importance, evaluate and every are for slimming to a latency, and none is given; "
                "give one such as --latency 12ms"
            )
        return SlimReport(begun, None)
    return SlimReport(begun, search.slim(begun, latency, importance, evaluate), every)
