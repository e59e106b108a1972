"""Two networks row by row as a document: what they have in total, and what became of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flopscope.answers.compare import Entry
from flopscope.answers.diff import Diff, Pair, Verdict, added
from flopscope.answers.operators import operator_text, shape_text
from flopscope.answers.parts import CountedRow
from flopscope.ledger import kind_name
from flopscope.present.numbers import integer, percent
from flopscope.present.operators import path_lines
from flopscope.present.quantities import (
    is_count,
    ledger_data,
    number,
    number_briefly,
    reading_column,
)
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import identity, input_text, inputs_data, reservations, wrapped
from flopscope.quantities import Place, Quantity, columns, keys
from flopscope.readings import Reading

UNKNOWN = "unknown"
"""In place of a difference that a cost without a number takes part in."""

NETWORK = "(network)"
"""The name of a row that the network runs itself, outside its modules."""

SHOWN_NAMES = 3
"""Rows of other names that a note gives as examples."""


def diff_document(found: Diff, *, everything: bool = False) -> Document:
    """The totals, and then the rows that differ, or all of them; or the differences summed by
    module, layer, block, stage or kind, where that is asked for."""
    rows = _rows(found, everything) if found.by is None else _groups(found, found.by)
    return Document([_totals(found), rows], _data(found, everything))


# --- the totals -----------------------------------------------------------------------------------


def _totals(found: Diff) -> Table:
    asked = columns(Place.NETWORKS, found.convention)
    shown = [Column("model", "Network", numeric=False, fold=wrapped)]
    shown += [_mixed_column(row) for row in asked]
    both = [found.before, found.after]
    read = [[row.read(entry.ledger) for row in asked] for entry in both]
    differences = [_or_unknown(found.total(row)) for row in asked]
    rows = [[entry.name, *cells] for entry, cells in zip(both, read, strict=True)]
    rows.append(["difference", *differences])
    rows.append(["in %", *(_in_percent(d, a) for d, a in zip(differences, read[0], strict=True))])
    return Table(shown, rows, _title(found), _notes(found), aside=True)


def _mixed_column(row: Quantity) -> Column:
    """A column of readings, of their difference, and of that in per cent."""
    readings, write = (
        reading_column(row),
        _signed(number_briefly(row) if row.brief else number(row)),
    )
    return replace(
        readings,
        text=lambda cell: readings.text(cell) if isinstance(cell, Reading) else write(cell),
        raw=lambda cell: cell if isinstance(cell, str) else int(cell),
        fold=None,
        best=None,
    )


def _or_unknown(difference: int | None) -> int | str:
    return UNKNOWN if difference is None else difference


def _in_percent(difference: int | str, before: Reading) -> str:
    if isinstance(difference, str) or not (before.complete and int(before)):
        return ""
    share = percent(abs(difference), int(before))
    return share if float(share) == 0 else _sign(difference) + share


def _signed(write: Callable[[int], str]) -> Callable[[int | str], str]:
    return lambda cell: cell if isinstance(cell, str) else _sign(cell) + write(abs(cell))


def _sign(value: int) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""


def _title(found: Diff) -> str:
    entries, counting = (found.before, found.after), found.convention
    at = {f"Input {input_text(e)}, batch {e.batch}" for e in entries}
    sizes = at.pop() if len(at) == 1 else "Each at its own input: " + _own_sizes(found)
    return f"{sizes}. {counting.unit}, convention {counting.name}: {counting.counts}."


def _own_sizes(found: Diff) -> str:
    first, second = found.before, found.after
    return (
        f"{input_text(first)}, batch {first.batch}, and {input_text(second)}, batch {second.batch}"
    )


def _notes(found: Diff) -> list[str]:
    notes = [_verdict(found)]
    renamed = [pair for pair in found.pairs if pair.verdict is Verdict.RENAMED]
    if renamed:
        such = ", ".join(_names(pair) for pair in renamed[:SHOWN_NAMES])
        are = "row has another name" if len(renamed) == 1 else "rows have other names"
        notes.append(f"{len(renamed)} {are}: {such}{' …' if len(renamed) > SHOWN_NAMES else ''}")
    for entry in (found.before, found.after):
        notes += reservations(entry, found.convention)
    return list(dict.fromkeys(notes))


def _verdict(found: Diff) -> str:
    counts = found.verdicts
    alike = counts[Verdict.SAME] + counts[Verdict.RENAMED]
    if found.same:
        return f"The networks are the same, row by row: {_rows_text(alike)}."
    others = (Verdict.CHANGED, Verdict.MOVED, Verdict.REMOVED, Verdict.ADDED)
    said = [f"{counts[each]} {each.value}" for each in others if counts[each]]
    return f"Rows: {', '.join([f'{alike} the same', *said])}."


def _rows_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


# --- the rows -------------------------------------------------------------------------------------


def _rows(found: Diff, everything: bool) -> Table:
    pairs = found.pairs if everything else [p for p in found.pairs if _tells(found, p)]
    shown = [
        Column("row", "Row", numeric=False),
        Column(
            "layer", "Layer", _names, numeric=False, raw=lambda pair: pair.path,
            fold=lambda pair, room: path_lines(_names(pair), room),
        ),
        Column("was", "Was", numeric=False, shown=False),
        Column("what", "What it is,\nor what changed", numeric=False, fold=wrapped),
        *_difference_columns(found),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [pair.verdict.value, pair, pair.former, _what(pair), *_differences(found, [pair])]
        for pair in pairs
    ]
    rows.append(["total", None, None, None, *_differences(found, found.pairs)])
    followed = sum(1 for pair in found.pairs if _is_quiet(found, pair)) if not everything else 0
    notes = []
    if followed:
        notes.append(
            f"{_rows_text(followed)} changed only in size, as those before, and cost the same; "
            "--all shows them."
        )
    return Table(shown, rows, notes=notes, total=True)


def _tells(found: Diff, pair: Pair) -> bool:
    return not _all_same([pair]) and not _is_quiet(found, pair)


def _is_quiet(found: Diff, pair: Pair) -> bool:
    """Did only its sizes change, at no cost?"""
    return pair.follows and found.costs_nothing(pair)


def _difference_columns(found: Diff) -> list[Column]:
    """One for each quantity of parts; people see the work and the parameters."""
    write = _signed(integer)
    return [
        Column(
            f"{row.column}_difference", f"Δ {row.heading}", write,
            raw=lambda cell: None if isinstance(cell, str) else cell, shown=not row.brief,
            counted=is_count(row),
        )
        for row in found.quantities
    ]  # fmt: skip


def _differences(found: Diff, pairs: Sequence[Pair]) -> list[int | str]:
    return [_or_unknown(added(p.difference(row) for p in pairs)) for row in found.quantities]


def _names(pair: Pair) -> str:
    own = pair.path or NETWORK
    return own if pair.former is None else f"{pair.former or NETWORK} → {own}"


def _what(pair: Pair) -> str:
    """What changed of a row, or what it is where only one network has it or nothing changed."""
    return ", ".join(map(str, pair.changes)) or _described(pair.sides[-1])


def _described(counted: CountedRow) -> str:
    row = counted.row
    took, gave = shape_text(row.operand[1:]), shape_text(row.output[1:])
    return f"{operator_text(row)}, {gave if took == gave else f'{took} → {gave}'}"


# --- sums of them ---------------------------------------------------------------------------------


def _groups(found: Diff, by: str) -> Table:
    shown = [
        Column(by, by.capitalize(), numeric=False, fold=path_lines),
        Column("rows", "Rows that differ", numeric=False),
        *_difference_columns(found),
    ]
    groups = {key: pairs for key, pairs in found.groups().items() if not _all_same(pairs)}
    rows: list[list[Any]] = [
        [key, _counts_text(pairs), *_differences(found, pairs)] for key, pairs in groups.items()
    ]
    rows.append(["total", _counts_text(found.pairs), *_differences(found, found.pairs)])
    return Table(shown, rows, total=True)


def _all_same(pairs: Sequence[Pair]) -> bool:
    return all(pair.verdict in (Verdict.SAME, Verdict.RENAMED) for pair in pairs)


def _counts_text(pairs: Sequence[Pair]) -> str:
    counts = Counter(pair.verdict for pair in pairs)
    others = (Verdict.CHANGED, Verdict.MOVED, Verdict.REMOVED, Verdict.ADDED)
    return ", ".join(f"{counts[each]} {each.value}" for each in others if counts[each])


# --- JSON -----------------------------------------------------------------------------------------


def _data(found: Diff, everything: bool) -> dict[str, Any]:
    rows = [
        p for p in found.pairs if everything or p.verdict not in (Verdict.SAME, Verdict.RENAMED)
    ]
    data: dict[str, Any] = {
        "schema": "flopscope.diff/1",
        "convention": found.convention.name,
        "unit": found.convention.unit,
        "before": _entry_data(found, found.before),
        "after": _entry_data(found, found.after),
        "same": found.same,
        "rows_by_verdict": {each.value: found.verdicts[each] for each in Verdict},
        "difference": _difference_data(found, found.pairs),
        "rows": [_pair_data(found, pair) for pair in rows],
    }
    if found.by is not None:
        data["by"] = found.by
        data["groups"] = [
            {"group": key, "difference": _difference_data(found, pairs)}
            for key, pairs in found.groups().items()
        ]
    return data


def _entry_data(found: Diff, entry: Entry) -> dict[str, Any]:
    counts = ledger_data(entry.ledger, Place.PARTS, found.convention)
    return {**identity(entry), **inputs_data(entry), "batch": entry.batch, **counts}


def _difference_data(found: Diff, pairs: Sequence[Pair]) -> dict[str, int | None]:
    asked = keys(Place.PARTS, found.convention)
    return {row.key: added(pair.difference(row) for pair in pairs) for row in asked}


def _pair_data(found: Diff, pair: Pair) -> dict[str, Any]:
    before, after = (None if side is None else side.row for side in (pair.before, pair.after))
    return {
        "row": pair.verdict.value,
        "before": None if before is None else before.path,
        "after": None if after is None else after.path,
        "operator": kind_name(pair.sides[-1].row),
        "changes": [change._asdict() for change in pair.changes],
        "difference": _difference_data(found, [pair]),
    }
