"""Which network to take, by the field's rules and by published accuracies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.budgets import budgets
from flopscope.api.given import positive, text
from flopscope.api.public import public
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.choosing.advise import Advice


@dataclass(frozen=True, repr=False)
class AdviceReport(Report):
    """The report that `advise` returns; `advice` has the candidates and the frontier."""

    advice: Advice

    def document(self) -> Document:
        """What the rules name, and what the data offer."""
        from flopscope.present.advise import advice_document

        return advice_document(self.advice)

    @property
    def about(self) -> str:
        best = self.advice.best
        return f"{best.name}, top-1 {float(best.top1):g} %, of {len(self.advice.front.points)}"


@public(platform=text, max_latency=text, context=text, tokens=positive)
def advise(
    platform: str,
    *,
    max_latency: str | None = None,
    batch: int | None = None,
    context: str = "local",
    tokens: int | None = None,
    res: int | tuple[int, int] | None = None,
    accuracy: str | None = None,
    **limits: int | float | str | None,
) -> AdviceReport:
    """The networks that the field's rules of thumb name for a platform ("mobile", "edge", "server"
    or "gpu") and budgets, held against all networks with a published accuracy.

    A budget is max_ and its quantity, as in max_params="6M". `max_latency` is a device, or the path
    of its file, and a time, "pixel3-cpu-tflite:15ms": as published at a `batch`, or at the usual
    one there, and else as predicted, where the upper end of the interval of 90 % counts. With
    `context` "global", or `tokens` as the least number of positions that attention relates, only
    networks with attention are taken. `res` and `accuracy` choose among published accuracies, as in
    `pareto`. Raises BadInput, UnknownName.

    >>> advice = advise("mobile", max_params="6M", max_macs="300M").advice
    >>> [each.named.words for each in advice.candidates if each.point], advice.best.name
    (['MobileNetV3-Large'], 'mobilenetv3_large')
    """
    from flopscope.choosing.advise import advise as answer
    from flopscope.choosing.wish import Wish, parse_latency

    most = tuple(budgets(limits, "max_"))
    latency = None if max_latency is None else parse_latency("max_latency", max_latency)
    side = (res, res) if isinstance(res, int) else res
    return AdviceReport(
        answer(Wish(platform, most, latency, context, tokens, side, accuracy, batch))
    )
