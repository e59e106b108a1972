"""What stands beside a picture or an exported table: the numbers it shows, and where they come
from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flopscope.answers.compare import Comparison
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.present.citations import bibtex
from flopscope.present.compare import comparison_document
from flopscope.present.paper import papers
from flopscope.present.provenance import closed_forms, provenance
from flopscope.present.table import Document
from flopscope.quantities import MACS, formulas

if TYPE_CHECKING:
    from flopscope.search.front import Front

DRAWING = ("matplotlib", "numpy")
"""The packages that shape a picture; a table is shaped by none."""


def of_front(
    front: Front, command: Sequence[str], results: str | None, packages: Sequence[str] = ()
) -> dict[str, Any]:
    """The provenance of a frontier, with the formulas of the networks on it where the cost has
    one."""
    from flopscope.present.pareto import front_document  # NumPy, for which others need not wait

    cost, convention = front.question.criteria[0], front.question.convention
    variants = [front.points[index].variant for index in front.on]
    quantity = convention.name if cost == MACS.name else cost
    names = (str(each) for each in variants if each and quantity in formulas())
    made = provenance(
        command,
        convention,
        formulas=closed_forms(names, quantity),
        files=() if results is None else (results,),
        packages=packages,
    )
    return {**made, "data": front_document(front).data}


def of_comparison(
    comparison: Comparison, command: Sequence[str], packages: Sequence[str] = ()
) -> dict[str, Any]:
    """The provenance of a comparison, with the formula of each network, and its papers in
    BibTeX."""
    convention = comparison.convention
    names = (str(entry.variant) for entry in comparison.entries)
    formulas = closed_forms(names, convention.name)
    made = provenance(command, convention, formulas=formulas, packages=packages)
    cited = [bibtex(paper) for paper in papers(comparison)]
    return {**made, "bibtex": cited, "data": comparison_document(comparison).data}


def of_document(
    document: Document,
    command: Sequence[str],
    convention: Convention | None = None,
    names: Iterable[str] = (),
    packages: Sequence[str] = (),
) -> dict[str, Any]:
    """The provenance of any other table; `names` are the catalogue's networks in it."""
    formulas = closed_forms(names, "macs" if convention is None else convention.name)
    made = provenance(command, convention, formulas=formulas, packages=packages)
    return {**made, "data": document.data}


def of_readings(document: Document, command: Sequence[str]) -> dict[str, Any]:
    """The provenance of a reconciliation or an audit, which go through all conventions."""
    made = provenance(command, CONVENTIONS["macs"])
    sources = {name: convention.source for name, convention in CONVENTIONS.items()}
    return {**made, "conventions": sources, "data": document.data}
