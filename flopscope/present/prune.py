"""A pruned network as a document: counts before and after, its groups of channels, formulas in the
widths that are kept, and zeros among weights in theory."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.prune.channels import Group
from flopscope.answers.prune.density import Sparse
from flopscope.answers.prune.prune import Pruning, names
from flopscope.present.numbers import integer, percent
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import wrapped
from flopscope.readings import Reading

SCHEMA = "flopscope.prune/1"
EXACT = (
    "Counts after are those of the rows with fewer channels, which are the rows of the slimmed "
    "module that `fs.prune(…).build()` makes."
)
THEORY = (
    "This is theory, and in no other count: kernels for dense tensors multiply zeros like other "
    "numbers, so time and memory stay as they are unless a kernel skips them."
)


def prune_document(found: Pruning, *, formula: bool = False) -> Document:
    """All tables. `formula` adds parameters and MACs as formulas in the kept widths."""
    tables = [_counts(found)]
    if found.density is not None:
        tables.append(_theory(found.density))
    tables.append(_groups(found, formula=formula))
    return Document(tables, partial(_data, found))


def _counts(found: Pruning) -> Table:
    columns = [
        Column("quantity", "", numeric=False),
        Column("before", "Before", integer),
        Column("after", "After", integer),
        Column("left", "Left\n%"),
    ]
    pruned = found.ledger
    pairs = {
        "parameters": (found.full.params(), pruned.params()),
        "MACs": (found.full.macs(), pruned.macs()),
        "bytes of weights": (found.full.weight_bytes(), pruned.weight_bytes()),
        "activations": (found.full.activations(), pruned.activations()),
    }
    rows = [
        [name, int(before.value), int(after.value), percent(int(after.value), int(before.value))]
        for name, (before, after) in pairs.items()
    ]
    sizes = " and ".join("×".join(map(str, each.shape)) for each in found.inputs)
    title = (
        f"{found.target.name} on {sizes}: groups of channels keep {float(found.keep):g} of them, "
        f"{len(found.kept)} of {len(found.groups.groups)} groups can lose some."
    )
    missing = dict.fromkeys((*pairs["MACs"][0].missing, *pairs["MACs"][1].missing))
    notes = [f"Unknown operators make MACs lower bounds: {', '.join(missing)}."] * bool(missing)
    return Table(columns, rows, title, [EXACT, *notes])


def _theory(thin: Sparse) -> Table:
    columns = [
        Column("quantity", "", numeric=False),
        Column("dense", "Dense", integer),
        Column("sparse", "Sparse", integer),
        Column("left", "Left\n%"),
    ]
    rows = [
        ["weights that are not zero", thin.weights, thin.left, percent(thin.left, thin.weights)],
        ["MACs by them", thin.macs, thin.reached, percent(thin.reached, thin.macs)],
        ["bytes with a mask", thin.dense_bytes, thin.bytes, percent(thin.bytes, thin.dense_bytes)],
    ]
    title = (
        f"In theory, at a density of {float(thin.density):g} in each convolution and linear layer:"
    )
    return Table(columns, rows, title, [THEORY], aside=True)


def _groups(found: Pruning, *, formula: bool) -> Table:
    symbols = found.symbols
    columns = [
        Column("layers", "Channels of", names, numeric=False, raw=names, fold=_folded),
        *([Column("symbol", "Width", numeric=False)] if formula else []),
        Column("before", "Before"),
        Column("after", "After"),
        Column("whole", "Kept whole, since", numeric=False, fold=wrapped),
    ]
    rows = []
    for number, group in found.groups.groups.items():
        symbol = [symbols.get(number)] if formula else []
        why = why_whole(found, number)
        row = [group, *symbol, group.width, found.kept.get(number, group.width), why or None]
        rows.append(row)
    notes = []
    if formula:
        notes = [f"{name}: {found.formula(key)}." for name, key in _FORMULAS.items()]
    return Table(columns, rows, "Groups of channels.", notes, aside=True)


_FORMULAS = {"Parameters": "params", "MACs": "macs"}


def why_whole(found: Pruning, number: int) -> str:
    """Why a group keeps all of its channels; empty where it does not have to."""
    if number in found.skipped:
        return "asked for"
    return found.groups.groups[number].whole


def _folded(group: Group, room: int) -> str:
    return wrapped(names(group), room)


def _data(found: Pruning) -> dict[str, Any]:
    thin, pruned = found.density, found.ledger
    return {
        "schema": SCHEMA,
        "target": found.target.name,
        "inputs": [list(each.shape) for each in found.inputs],
        "convention": "macs",
        "keep": float(found.keep),
        "before": _read(found.full.params(), found.full.macs()),
        "after": _read(pruned.params(), pruned.macs()),
        "formulas": {key: str(found.formula(key)) for key in _FORMULAS.values()},
        "groups": [
            {
                "layers": list(group.layers),
                "symbol": found.symbols.get(number),
                "before": group.width,
                "after": found.kept.get(number, group.width),
                "whole": why_whole(found, number) or None,
            }
            for number, group in found.groups.groups.items()
        ],
        "theory": None
        if thin is None
        else {
            "density": float(thin.density),
            "weights": thin.weights,
            "nonzero_weights": thin.left,
            "macs": thin.macs,
            "macs_by_nonzero_weights": thin.reached,
            "bytes_with_mask": thin.bytes,
        },
    }


def _read(params: Reading, macs: Reading) -> dict[str, Any]:
    return {"params": params.value, "macs": macs.value, "complete": macs.complete}
