"""What stands beside a picture: the numbers it shows, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.comparison import Comparison
from flopscope.present.compare import comparison_document
from flopscope.present.pareto import front_document
from flopscope.present.provenance import closed_forms, provenance
from flopscope.search.front import Front

PACKAGES = ("matplotlib", "numpy")


def of_front(front: Front, command: Sequence[str], results: str | None) -> dict[str, Any]:
    """The provenance of a frontier; formulas of the networks on it, without those of a clock."""
    cost, convention = front.question.criteria[0], front.question.convention
    variants = [front.points[index].variant for index in front.on]
    names = () if cost == "latency" else (str(variant) for variant in variants if variant)
    quantity = {"macs": convention.name, "int8": "params"}.get(cost, cost)
    made = provenance(
        command,
        convention,
        formulas=closed_forms(names, quantity),
        files=() if results is None else (results,),
        packages=PACKAGES,
    )
    return {**made, "data": front_document(front).data}


def of_comparison(comparison: Comparison, command: Sequence[str]) -> dict[str, Any]:
    """The provenance of a comparison, with the formula of each network."""
    convention = comparison.convention
    names = (str(entry.variant) for entry in comparison.entries)
    formulas = closed_forms(names, convention.name)
    made = provenance(command, convention, formulas=formulas, packages=PACKAGES)
    return {**made, "data": comparison_document(comparison).data}
