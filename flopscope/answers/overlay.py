"""What each node of an ONNX file costs, for programs that show the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.answers.counted import Given, counted
from flopscope.answers.parts import CountedRow, counted_rows
from flopscope.answers.target import Target
from flopscope.answers.timed import NAME, TimeQuantity, latency_on
from flopscope.brief import number_of, short
from flopscope.conventions import Convention
from flopscope.errors import BadInput, check_name
from flopscope.extras import require_onnx
from flopscope.ledger import Ledger
from flopscope.quantities import Place, Quantity, columns, formulas
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import Device

if TYPE_CHECKING:
    from flopscope.onnxgraph.model.naming import Naming, Node


@dataclass(frozen=True)
class NodeCost:
    """A node of the file, and how much of each quantity it has."""

    node: Node
    amounts: Mapping[str, int]


@dataclass(frozen=True)
class Overlay:
    """The costs of a file's nodes. `totals` are those of the whole network, `notes` say what of it
    stands at no node."""

    target: str
    graph: str
    quantities: tuple[Quantity, ...]
    nodes: tuple[NodeCost, ...]
    totals: Mapping[str, int]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.target}, {number_of(self.nodes, 'node')}")


def overlay(
    target: Target,
    given: Given,
    convention: Convention,
    of: Sequence[str] = (),
    device: Device | None = None,
) -> Overlay:
    """The cost of each node of an ONNX file at numbers, in the quantities `of`, or else in those
    that are shown beside parts of a network and, with a device, in time.

    Raises BadInput for a target that is no ONNX file, for one without nodes that cost anything, for
    free sizes and for a latency without a device; UnknownName for another quantity, and as
    `Target.build` does.
    """
    if not target.is_graph:
        if target.variant is None:
            target.build()  # which says first what is wrong with a network that cannot be made
        raise BadInput(
            f"an overlay is for the nodes of an ONNX file, and {target.name} is none; export it "
            "with torch.onnx.export, and give the file"
        )
    require_onnx()
    from flopscope.onnxgraph.model.naming import naming

    quantities = _quantities(of, convention, device)
    ledger = counted(target, given).ledger
    named = naming(target.place)
    owners, notes = _owners(ledger, named)
    amounts = {quantity.name: _amounts(quantity, ledger, owners) for quantity in quantities}
    if not any(any(found.values()) for found in amounts.values()):
        raise BadInput(
            f"no node of {target.name} has any {quantities[0].words}; give a network that does "
            "something, or another quantity"
        )
    nodes = tuple(
        NodeCost(node, {name: found.get(node.place, 0) for name, found in amounts.items()})
        for node in named.nodes
    )
    totals = {name: sum(found.values()) for name, found in amounts.items()}
    return Overlay(target.name, named.graph, quantities, nodes, totals, notes)


def _quantities(
    of: Sequence[str], convention: Convention, device: Device | None
) -> tuple[Quantity, ...]:
    known = {name: row for name, row in formulas().items() if row.additive}
    known["macs"] = known["macs"].under(convention)
    if device is not None:
        known[NAME] = latency_on(device)
    if NAME in of and device is None:
        raise BadInput("a latency is of a device; name one, as in --device pixel1-cpu-tflite")
    for name in of:
        check_name("quantity", name, known)
    usual = [row.name for row in columns(Place.PARTS, convention)]
    names = of or (*usual, *((NAME,) if device else ()))
    return tuple(known[name] for name in dict.fromkeys(names))


def _owners(ledger: Ledger, named: Naming) -> tuple[list[int], tuple[str, ...]]:
    """The place of the node to which each row belongs, -1 for none, and what is to be said."""
    times = Counter(node.path for node in named.nodes)
    places = {path: node.place for node in named.nodes for path in node.inner}
    places |= {node.path: node.place for node in named.nodes if times[node.path] == 1}
    owners = [_owner(row.path, places) for row in ledger.rows]
    alike = sum(number for number in times.values() if number > 1)
    rest = owners.count(-1)
    notes = []
    if alike:
        notes.append(f"{alike} nodes share their names with others, and have no costs of their own")
    if rest:
        notes.append(f"operators that stand at no node: {rest}")
    return owners, tuple(notes)


def _owner(path: str, places: Mapping[str, int]) -> int:
    """The node of this path or, for an operator that stands in a node, of the longest beginning."""
    while path not in places and "." in path:
        path = path.rpartition(".")[0]
    return places.get(path, -1)


def _amounts(quantity: Quantity, ledger: Ledger, owners: Sequence[int]) -> dict[int, int]:
    """The amount at each node, by its place, and at -1 what is at none."""
    if isinstance(quantity, TimeQuantity):
        return _times(quantity, ledger, owners)
    rows: dict[int, list[CountedRow]] = {}
    for place, each in zip(owners, counted_rows(ledger.rows), strict=True):
        rows.setdefault(place, []).append(each)
    return {
        place: int(quantity.of([r.storing if quantity.stored else r.row for r in several]).value)
        for place, several in rows.items()
    }


def _times(quantity: TimeQuantity, ledger: Ledger, owners: Sequence[int]) -> dict[int, int]:
    """The attoseconds at each node. A unit of several nodes stands at the one that names it."""
    places = {row.id: place for row, place in zip(ledger.rows, owners, strict=True)}
    found: dict[int, int] = {}
    for unit in ledger.time(quantity.device).units:
        place = places[unit.work.unit.head.id]
        found[place] = found.get(place, 0) + round(unit.seconds * ATTOSECONDS)
    return found
