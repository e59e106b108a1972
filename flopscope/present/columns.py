"""The columns that a table can be asked for, by the names that --columns takes: one list for the
tables of networks and for those of a network's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from flopscope.catalog.latencies import device
from flopscope.catalog.metrics import METRICS
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput, UnknownName
from flopscope.present.table import Column, Document, Table
from flopscope.quantities import ALIASES, COUNT, Quantity, askable

SHARE = "%"
"""It ends the name of a column of shares, as in params%."""

PERCENT = "percent"
"""The name of the column with the shares of the count."""


LATENCY = "latency:"
"""It begins the name of a column of published latencies, which the name of a device ends."""

TIME, PREDICTED = "latency", "predicted:"
"""The column of the latency that is predicted on the one device that is named beside it, and what
begins its name where several are."""


class Rows(Enum):
    """What the rows of a table are, in the words of a sentence."""

    NETWORKS = "networks"
    PARTS = "parts of a network"


COMMANDS: Mapping[Rows, str] = {Rows.NETWORKS: "compare", Rows.PARTS: "profile"}
"""A command with a table of such rows."""


class Fact(NamedTuple):
    """What a column says that is no quantity, and the rows of which it can be said."""

    words: str
    rows: tuple[Rows, ...]


BOTH, NETWORKS, PARTS = tuple(Rows), (Rows.NETWORKS,), (Rows.PARTS,)

FACTS: Mapping[str, Fact] = {
    "input": Fact("size of the input", BOTH),
    "path": Fact("path of the module, in place of its name in the tree", PARTS),
    "stage": Fact("stage of the part", PARTS),
    "block": Fact("block of the part", PARTS),
    "kind": Fact("kind of operator, such as depthwise convolution", PARTS),
    "operator": Fact("kind, kernel and stride in short, such as depthwise 3×3 /2", PARTS),
    "output": Fact("size of the output", PARTS),
    "kernel": Fact("kernel of a convolution or pooling", PARTS),
    "stride": Fact("its stride", PARTS),
    "padding": Fact("its padding", PARTS),
    "dilation": Fact("its dilation", PARTS),
    "groups": Fact("groups of a convolution", PARTS),
    "top1": Fact("published accuracy, top-1 on ImageNet-1k in %", NETWORKS),
    **{name: Fact(metric.told, NETWORKS) for name, metric in METRICS.items()},
    "params_ratio": Fact("parameters over those of the first network", NETWORKS),
    "count_ratio": Fact("count over that of the first network", NETWORKS),
    "source": Fact("where the network comes from", NETWORKS),
    "year": Fact("year of its paper", NETWORKS),
    "cite": Fact("arXiv number of its paper, in LaTeX a citation", NETWORKS),
}
"""The columns that are no quantities."""

_ANY = CONVENTIONS["macs"]
"""The names of quantities are the same under each convention."""


def known(rows: Rows) -> dict[str, str]:
    """The columns that a table of such rows can be asked for, each with its words."""
    facts = {name: fact.words for name, fact in FACTS.items() if rows in fact.rows}
    shares = {PERCENT: "share of the count in the network's, in %"}
    amounts = {name: _words(row) for name, row in askable(_ANY).items()}
    found = {"input": facts.pop("input"), **(facts if rows is Rows.PARTS else {}), **amounts}
    return found | (shares if rows is Rows.PARTS else facts)


def _words(row: Quantity) -> str:
    if row.key == COUNT:
        return "work, counted under --convention"
    if row.convention:
        return f"{row.unit}, counted under the convention {row.convention}"
    unit = f" ({row.unit})" if row.unit and row.unit not in row.words else ""
    return f"{row.words}{unit}"


def parse_columns(text: str, rows: Rows) -> tuple[str, ...]:
    """Read 'params, macs' as the names of columns; blanks beside a comma do not matter.

    Raises UnknownName for a column that is not known, BadInput for one that is given twice, one of
    other rows, and for a name that is left out.

    >>> parse_columns("params, fp32,macs%", Rows.PARTS)
    ('params', 'weights', 'macs%')
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        what = f"--columns {text} leaves out a name" if any(names) else "--columns is empty"
        raise BadInput(f"{what}; give names of columns such as params,macs; {_help(rows)}")
    return checked_columns(names, rows)


def checked_columns(names: Sequence[str], rows: Rows) -> tuple[str, ...]:
    """The names, each as it is called in the tables. Raises as `parse_columns` does."""
    found = [canonical(name) for name in names]
    for name in found:
        check_column(name, rows)
    return check_once(found)


def check_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names. Raises BadInput for one that is given twice."""
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"the column {twice[0]} is given twice; give it once")
    return tuple(names)


def canonical(name: str) -> str:
    """The name by which tables know the column.

    >>> canonical("fp32"), canonical("fp32%")
    ('weights', 'weights%')
    """
    base = name.removesuffix(SHARE)
    return ALIASES.get(base, base) + name[len(base) :]


def check_column(name: str, rows: Rows) -> None:
    """Raises UnknownName or BadInput for a name that is no column of such rows."""
    if is_timed(name) and rows is Rows.NETWORKS:
        if name.startswith(LATENCY):
            device(name.removeprefix(LATENCY))
        return
    check_untimed(name)
    names = known(rows)
    if name in names or (rows is Rows.PARTS and _is_share(name)):
        return
    if name in FACTS or name == PERCENT or _is_share(name) or name.startswith(LATENCY):
        other = next(each for each in Rows if each is not rows)
        raise BadInput(
            f"the column {name} is of {other.value}, as in flopscope {COMMANDS[other]}; "
            f"these rows are {rows.value}; {_help(rows)}"
        )
    raise UnknownName("column", name, [*names, *ALIASES], more=_help(rows))


def is_timed(name: str) -> bool:
    """Is it a column of latencies, published or predicted?"""
    return name == TIME or name.startswith((LATENCY, PREDICTED))


def check_untimed(name: str) -> None:
    """Raises BadInput for a predicted latency, which rows that are parts of a network have not."""
    if name == TIME or name.startswith(PREDICTED):
        raise BadInput(
            f"{name} is of {Rows.NETWORKS.value}, as in `flopscope compare --device NAME`; how "
            f"long {Rows.PARTS.value} take says `flopscope predict --by layer`"
        )


def share_of(name: str) -> str | None:
    """The quantity whose shares a column has, by its name; None for another column."""
    if name == PERCENT:
        return COUNT
    return name.removesuffix(SHARE) if name.endswith(SHARE) else None


def _is_share(name: str) -> bool:
    base = askable(_ANY).get(share_of(name) or "")
    return base is not None and base.additive


def _help(rows: Rows) -> str:
    return f"`flopscope {COMMANDS[rows]} --columns help` lists them"


def columns_document(rows: Rows) -> Document:
    """The columns that can be asked for, a line each, as --columns help prints them."""
    names = known(rows)
    headings = [Column("column", "Column", numeric=False), Column("what", "What", numeric=False)]
    lines = [[_with_alias(name), words] for name, words in names.items()]
    notes = [f"Rows are {rows.value}; --columns takes names with commas between them."]
    if rows is Rows.NETWORKS:
        notes += [
            f"{LATENCY}DEVICE is the published latency on a device, as in "
            f"{LATENCY}pixel3-cpu-tflite; `flopscope latencies` lists the devices.",
            f"{TIME} is the predicted latency on --device; where several are given, "
            f"{PREDICTED}DEVICE is that on one of them.",
        ]
    if rows is Rows.PARTS:
        notes += [f"{SHARE} behind a quantity that adds up gives its shares, as in params{SHARE}."]
    data = {"schema": "flopscope.columns/1", "columns": names}
    return Document([Table(headings, lines, notes=notes)], data)


def _with_alias(name: str) -> str:
    others = [alias for alias, of in ALIASES.items() if of == name]
    return ", ".join([name, *others])
