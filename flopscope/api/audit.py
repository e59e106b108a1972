"""Published figures recomputed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.reconciling.audit import Finding


@dataclass(frozen=True, repr=False)
class AuditReport(Report):
    """The report that `audit` returns. It is false where a figure is left open."""

    findings: tuple[Finding, ...]

    def document(self) -> Document:
        """Each published figure with its verdict."""
        from flopscope.present.audit import audit_document

        return audit_document(self.findings)

    @property
    def about(self) -> str:
        return f"{len(self.findings)} published figures" + ("" if self.holds else ", some open")

    @property
    def holds(self) -> bool:
        from flopscope.reconciling.audit import FigureVerdict

        return all(finding.verdict is not FigureVerdict.OPEN for finding in self.findings)


@public(models=text)
def audit(*models: str, family: str | None = None) -> AuditReport:
    """The published figures of these models, of a family or of the whole catalogue, each with its
    verdict: equal, explained by a way of counting, or with a stated cause. Raises BadInput,
    UnknownName.

    >>> audit("mobilenetv1")
    AuditReport(112 published figures)
    """
    from flopscope.reconciling.audit import audit as audited

    return AuditReport(tuple(audited(models, family)))
