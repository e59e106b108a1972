"""Closed forms and traces against their witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.networks import formed, named
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.compare import Comparison


@dataclass(frozen=True, repr=False)
class AgreementReport(Report):
    """The report that `check` returns. It is false where anything differs."""

    comparison: Comparison

    def document(self) -> Document:
        """The counts beside those of the witnesses."""
        from flopscope.present.check import agreement_document

        return agreement_document(self.comparison.entries)

    @property
    def about(self) -> str:
        verdict = "agrees" if self.holds else "differs"
        return f"{named(self.comparison.entries)}: {verdict}"

    @property
    def holds(self) -> bool:
        return self.comparison.agrees


@dataclass(frozen=True, repr=False)
class ProofReport(Report):
    """The report that `check` with `prove` returns: for each model, and each case of a block,
    whether closed form and traced formula are the same. It is false where one is not."""

    proofs: tuple[Any, ...]

    def document(self) -> Document:
        """Each identity, and whether it holds."""
        from flopscope.present.proof import proof_document

        return proof_document(self.proofs)

    @property
    def about(self) -> str:
        return ", ".join(dict.fromkeys(str(subject) for subject, _ in self.proofs))

    @property
    def holds(self) -> bool:
        return all(proof for _, proof in self.proofs)


@public(inputs=shapes)
def check(
    *targets: str | nn.Module,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    inputs: Shapes = (),
    example: Mapping[str, int] | None = None,
    form: str | None = None,
    prove: bool = False,
) -> AgreementReport | ProofReport:
    """Each closed form against the real module, row by row, with fvcore and torch as witnesses; any
    other network's trace against fvcore and torch, in total. With `prove`, as formulas for all
    sizes.

    Needs torch and fvcore; raises BadInput where they are not installed.
    """
    from flopscope.answers import check as answers

    if not prove:
        found = answers.check(
            formed(targets, form), res=res, batch=batch, inputs=inputs, example=example
        )
        return AgreementReport(found)
    if res is not None or batch != 1 or inputs or example:
        raise BadInput(
            "prove holds for every size and takes no res, batch, inputs or example; leave them out"
        )
    return ProofReport(answers.prove(_names(formed(targets, form))))


def _names(targets: Sequence[str | nn.Module]) -> list[str]:
    """The targets, if all are texts. Raises BadInput for a module."""
    for target in targets:
        if not isinstance(target, str):
            raise BadInput(
                f"{type(target).__name__} is a module, and prove is for models of the catalogue "
                "and blocks; without it fvcore and torch count the module"
            )
    return [target for target in targets if isinstance(target, str)]
