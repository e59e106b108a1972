"""A ledger's rows by kind, so that many conventions can be read from them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from flopscope.conventions import QUANTITIES, Convention, Named, Quantity
from flopscope.facts import Kind, Operator
from flopscope.ledger import NAMED_BY_FUNCTION

_TEXT = {
    Quantity.MACS: "multiply-accumulate",
    Quantity.PRODUCTS: "multiply-accumulate",
    Quantity.RUN_PRODUCTS: "multiply-accumulate",
    Quantity.BIAS: "output element",
    Quantity.REGROUPED_PRODUCTS: "multiply-accumulate",
    Quantity.UNTURNED_BIAS: "output element",
    Quantity.INPUTS: "input element",
    Quantity.OUTPUTS: "output element",
    Quantity.AFFINE_INPUTS: "input element, if scaled",
    Quantity.WEIGHTS_AT_OUTPUTS: "weight and output position",
    Quantity.BATCH_PARAMS: "parameter and image",
    Quantity.SOFTMAX_ROWS: "distribution",
    Quantity.ACTS: "scalar operation",
    Quantity.CHANNEL_PAIRS: "pair of channels",
    Quantity.WINDOWS: "element under a window",
    Quantity.POSITIONS: "output position",
    Quantity.TAPS: "element under a window",
    Quantity.MASKED_TAPS: "element under a window, if modulated",
}
"""A quantity of which a convention counts so many each."""


BIASES = (Quantity.BIAS, Quantity.UNTURNED_BIAS)


@dataclass(frozen=True)
class Term:
    """A part of a number: its name, what is counted in it, how much it is."""

    name: str
    counted: str
    count: int

    def __hash__(self) -> int:
        return hash(self.count)  # thousands are compared, and few have the same


class Amounts:
    """Quantities of rows at concrete sizes, added up by kind and function."""

    def __init__(self, rows: Iterable[Operator]) -> None:
        self._rows: dict[tuple[Kind, Named | None], list[Operator]] = {}
        for row in rows:
            self._rows.setdefault((row.kind, row.function), []).append(row)
        self._known: dict[tuple[Kind, Named | None, Quantity], int] = {}

    def has(self, kind: Kind) -> bool:
        """Is there a row of that kind?"""
        return any(kind is present for present, _ in self._rows)

    def terms(self, convention: Convention) -> tuple[Term, ...]:
        """What the convention counts, kind by kind in order of first appearance, bias for itself;
        zeros are left out."""
        counts: dict[str, int] = {}
        texts: dict[str, list[str]] = {}
        for kind, function in self._rows:
            for quantity, weight in self._weights(convention, kind, function):
                count = weight * self._amount(kind, function, quantity)
                if count == 0:
                    continue
                name = "bias" if quantity in BIASES else _name(kind, function)
                counts[name] = counts.get(name, 0) + count
                text = _text(weight, quantity)
                if text not in texts.setdefault(name, []):
                    texts[name].append(text)
        return tuple(Term(name, " + ".join(texts[name]), n) for name, n in counts.items())

    def _weights(
        self, convention: Convention, kind: Kind, function: Named | None
    ) -> Iterator[tuple[Quantity, int]]:
        """Its weights; where every norm of the kind has a scale and shift, an input is an input."""
        weights = dict(convention.of(kind, function))
        if Quantity.INPUTS in weights and Quantity.AFFINE_INPUTS in weights:
            inputs = self._amount(kind, function, Quantity.INPUTS)
            if inputs == self._amount(kind, function, Quantity.AFFINE_INPUTS):
                weights[Quantity.INPUTS] += weights.pop(Quantity.AFFINE_INPUTS)
        yield from weights.items()

    def _amount(self, kind: Kind, function: Named | None, quantity: Quantity) -> int:
        key = (kind, function, quantity)
        if key not in self._known:
            rows = self._rows[kind, function]
            self._known[key] = sum(int(row.repeat * QUANTITIES[quantity](row)) for row in rows)
        return self._known[key]


@cache
def _text(weight: int, quantity: Quantity) -> str:
    return f"{'−' if weight < 0 else ''}{abs(weight)} × {_TEXT[quantity]}"


@cache
def _name(kind: Kind, function: Named | None) -> str:
    named = function is not None and kind in NAMED_BY_FUNCTION
    return function.value if function is not None and named else kind.value
