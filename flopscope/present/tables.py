"""What stands beside an exported table: the command that makes it again, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.comparison import Comparison
from flopscope.conventions import CONVENTIONS
from flopscope.present.citations import bibtex
from flopscope.present.paper import papers
from flopscope.present.provenance import closed_forms, provenance


def made_of_comparison(comparison: Comparison, command: Sequence[str]) -> dict[str, Any]:
    """The provenance of a comparison: each network's formula, and its papers in BibTeX."""
    convention = comparison.convention
    names = (str(entry.variant) for entry in comparison.entries)
    made = provenance(command, convention, formulas=closed_forms(names, convention.name))
    return {**made, "bibtex": [bibtex(paper) for paper in papers(comparison)]}


def made_of_reports(command: Sequence[str]) -> dict[str, Any]:
    """The provenance of a reconciliation or an audit, which go through all conventions."""
    made = provenance(command, CONVENTIONS["macs"])
    return {**made, "conventions": {name: c.source for name, c in CONVENTIONS.items()}}
