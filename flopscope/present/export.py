"""An exported network as a document: what it costs as a module, as a file and as it runs, what was
compared, and what the asked runtime needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from flopscope.answers.export import BASIC, EXTENDED, Exported
from flopscope.answers.exporting.checked import MOST_MEMORY, TOLERANCE
from flopscope.answers.exporting.stages import CONVENTION, Fate, Stage, Step
from flopscope.answers.target import Source
from flopscope.brief import number_of
from flopscope.present.diff import UNKNOWN
from flopscope.present.export_data import export_data, stage_quantities
from flopscope.present.export_runtimes import runtime_tables
from flopscope.present.numbers import integer
from flopscope.present.operators import path_lines
from flopscope.present.quantities import reading_column
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import wrapped
from flopscope.quantities import Place, Quantity, columns

NAME = "net"
"""How files are called where no name is given."""

STAGES: Mapping[str, str] = {
    "module": "module",
    "file": "file",
    BASIC: "optimised, basic",
    EXTENDED: "optimised, extended",
}
"""The stages of a network, as tables call them."""
NAMED = 3
"""The most rows that a note names."""


def export_document(found: Exported, output: str | None = None) -> Document:
    """The stages, the comparisons, what became of rows and nodes, and what the runtime needs. The
    files are called as `output` is."""
    tables = [_stage_table(found)]
    if found.checks:
        tables.append(_check_table(found))
    if any(step.fates for step in found.steps):
        tables.append(_fate_table(found))
    if operators := _operators(found):
        tables.append(_operator_table(found, operators))
    name = stem(output)
    return Document([*tables, *runtime_tables(found, name)], lambda: export_data(found, name))


def stem(output: str | None) -> str:
    """The name of the files without what each ends in."""
    return PurePath(output).stem if output else NAME


# --- the stages -----------------------------------------------------------------------------------


def _stage_table(found: Exported) -> Table:
    asked = stage_quantities()
    shown = [
        Column("stage", "Network", numeric=False, fold=wrapped),
        Column("nodes", "Nodes", integer),
        Column("rows", "Rows", integer),
        *map(reading_column, asked),
        Column("file_bytes", "File\nbytes", integer),
    ]
    rows = [
        [
            STAGES[stage.name], stage.nodes, len(stage.entry.ledger),
            *(row.read(stage.entry.ledger) for row in asked), stage.bytes,
        ]
        for stage in found.stages
    ]  # fmt: skip
    return Table(shown, rows, _title(found), _notes(found))


def _title(found: Exported) -> str:
    shapes = _shapes(found.checks[0].shapes) if found.checks else _own(found)
    open_ = {size for dims in found.overview.inputs.values() for size in dims if size == str(size)}
    left = f", open: {', '.join(sorted(open_))}" if open_ else ""
    return (
        f"{found.target.name} on {shapes} as ONNX, version {found.overview.opset} of its "
        f"operators{left}. {CONVENTION.unit}, convention {CONVENTION.name}: {CONVENTION.counts}."
    )


def _own(found: Exported) -> str:
    entry = found.stages[0].entry
    return _shapes([tuple(map(int, shape)) for shape in entry.shapes])


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return " and ".join("×".join(map(str, shape)) for shape in shapes)


def _notes(found: Exported) -> list[str]:
    notes = [_macs_note(step) for step in found.steps if step.before.name == "module"]
    if found.checks:
        drawn = found.target.source not in (Source.OWN, Source.ONNX)
        notes.append(
            "weights, biases and the statistics of norms are drawn, and always the same"
            if drawn
            else "the file has the weights that the module has"
        )
    if found.fresh and found.again is None:
        notes.append(
            "its norms have the statistics with which norms are made, and it cannot be copied to "
            "give it others, so that a file without norms would compute nearly the same"
        )
    if not found.agrees:
        notes.append(_disagreement(found))
    left_out = len(found.checks[0].shapes) - len(found.overview.inputs) if found.checks else 0
    if left_out > 0:
        notes.append(
            f"no result depends on {number_of(range(left_out), 'input')}, which the file leaves out"
        )
    notes.append(f"optimised: as {found.versions['onnxruntime']} rewrites the file to run it")
    if found.beyond:
        notes.append(found.beyond)
    if found.unrun:
        notes.append(
            f"the largest sizes are not run here, as they take more than {MOST_MEMORY >> 30} GiB"
        )
    return notes


def _disagreement(found: Exported) -> str:
    runs = (*found.checks, *([found.again] if found.again else []))
    if any(each.relative is None for each in runs):
        return (
            "the results are 0 or not finite, so that nothing could be compared; the file is not "
            "written"
        )
    return (
        f"the file computes something else than the module, by more than {TOLERANCE:g} of the "
        "largest value; it is not written"
    )


def _macs_note(step: Step) -> str:
    others = step.other_macs
    if not others:
        return "the file has the MACs of the module, row by row"
    named = ", ".join(pair.path for pair in others[:NAMED])
    more = " …" if len(others) > NAMED else ""
    return f"{number_of(others, 'row')} of the file and the module differ in MACs: {named}{more}"


# --- the comparisons ------------------------------------------------------------------------------


def _check_table(found: Exported) -> Table:
    shown = [
        Column("input", "Input", numeric=False),
        Column("absolute", "Largest\ndifference", _power),
        Column("relative", "Over the\nlargest value", _power),
    ]
    rows = [[_shapes(each.shapes), each.absolute, each.relative] for each in found.checks]
    notes = []
    if found.again is not None:
        rows.append(
            [f"{_shapes(found.again.shapes)} *", found.again.absolute, found.again.relative]
        )
        notes.append(
            "*: of a copy whose norms have other statistics; those of the module are as norms are "
            "made, so that a file without them would compute nearly the same"
        )
    title = "The results of the file in ONNX Runtime beside those of the module, in float32."
    return Table(shown, rows, title, notes)


def _power(value: float) -> str:
    return f"{value:.1e}" if value else "0"


# --- what became of rows and nodes ----------------------------------------------------------------


def _fate_table(found: Exported) -> Table:
    asked = [q for q in columns(Place.PARTS, CONVENTION) if q.name in ("params", CONVENTION.name)]
    shown = [
        Column("step", "From → to", numeric=False, fold=wrapped),
        Column("kind", "Rows", numeric=False, fold=wrapped),
        Column("fate", "What became\nof them", numeric=False, fold=wrapped),
        Column("number", "Number", integer),
        *(
            Column(f"{row.column}_difference", f"Δ {row.heading}", _signed, raw=_raw)
            for row in asked
        ),
        Column("example", "First", numeric=False, fold=path_lines),
    ]
    rows = [
        [
            f"{step.before.name} → {step.after.name}", fate.what, fate.fate, fate.count,
            *(_difference(fate, row) for row in asked), fate.example,
        ]
        for step in found.steps
        for fate in step.fates
    ]  # fmt: skip
    return Table(shown, rows, "What became of the rows that are not the same.")


def _difference(fate: Fate, quantity: Quantity) -> int | str:
    found = fate.difference(quantity)
    return UNKNOWN if found is None else found


def _raw(cell: int | str) -> int | None:
    return None if isinstance(cell, str) else cell


def _signed(cell: int | str) -> str:
    if isinstance(cell, str):
        return cell
    return f"{'+' if cell > 0 else '−' if cell < 0 else ''}{integer(abs(cell))}"


def _graphs(found: Exported) -> list[Stage]:
    return [stage for stage in found.stages if stage.nodes is not None]


def _operators(found: Exported) -> list[str]:
    """The operators of which not all graphs have the same number of nodes."""
    graphs = _graphs(found)
    names = dict.fromkeys(name for stage in graphs for name in sorted(stage.operators))
    return [n for n in names if len({stage.operators.get(n, 0) for stage in graphs}) > 1]


def _operator_table(found: Exported, operators: Sequence[str]) -> Table:
    graphs = _graphs(found)
    shown = [
        Column("operator", "Operator", numeric=False, fold=wrapped),
        *(Column(stage.name, stage.name.capitalize(), integer) for stage in graphs),
    ]
    rows = [[name, *(stage.operators.get(name, 0) for stage in graphs)] for name in operators]
    title = "The nodes that the optimised graphs do without, and those in their place."
    return Table(shown, rows, title)
