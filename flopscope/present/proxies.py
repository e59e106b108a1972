"""Zero-cost proxies as a table: their values, and beside each what it knows of accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flopscope.answers.proxies import Proxies, Scored
from flopscope.catalog.proxies import CORRELATIONS, MEASURED_ON, Correlation, Proxy
from flopscope.present.numbers import integer
from flopscope.present.table import Column, Document, Table


def proxies_document(found: Proxies) -> Document:
    """The values with their correlations, and what each proxy is."""
    return Document([_values(found), _definitions(found)], partial(_data, found))


def _values(found: Proxies) -> Table:
    columns = [
        Column("proxy", "Proxy", numeric=False),
        *(Column(each.name, _heading(each.name), value_text) for each in found.networks),
        Column("spearman", "Correlation\nwith accuracy", _plain, raw=lambda row: row.spearman),
        Column("spearman_given_macs", "The same,\ngiven MACs", _given, raw=_raw_given),
    ]
    rows = [
        [
            proxy.name,
            *(_number(each.values[proxy.name]) for each in found.networks),
            CORRELATIONS[proxy.name],
            CORRELATIONS[proxy.name],
        ]
        for proxy in found.asked
    ]
    inputs = ", ".join(dict.fromkeys(_image(each) for each in found.networks))
    title = f"Zero-cost proxies at {inputs}, on {found.batch} random images, seed {found.seed}."
    return Table(columns, rows, title, _notes(found))


def _notes(found: Proxies) -> list[str]:
    lacking = [
        f"{each.name} has no {name}: {value}."
        for each in found.networks
        for name, value in each.values.items()
        if isinstance(value, str)
    ]
    return [
        *lacking,
        f"Correlations are Spearman's, with 95 % bootstrap intervals, of {MEASURED_ON}. Given MACs "
        "they are partial ones: what a proxy knows beside the MACs.",
        _verdict([proxy.name for proxy in found.asked]),
    ]


def _verdict(names: Sequence[str]) -> str:
    """Which of these proxies know more than the MACs do: by themselves, and beside them."""
    of, macs = {name: CORRELATIONS[name] for name in names}, CORRELATIONS["macs"].spearman
    less = [name for name, row in of.items() if row.spearman < macs]
    more = [name for name, row in of.items() if (row.given_low or 0) > 0]
    against = [name for name, row in of.items() if (row.given_high or 0) < 0]
    unknown = [name for name in of if name not in (*more, *against, "macs")]
    parts = [f"MACs alone have {macs:.2f}."]
    parts += [f"Less than MACs have {_and(less)}."] if less else []
    for direction, those in (("more", more), ("less", against)):
        if those:
            parts.append(f"Given MACs, {direction} accuracy goes with more {_and(those)}.")
    parts += [f"That {_and(unknown)} adds to MACs is not shown."] if unknown else []
    return " ".join(parts)


def _and(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _definitions(found: Proxies) -> Table:
    codes = [each.code for each in found.asked if each.code]
    cited = {code: number for number, code in enumerate(dict.fromkeys(codes), 1)}
    columns = [
        Column("proxy", "Proxy", numeric=False),
        Column("words", "What it is", numeric=False),
        Column("paper", "Paper", _paper(cited), numeric=False, raw=lambda each: each.paper),
        Column("code", "Code", numeric=False, shown=False),
    ]
    rows = [[each.name, each.words, each, each.code] for each in found.asked]
    notes = [f"[{number}] agrees with {code}" for code, number in cited.items()]
    return Table(columns, rows, "What they are.", notes, aside=True)


def _paper(cited: Mapping[str, int]) -> Callable[[Proxy], str]:
    return lambda each: f"{each.paper} [{cited[each.code]}]" if each.code else ""


def value_text(value: float | int) -> str:
    """A count with every digit, any other value in four.

    >>> value_text(3504872), value_text(-16.0494), value_text(1.4596e20), value_text(-math.inf)
    ('3,504,872', '-16.05', '1.46e+20', '-inf')
    """
    return integer(value) if isinstance(value, int) else f"{value:.4g}"


def _number(value: float | int | str) -> float | int | None:
    return None if isinstance(value, str) else value


def _heading(name: str) -> str:
    """The name with a line for each option."""
    return name.replace(":", ":\n").replace(",", ",\n").replace("[", "\n[")


def _image(each: Scored) -> str:
    height, width = each.counted.shapes[0][2:]
    return f"{height}×{width}"


def _plain(row: Correlation) -> str:
    return f"{row.spearman:.2f} [{row.low:.2f}, {row.high:.2f}]"


def _given(row: Correlation) -> str:
    if row.given_macs is None:
        return ""
    return f"{row.given_macs:.2f} [{row.given_low:.2f}, {row.given_high:.2f}]"


def _raw_given(row: Correlation) -> float | None:
    return row.given_macs


def _data(found: Proxies) -> dict[str, Any]:
    return {
        "schema": "flopscope.proxies/1",
        "batch": found.batch,
        "seed": found.seed,
        "correlations_of": MEASURED_ON,
        "proxies": [
            {**each._asdict(), "correlation": CORRELATIONS[each.name]._asdict()}
            for each in found.asked
        ],
        "networks": [
            {
                "name": each.name,
                "input": list(map(int, each.counted.shapes[0])),
                "values": {name: _finite(value) for name, value in each.values.items()},
                "lacking": {n: v for n, v in each.values.items() if isinstance(v, str)},
            }
            for each in found.networks
        ],
    }


def _finite(value: float | int | str) -> float | int | str | None:
    """JSON has no infinity, so it is text there; None for a value that does not exist."""
    if isinstance(value, str):
        return None
    return value if math.isfinite(value) else str(value)
