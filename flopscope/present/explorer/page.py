"""The page to explore: one file with its data, its style and its script, which asks no server."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from importlib import resources
from typing import Any

from flopscope.alphabet import ALPHABET
from flopscope.answers.explore import Exploration, Explored
from flopscope.brief import number_of
from flopscope.catalog.metrics import METRICS
from flopscope.closedform.scripts import runtime
from flopscope.conventions import CONVENTIONS
from flopscope.errors import FlopscopeError
from flopscope.present.explorer.data import Classes, network_data
from flopscope.present.explorer.moved import energies
from flopscope.present.explorer.times import devices_data
from flopscope.quantities import QUANTITIES
from flopscope.version import __version__

SCRIPTS = (
    "network.js", "time.js", "maths.js", "state.js", "draw.js", "choose.js", "tables.js",
    "figures.js", "roofline.js", "frontier.js", "main.js",
)  # fmt: skip
"""The files of the script, in their order, after the arithmetic of formulas."""

FIRST = ("mobilenetv2", "mobilenetv3_large")
"""The networks that are chosen where none is asked for."""

Tell = Callable[[int, int], None]


def explorer_page(found: Exploration, tell: Tell = lambda done, of: None) -> str:
    """The page as HTML. `tell` hears how many networks of how many are written.

    Raises BadInput for a network whose rounding rules or conditions have no JavaScript.
    """
    filled = {
        "style": page_file("style.css"),
        "number": number_of(found.networks, "network"),
        "table": _static_table(found),
        "version": __version__,
        "data": _packed(page_data(found, tell)),
        "script": script(),
    }
    page = page_file("template.html")
    parts = [part.partition("}}") for part in page.split("{{")[1:]]
    return page.split("{{")[0] + "".join(filled[name] + rest for name, _, rest in parts)


def script() -> str:
    """The script of the page."""
    return "\n".join([runtime(), *map(page_file, SCRIPTS)])


def page_data(found: Exploration, tell: Tell = lambda done, of: None) -> dict[str, Any]:
    """What the page computes with: the networks, the kinds of their rows, and the conventions."""
    classes = Classes()
    networks = []
    for number, network in enumerate(found.networks, start=1):
        networks.append(network_data(network, classes, found.devices))
        tell(number, len(found.networks))
    conventions = [
        {"name": each.name, "unit": each.unit, "counts": each.counts}
        for each in CONVENTIONS.values()
    ]
    letters: Mapping[str, str] = {name: each.text for name, each in ALPHABET.items()}
    return {
        "networks": networks,
        "classes": classes.rows,
        "conventions": conventions,
        "letters": letters,
        "first": list(FIRST),
        "energy": energies(),
        "metrics": [[each.name, each.words + each.detail, each.unit] for each in METRICS.values()],
        **devices_data(found.devices),
    }


def _packed(data: Mapping[str, Any]) -> str:
    """The data compressed, in letters that mean nothing to HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _static_table(found: Exploration) -> str:
    """The networks at their usual sizes, for a browser that computes nothing."""
    head = "<tr><th>Network<th>Sizes<th>Params<th>MACs (macs)</tr>"
    rows = "".join(map(_static_row, found.networks))
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _static_row(network: Explored) -> str:
    usual = {size.name: size.usual for size in network.sizes}
    numbers = [_usual(network, name, usual) for name in ("params", "macs")]
    sizes = ", ".join(f"{name}={value}" for name, value in usual.items())
    cells = "".join(f"<td>{escape(text)}" for text in (sizes, *numbers))
    return f"<tr><th>{escape(network.name)}{cells}</tr>\n"


def _usual(network: Explored, quantity: str, usual: Mapping[str, Any]) -> str:
    try:
        return f"{QUANTITIES[quantity].formula(network.ledger).at(**usual):,}"
    except FlopscopeError:  # its usual sizes are outside the domain, as the page then says
        return "–"


def page_file(name: str) -> str:
    """The text of a file of the page: its style, a part of its script."""
    folder = resources.files("flopscope.present.explorer") / "page"
    return (folder / name).read_text(encoding="utf-8")
