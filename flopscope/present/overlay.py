"""The costs of a file's nodes as files that viewers of networks read.

* Model Explorer: node data of one graph, as `node_data_builder.py` of google-ai-edge/model-explorer
  has it. A file has one number for each node, by the node's id; its ONNX adapter takes the node's
  name for it, and `<node_7>` where the eighth node has none.
* Netron: an attachment, as `metadata.Attachment` in `source/view.js` of lutzroeder/netron has it,
  which adds lines to the properties of each node. A node without a name has none there either, so
  its lines stand at the tensor that it writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flopscope.answers.overlay import NodeCost, Overlay
from flopscope.answers.timed import NAME, TimeQuantity
from flopscope.errors import BadInput, check_name
from flopscope.quantities import Quantity

EXACT = 2**53
"""Integers from here on are text: viewers read numbers as doubles."""

GRADIENT = (
    {"stop": 0, "bgColor": "#f7fbff", "textColor": "#000000"},
    {"stop": 0.5, "bgColor": "#6baed6", "textColor": "#000000"},
    {"stop": 1, "bgColor": "#08306b", "textColor": "#ffffff"},
)
"""One hue from light to dark, which survives greyscale and every kind of colour blindness."""


def model_explorer(found: Overlay) -> dict[str, Any]:
    """Node data for Model Explorer. Raises BadInput for several quantities."""
    if len(found.quantities) != 1:
        names = ", ".join(each.name for each in found.quantities)
        raise BadInput(
            f"Model Explorer colours nodes by one number, and {names} are several; choose one, and "
            "write a file for each"
        )
    (quantity,) = found.quantities
    results = {_id(each): {"value": _number(each, quantity)} for each in found.nodes}
    data = {
        "name": f"{_words(quantity)} ({found.target})",
        "results": results,
        "gradient": list(GRADIENT),
        "hideAggregatedStats": ["avg"],
    }
    # a node that is called so would make the file look like that of several graphs
    return {found.graph: data} if "results" in results else data


def netron(found: Overlay) -> dict[str, Any]:
    """An attachment for Netron."""
    lines = [
        {"kind": "graph", "target": found.graph, "name": f"{_words(q)}, total",
         "value": _plain(q, found.totals[q.name])}
        for q in found.quantities
    ]  # fmt: skip
    for each in found.nodes:
        for quantity in found.quantities:
            if each.amounts[quantity.name]:
                lines += _lines(each, quantity, found.totals[quantity.name])
    return {"signature": "netron:attachment", "metadata": [], "metrics": lines}


VIEWERS: Mapping[str, Callable[[Overlay], dict[str, Any]]] = {
    "model-explorer": model_explorer,
    "netron": netron,
}
"""The viewers by name."""


def asked_of(viewer: str, of: Sequence[str], *, timed: bool) -> tuple[str, ...]:
    """The quantities for a viewer: those that are asked for, else one where it takes no more.

    >>> asked_of("model-explorer", (), timed=False), asked_of("netron", (), timed=True)
    (('macs',), ())
    """
    if of or viewer != "model-explorer":
        return tuple(of)
    return (NAME,) if timed else ("macs",)


def check_viewer(name: str) -> None:
    """Raises UnknownName for what is no viewer."""
    check_name("viewer", name, VIEWERS)


def overlay_text(data: Mapping[str, Any]) -> str:
    """The file's text."""
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _id(each: NodeCost) -> str:
    return each.node.name or f"<node_{each.node.place}>"


def _number(each: NodeCost, quantity: Quantity) -> int | float:
    amount = each.amounts[quantity.name]
    return quantity.milliseconds(amount) if isinstance(quantity, TimeQuantity) else amount


def _words(quantity: Quantity) -> str:
    return f"{quantity.words}, ms" if isinstance(quantity, TimeQuantity) else quantity.words


def _plain(quantity: Quantity, amount: int) -> int | float | str:
    if isinstance(quantity, TimeQuantity):
        return float(f"{quantity.milliseconds(amount):.4g}")
    return amount if amount < EXACT else f"{amount:,}"


def _lines(each: NodeCost, quantity: Quantity, whole: int) -> list[dict[str, Any]]:
    """The amount of a node and its share, at the node or else at the tensor that it writes."""
    amount, node = each.amounts[quantity.name], each.node
    at = (
        {"kind": "node", "target": node.name}
        if node.name
        else {"kind": "value", "target": node.outputs[0] if node.outputs else ""}
    )
    share = float(f"{100 * amount / whole:.3g}") if whole else 0.0
    return [
        {**at, "name": _words(quantity), "value": _plain(quantity, amount)},
        {**at, "name": f"{_words(quantity)}, % of the network", "value": share},
    ]
