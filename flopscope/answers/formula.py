"""Formulas by name: of a model or of a block."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.answers.graph_formula import graph_formulas, graph_source, is_graph
from flopscope.answers.target import is_catalog
from flopscope.catalog.models import MODELS
from flopscope.catalog.names import apart
from flopscope.catalog.variant import FREE, Variant, known_options, parse, without_rho
from flopscope.closedform import Formula
from flopscope.errors import BadInput, UnknownName
from flopscope.laws import LAWS
from flopscope.ledger import Ledger
from flopscope.quantities import formulas

QUANTITIES: Mapping[str, Callable[[Ledger], Formula]] = {
    name: quantity.formula for name, quantity in formulas().items()
}
"""The names of what a formula can be of, and how each is read from a ledger."""


def formula(name: str, quantity: str = "macs", free: Sequence[str] = ()) -> Formula:
    """The closed form of a model or block, as in `formula("mobilenetv2", "params")`.

    The sizes of a model's inputs are free: batch, resolution, tokens; `free` adds "width", "depth"
    and "classes" where the model has them. A block is free in all its sizes, an ONNX file in those
    that it names. Raises UnknownName or BadInput.

    >>> formula("mobilenetv2").at(B=1, H=224, W=224)
    300774272
    """
    if is_graph(name):
        return graph_formulas(name, [quantity], free)[0][0]
    if quantity not in QUANTITIES:
        raise UnknownName("quantity", quantity, QUANTITIES)
    found = QUANTITIES[quantity](symbolic_ledger(name, free))
    words = f"{name} {quantity}"
    return Formula(
        found.expression,
        found.unit,
        found.convention,
        found.conditions,
        words,
        fixed=_fixed(name, free),
    )


def _fixed(name: str, free: Sequence[str]) -> frozenset[str]:
    """The options of a model that could be free and are not. A block has none."""
    if name in NAMED_BLOCKS:
        return frozenset()
    variant = known_model(name)
    own = {option.name for option in variant.model.options} & FREE.keys()
    return frozenset(own - variant.free_lengths.keys()) - frozenset(free)


def symbolic_ledger(name: str, free: Sequence[str] = ()) -> Ledger:
    """The ledger of a model or block in symbols."""
    if name in NAMED_BLOCKS:
        if free:
            raise BadInput(
                f"{name} is a block, free in all its sizes already; leave out {', '.join(free)}"
            )
        return NAMED_BLOCKS[name].ledger()
    return _model_ledger(known_model(name), free)


def publication(name: str) -> tuple[str, str]:
    """The title of a model or block, and where it was published."""
    if is_graph(name):
        return name, graph_source(graph_formulas(name, ["params"])[1])
    if name in NAMED_BLOCKS:
        return NAMED_BLOCKS[name].title, NAMED_BLOCKS[name].source
    variant = known_model(name)
    return str(variant), str(variant.model.paper)


def parse_multiples(text: str) -> dict[str, int]:
    """Read 'H, W multiples of 32' as {'H': 32, 'W': 32}. Clauses are joined by semicolons.

    Raises BadInput for anything else.

    >>> parse_multiples("H multiple of 32; W multiple of 64")
    {'H': 32, 'W': 64}
    """
    multiples: dict[str, int] = {}
    for clause in text.split(";"):
        found = re.fullmatch(
            r"\s*([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)\s+(?:a\s+)?multiples?\s+of\s+(\d+)\s*",
            clause,
        )
        if found is None:
            raise BadInput(
                f"'{clause.strip()}' is not a condition; write it like 'H, W multiples of 32'"
            )
        for name in re.split(r"\s*,\s*", found[1]):
            multiples[name] = int(found[2])
    return multiples


def reshaped(found: Sequence[Formula], multiples: Mapping[str, int], ideal: bool) -> list[Formula]:
    """The formulas for sizes that are such multiples, and idealised if `ideal` says so.

    A formula that does not have a size (parameters have no H) stays as it is. Raises BadInput for a
    size that none of them has.
    """
    sizes = {s.name for formula in found for s in formula.symbols}
    for name in multiples:
        if name not in sizes:
            free = ", ".join(sorted(sizes)) or "none"
            raise BadInput(
                f"there is no free {name} in these formulas; their free sizes are {free}"
            )
    shaped = []
    for formula in found:
        own = {s.name for s in formula.symbols}
        part = formula.when(**{name: n for name, n in multiples.items() if name in own})
        shaped.append(part.idealised() if ideal else part)
    return shaped


def known_model(name: str) -> Variant:
    """The variant of that name; the error for a misspelt one suggests blocks and laws too."""
    if not is_catalog(name):
        known = [*LAWS, *NAMED_BLOCKS, *MODELS]
        raise UnknownName("law, block or model", name, known, apart(name))
    return parse(name)


def _model_ledger(variant: Variant, free: Sequence[str]) -> Ledger:
    known_options(without_rho(variant), free)
    return variant.free_ledger(**{name: FREE[name] for name in free})
