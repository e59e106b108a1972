"""An exported network as data: everything that its tables tell, for programs."""

from __future__ import annotations

from typing import Any

from flopscope.answers.export import Exported
from flopscope.answers.exporting.checked import TOLERANCE, Check
from flopscope.answers.exporting.stages import CONVENTION, Stage, Step
from flopscope.present.export_runtimes import runtime_data
from flopscope.quantities import Place, Quantity, columns

SCHEMA = "flopscope.export/1"


def stage_quantities() -> list[Quantity]:
    """What is told of each stage: parameters, work, and bytes of weights."""
    asked = columns(Place.NETWORKS, CONVENTION)
    wanted = ("params", CONVENTION.name, "weight_bytes")
    return [row for row in asked if row.name in wanted]


def export_data(found: Exported, name: str) -> dict[str, Any]:
    """The facts as one object, for files of this name."""
    return {
        "schema": SCHEMA,
        "model": found.target.name,
        "opset": found.overview.opset,
        "inputs": [
            {"name": each, "type": found.overview.types[each], "sizes": list(sizes)}
            for each, sizes in found.overview.inputs.items()
        ],
        "bytes": len(found.content),
        "agrees": found.agrees,
        "tolerance": TOLERANCE,
        "checks": [_check_data(each) for each in found.checks],
        "check_with_other_statistics": found.again and _check_data(found.again),
        "convention": CONVENTION.name,
        "stages": [_stage_data(stage) for stage in found.stages],
        "steps": [_step_data(step) for step in found.steps],
        "beyond_the_domain": found.beyond,
        "largest_sizes_are_run": not found.unrun,
        "versions": dict(found.versions),
        **runtime_data(found, name),
    }


def _check_data(each: Check) -> dict[str, Any]:
    return {
        "inputs": [list(shape) for shape in each.shapes],
        "absolute": each.absolute,
        "relative": each.relative,
        "same": each.is_same,
    }


def _stage_data(stage: Stage) -> dict[str, Any]:
    ledger = stage.entry.ledger
    read = {row.column: row.read(ledger) for row in stage_quantities()}
    return {
        "stage": stage.name,
        "rows": len(ledger),
        **{key: int(value) for key, value in read.items()},
        "exact": all(value.complete for value in read.values()),
        "nodes": stage.nodes,
        "operators": dict(sorted(stage.operators.items())),
        "file_bytes": stage.bytes,
    }


def _step_data(step: Step) -> dict[str, Any]:
    asked = columns(Place.PARTS, CONVENTION)
    return {
        "from": step.before.name,
        "to": step.after.name,
        "same_macs": not step.other_macs,
        "rows_with_other_macs": [pair.path for pair in step.other_macs],
        "rows": [
            {
                "kind": fate.what,
                "fate": fate.fate,
                "number": fate.count,
                "difference": {row.column: fate.difference(row) for row in asked},
                "first": fate.example,
            }
            for fate in step.fates
        ],
    }
