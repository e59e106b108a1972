"""A network held to its budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets, device_given
from flopscope.api.given import as_given
from flopscope.api.public import public
from flopscope.api.subject import Shapes, counted
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.choosing.assertion import BudgetVerdict
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class BudgetReport(Report):
    """The report that `hold` returns. It is false where a budget is broken, or may be."""

    target: str
    verdicts: tuple[BudgetVerdict, ...]
    warnings: tuple[str, ...] = ()

    def document(self) -> Document:
        """Each budget with its verdict, and the layers that hold the excess."""
        from flopscope.present.assert_ import verdict_document

        return verdict_document(self.target, self.verdicts, self.warnings)

    @property
    def about(self) -> str:
        kept = "kept" if self.holds else "not kept"
        return f"{self.target}: {', '.join(str(v.budget) for v in self.verdicts)}: {kept}"

    @property
    def holds(self) -> bool:
        return all(self.verdicts)


@public(device=as_given)
def hold(
    target: str | nn.Module,
    *inputs: Shapes,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    device: str | Device | None = None,
    **limits: int | float | str | None,
) -> BudgetReport:
    """Whether a network keeps its budgets, and if not, which layers hold the excess.

    The report prints what `flopscope assert` does, and is false if a budget is broken. A budget is
    max_ and its quantity, as in max_macs="300M", or max_latency="12ms" on a `device`. In a test,
    use `assert_budget`, which raises AssertionError. Raises BadInput, UnknownName.

    >>> bool(hold("mobilenetv2", max_macs="310M"))
    True
    """
    from flopscope.answers.timed import warnings
    from flopscope.choosing.assertion import assess

    known = device_given(device)
    most = budgets(limits, "max_", known)
    if not most:
        raise BadInput('no budget is given; give one, such as max_macs="300M"')
    subject = counted(target, inputs, res, batch, arguments, example)
    ledger = subject.asked.ledger
    warned = () if known is None else tuple(warnings(subject.name, ledger, known))
    return BudgetReport(subject.name, assess(ledger, most), warned)
