"""Costs of a space of designs as tables, and what they are on average.

A cost is a sum of terms, and a term is a table over the few choices that it depends on. Where the
choices of slots are independent, the average of a term is its table contracted with their
probabilities: ⟨p, c⟩ for one slot, pᵀ·M·q for two that are coupled, as the widths of neighbouring
layers are. That is exact, a polynomial in the probabilities, and so is its gradient. For one slot
it is the expected cost of arXiv 1812.00332, equation 4, and arXiv 1812.03443, equation 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.brief import number_of, short, shown
from flopscope.differentiable.probabilities import PerSlot, Vector, softmax, through_softmax
from flopscope.errors import BadInput, check_name

if TYPE_CHECKING:
    from flopscope.differentiable.gap import Gap
    from flopscope.differentiable.torched import ExpectedCost
    from flopscope.ledger import Ledger

EXACT = 2**53
"""From here on doubles skip integers."""


class Term(NamedTuple):
    """What depends on the choices of these slots: a table of integers with an axis for each."""

    slots: tuple[str, ...]
    table: NDArray[np.int64]


@dataclass(frozen=True)
class CostTable:
    """The cost of each design of a space, as a sum of terms.

    options: of each slot. terms: see `Term`; one without slots is what all designs have. quantity:
    its name. unit: what is counted. stored: the parameters of a network that holds all designs,
    with each tensor once, at its largest. ledger: the rows of a design. Raises BadInput for a cost
    from 2⁵³ on.
    """

    options: Mapping[str, tuple[Any, ...]]
    terms: tuple[Term, ...]
    quantity: str = "macs"
    unit: str = "MACs"
    stored: int = 0
    ledger: Callable[[dict[str, Any]], Ledger] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        most = sum(int(term.table.max()) for term in self.terms)
        if most >= EXACT:
            raise BadInput(
                f"the largest design may cost {most:,} {self.unit}, and doubles are exact below "
                f"{EXACT:,} only; choose among smaller designs"
            )

    def __repr__(self) -> str:
        text = f"{self.quantity} of {self.designs:,} designs, {number_of(self.terms, 'term')}"
        return short(self, text)

    @property
    def designs(self) -> int:
        """How many there are."""
        count = 1
        for options in self.options.values():
            count *= len(options)
        return count

    # --- one design ---

    def of(self, choices: Mapping[str, Any]) -> int:
        """The cost of a design, an option for each slot. Raises BadInput or UnknownName for a slot
        without an option, and for an option that the slot has not."""
        _check_slots(self.options, choices, "choices", "an option")
        place = {slot: self._place(slot, choices[slot]) for slot in self.options}
        return sum(int(t.table[tuple(place[slot] for slot in t.slots)]) for t in self.terms)

    def _place(self, slot: str, option: Any) -> int:
        options = self.options[slot]
        if option not in options:
            known = ", ".join(map(str, options))
            raise BadInput(f"{slot} cannot be {shown(option)}; it can be {known}")
        return options.index(option)

    def most_likely(self, logits: PerSlot) -> dict[str, Any]:
        """The design of the largest number of each slot; the first one of equal numbers."""
        found = self._vectors(logits, "logits")
        return {slot: self.options[slot][int(np.argmax(found[slot]))] for slot in self.options}

    # --- on average ---

    def mean(self, probabilities: PerSlot) -> Any:
        """The expected cost under probabilities of options, independent from slot to slot.

        With `fractions.Fraction` in arrays of objects it is a fraction, and exact. Raises BadInput
        for numbers that are no probabilities, and where their number is not that of the options.
        """
        found = self._vectors(probabilities, "probabilities", float_only=False)
        for slot, values in found.items():
            if min(values) < 0 or abs(sum(values) - 1) > 1e-6:
                raise BadInput(
                    f"the probabilities of {slot} are {shown(values.tolist())}; give numbers "
                    "from 0 that sum to 1"
                )
        return self._mean(found)

    def _mean(self, p: Mapping[str, Vector]) -> Any:
        return sum(contracted(t.table, [p[slot] for slot in t.slots]) for t in self.terms)

    def uniform(self) -> Any:
        """The expected cost of a design that is drawn uniformly."""
        return self._mean({s: np.full(len(o), 1 / len(o)) for s, o in self.options.items()})

    def expected(self, logits: PerSlot) -> float:
        """The expected cost where the probabilities of a slot are the softmax of its numbers.

        Raises BadInput where a slot has no numbers, not one for each option, or no finite ones.
        """
        return float(self._mean(self.probabilities(logits)))

    def probabilities(self, logits: PerSlot) -> dict[str, Vector]:
        """The softmax of the numbers of each slot."""
        return {slot: softmax(a) for slot, a in self._vectors(logits, "logits").items()}

    def slopes(self, probabilities: Mapping[str, Vector]) -> dict[str, Vector]:
        """The gradient of the expected cost with respect to the probabilities."""
        found = {slot: np.zeros(len(options)) for slot, options in self.options.items()}
        for term in self.terms:
            for axis, slot in enumerate(term.slots):
                others = [probabilities[s] if s != slot else None for s in term.slots]
                found[slot] = found[slot] + contracted(term.table, others, keep=axis)
        return found

    def gradient(self, logits: PerSlot) -> dict[str, Vector]:
        """The gradient of `expected` with respect to its numbers, exact: p·(g − ⟨p, g⟩) for the
        slopes g."""
        p = self.probabilities(logits)
        slopes = self.slopes(p)
        return {slot: through_softmax(p[slot], slopes[slot]) for slot in self.options}

    def gap(self, probabilities: PerSlot) -> Gap:
        """The expected cost beside the cost at the expected sizes: see `differentiable.gap`.

        Raises BadInput where no slot has numbers for options, and where designs cannot be counted.
        """
        from flopscope.differentiable.gap import gap

        return gap(self, probabilities)

    def torch(self) -> ExpectedCost:
        """`expected` as a module on tensors, whose gradient autograd takes. Needs torch."""
        from flopscope.extras import require_witnesses

        require_witnesses()
        from flopscope.differentiable.torched import ExpectedCost

        return ExpectedCost(self)

    def _vectors(self, given: PerSlot, what: str, *, float_only: bool = True) -> dict[str, Vector]:
        _check_slots(self.options, given, what, "numbers")
        found = {}
        for slot, options in self.options.items():
            values = np.asarray(given[slot])
            if values.shape != (len(options),):
                raise BadInput(
                    f"{slot} has {number_of(options, 'option')} and {what} of shape "
                    f"{values.shape}; give one number for each option"
                )
            if values.dtype != object or float_only:
                values = _finite(slot, values, what)
            found[slot] = values
        return found


def contracted(table: NDArray[Any], vectors: Sequence[Vector | None], keep: int = -1) -> Any:
    """Σ table·p·q… over all axes but `keep`, which keeps its own.

    >>> contracted(np.array([[1, 2], [3, 4]]), [np.array([1.0, 0.0]), np.array([0.5, 0.5])])
    np.float64(1.5)
    """
    found: Any = table
    for axis in reversed(range(table.ndim)):
        if axis != keep:
            found = np.tensordot(found, np.asarray(vectors[axis]), axes=([axis], [0]))
    return found if keep >= 0 else found[()]


def _finite(slot: str, values: Vector, what: str) -> Vector:
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        numbers = np.full(values.shape, np.nan)
    if not np.isfinite(numbers).all():
        raise BadInput(f"{what} of {slot} are {shown(values.tolist())}; give finite numbers")
    return numbers


def _check_slots(
    options: Mapping[str, Any], given: Mapping[str, Any], what: str, each: str
) -> None:
    if not isinstance(given, Mapping):
        raise BadInput(
            f"{what} are {shown(given)}; give {each} for each slot, as in "
            f"{{'{next(iter(options))}': …}}"
        )
    for slot in given:
        check_name("slot", slot, options)
    for slot in options:
        if slot not in given:
            raise BadInput(f"{what} have nothing for {slot}; give {each} for each slot")
