"""Reported numbers explained, and published figures recomputed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.public import public
from flopscope.api.subject import Shapes, counted
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.reconciling.accounts import Account
    from flopscope.reconciling.search import Explanation
    from flopscope.reconciling.subjects import Subject
    from flopscope.reconciling.tools import Unmodelled


@dataclass(frozen=True, repr=False)
class ReconciliationReport(Report):
    """The report that `reconcile` returns. It is false where a reported number stays
    unexplained."""

    explanations: tuple[Explanation, ...]

    def document(self) -> Document:
        """The terms of each number, and every way of counting that gives it."""
        from flopscope.present.reconcile import explanation_document

        return explanation_document(self.explanations)

    @property
    def about(self) -> str:
        numbers = " and ".join(one.reported.text for one in self.explanations)
        said = "explained" if self.holds else "not explained"
        return f"{self.explanations[0].subject.name}: {numbers} {said}"

    @property
    def holds(self) -> bool:
        return all(self.explanations)


@dataclass(frozen=True, repr=False)
class ToolReport(Report):
    """The report that `reconcile` with a tool and no number returns: what the tool would answer. It
    is false where that is not modelled."""

    subject: Subject
    tool: str
    answers: tuple[Account, ...] | Unmodelled

    def document(self) -> Document:
        """The tool's answer, term by term."""
        from flopscope.present.reconcile import tool_document

        return tool_document(self.subject, self.tool, self.answers)

    @property
    def about(self) -> str:
        return f"{self.subject.name}: {self.tool}"

    @property
    def holds(self) -> bool:
        return isinstance(self.answers, tuple)


@public()
def reconcile(
    target: str | nn.Module,
    *inputs: Shapes,
    reported: str | int | None = None,
    params: str | int | None = None,
    tool: str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
) -> ReconciliationReport | ToolReport:
    """The ways of counting that give a reported number, term by term; or, with a tool and without a
    number, what that tool would answer.

    `reported` is work such as "579M", `params` a number of parameters such as "4.2M". Raises
    BadInput, UnknownName.

    >>> found = reconcile("mobilenetv1", reported="579M")
    >>> found.explanations[0].fits[0].account.name
    'fvcore'
    """
    from flopscope.reconciling import search
    from flopscope.reconciling.digits import Reported

    if reported is None and params is None and tool is None:
        raise BadInput('give a number, such as reported="579M" or params="4.2M", or tool="fvcore"')
    work, stored = (None if n is None else Reported.parse(str(n)) for n in (reported, params))
    if tool is not None:
        search.of_tool(tool)
    subject = counted(target, inputs, res, batch, arguments, example)
    found = [] if work is None else [search.explain_work(subject, work, tool)]
    found += [] if stored is None else [search.explain_parameters(subject, stored)]
    if tool is not None and not found:
        return ToolReport(subject, tool, search.answers(subject, tool))
    return ReconciliationReport(tuple(found))
