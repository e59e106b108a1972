"""The amounts in a ledger by kind, from which many conventions can be read at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from flopscope.conventions import COUNTABLES, Convention, Countable
from flopscope.facts import Arithmetic, Kind, Operator
from flopscope.ledger import kind_or_function

_TEXT = {
    Countable.MACS: "multiply-accumulate",
    Countable.PRODUCTS: "multiply-accumulate",
    Countable.RUN_PRODUCTS: "multiply-accumulate",
    Countable.BIAS: "output element",
    Countable.REGROUPED_PRODUCTS: "multiply-accumulate",
    Countable.UNTURNED_BIAS: "output element",
    Countable.INPUTS: "input element",
    Countable.OUTPUTS: "output element",
    Countable.AFFINE_INPUTS: "input element, if scaled",
    Countable.WEIGHTS_AT_OUTPUTS: "weight and output position",
    Countable.BATCH_PARAMS: "parameter and image",
    Countable.SOFTMAX_ROWS: "distribution",
    Countable.ACTS: "scalar operation",
    Countable.CHANNEL_PAIRS: "pair of channels",
    Countable.WINDOWS: "element under a window",
    Countable.POSITIONS: "output position",
    Countable.TAPS: "element under a window",
    Countable.MASKED_TAPS: "element under a window, if modulated",
}
"""The words for one of each amount that a convention counts."""

BIASES = (Countable.BIAS, Countable.UNTURNED_BIAS)


@dataclass(frozen=True)
class CountedTerm:
    """A part of a number: its name, what it counts, and its value."""

    name: str
    counted: str
    count: int

    def __hash__(self) -> int:
        return hash(self.count)  # thousands are compared, and few have the same count


class Amounts:
    """The amounts in rows at concrete sizes, added up by kind and function."""

    def __init__(self, rows: Iterable[Operator]) -> None:
        self._rows: dict[tuple[Kind, Arithmetic | None], list[Operator]] = {}
        for row in rows:
            self._rows.setdefault((row.kind, row.function), []).append(row)
        self._known: dict[tuple[Kind, Arithmetic | None, Countable], int] = {}

    def has(self, kind: Kind) -> bool:
        """Is there a row of that kind?"""
        return any(kind is present for present, _ in self._rows)

    def terms(self, convention: Convention) -> tuple[CountedTerm, ...]:
        """What the convention counts, kind by kind in order of first appearance, with bias apart;
        zeros are left out."""
        counts: dict[str, int] = {}
        texts: dict[str, list[str]] = {}
        for kind, function in self._rows:
            for countable, weight in self._weights(convention, kind, function):
                count = weight * self._amount(kind, function, countable)
                if count == 0:
                    continue
                name = "bias" if countable in BIASES else kind_or_function(kind, function)
                counts[name] = counts.get(name, 0) + count
                text = _text(weight, countable)
                if text not in texts.setdefault(name, []):
                    texts[name].append(text)
        return tuple(CountedTerm(name, " + ".join(texts[name]), n) for name, n in counts.items())

    def _weights(
        self, convention: Convention, kind: Kind, function: Arithmetic | None
    ) -> Iterator[tuple[Countable, int]]:
        """The multiples that the convention counts in rows of the kind. If every norm has a scale
        and a shift, inputs of norms with scale and shift are all inputs."""
        weights = dict(convention.of(kind, function))
        if Countable.INPUTS in weights and Countable.AFFINE_INPUTS in weights:
            inputs = self._amount(kind, function, Countable.INPUTS)
            if inputs == self._amount(kind, function, Countable.AFFINE_INPUTS):
                weights[Countable.INPUTS] += weights.pop(Countable.AFFINE_INPUTS)
        yield from weights.items()

    def _amount(self, kind: Kind, function: Arithmetic | None, countable: Countable) -> int:
        key = (kind, function, countable)
        if key not in self._known:
            rows = self._rows[kind, function]
            self._known[key] = sum(int(row.repeat * COUNTABLES[countable](row)) for row in rows)
        return self._known[key]


@cache
def _text(weight: int, countable: Countable) -> str:
    return f"{'−' if weight < 0 else ''}{abs(weight)} × {_TEXT[countable]}"
