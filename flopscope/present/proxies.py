"""Zero-cost proxies as a table: their values, and beside each what it knows of accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from flopscope.answers.proxies import Proxies, Scored
from flopscope.catalog.proxies import CORRELATIONS, MEASURED_ON, Correlation
from flopscope.errors import listed
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
    """Which of these proxies know more than the MACs do, by the intervals."""
    of = {name: CORRELATIONS[name] for name in names if name != "macs"}
    more = [name for name, row in of.items() if row.given_low is not None and row.given_low > 0]
    less = [name for name in of if name not in more]
    macs = f"MACs alone have {CORRELATIONS['macs'].spearman:.2f}."
    parts = [f"More than them know {listed(more).replace(' or ', ' and ')}."] if more else []
    parts += [f"That {listed(less)} knows more than they do is not shown."] if less else []
    return " ".join([macs, *parts])


def _definitions(found: Proxies) -> Table:
    columns = [
        Column("proxy", "Proxy", numeric=False),
        Column("words", "What it is", numeric=False),
        Column("source", "Source", numeric=False),
    ]
    rows = [[each.name, each.words, each.source] for each in found.asked]
    return Table(columns, rows, "What they are.", aside=True)


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
