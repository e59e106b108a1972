"""The networks of published figures: what every reading counts in each version of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from flopscope.catalog.figures import Figure
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import OutsideDomain
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.reconciling.digits import Reported
from flopscope.reconciling.readings import (
    Counts,
    Reading,
    activation_counts,
    activation_readings,
    parameter_counts,
    parameter_readings,
    work_counts,
    work_readings,
)
from flopscope.reconciling.subjects import MODULE_STEPS, SIZE_STEPS, of_variant

USUAL = (224, 224)
"""The input at which tables count networks that run at others."""

FEW = 3
"""The most steps of a reading that is named as the nearest."""


def variant_of(figure: Figure) -> Variant:
    """The catalogue's network to which a figure belongs."""
    return parse(f"{figure.model}:{figure.variant}" if figure.variant else figure.model)


@dataclass(frozen=True)
class Nearest:
    """The reading of few steps whose count comes nearest to a number."""

    name: str
    count: float


class Network:
    """A network of the catalogue at one input, its other forms and recipes, and the network at the
    usual input."""

    def __init__(self, figure: Figure) -> None:
        self._variant, self._resolution = variant_of(figure), figure.resolution
        subject = of_variant(self._variant, figure.resolution)
        self.asked = subject.asked.ledger
        self._near = {version.said: version.ledger for version in subject.near()}

    @cached_property
    def work(self) -> Mapping[str, Counts]:
        """The doubled work of each version by each reading of work."""
        found = self._counted(work_counts)
        if self._resolution != USUAL and (usual := self._at_usual()) is not None:
            found[f"input {USUAL[0]}×{USUAL[1]}"] = work_counts(usual.rows)
        return found

    @cached_property
    def params(self) -> Mapping[str, Counts]:
        """The doubled parameters of each version by each reading of parameters."""
        return self._counted(parameter_counts)

    @cached_property
    def acts(self) -> Mapping[str, Counts]:
        """The doubled activations of each version by each reading of activations."""
        return self._counted(activation_counts)

    def _counted(self, count: Callable[[Sequence[Operator]], Counts]) -> dict[str, Counts]:
        versions = {"": self.asked, **self._near}
        return {said: count(ledger.rows) for said, ledger in versions.items()}

    def _at_usual(self) -> Ledger | None:
        try:
            return self._variant.ledger(USUAL)
        except OutsideDomain:
            return None

    def further(self, version: str) -> int:
        """The steps of a version from the network as asked."""
        if not version:
            return 0
        return MODULE_STEPS if version in self._near else SIZE_STEPS

    def counts(self, quantity: str) -> Mapping[str, Counts]:
        """Those of a quantity of `source_tables.QUANTITIES`."""
        if quantity == "acts":
            return self.acts
        return self.params if quantity == "params" else self.work

    def nearest(self, quantity: str, reported: Reported) -> Nearest:
        """The reading of the network as it is that comes nearest."""
        places = _in_few_steps(quantity)
        counts = self.counts(quantity)[""][places]
        first = int(np.abs(counts - float(2 * reported.value)).argmin())
        return Nearest(readings_of(quantity)[places[first]].name, float(counts[first]) / 2)

    def exact(self, quantity: str) -> int:
        """The plain count, which is that of the first reading."""
        return int(self.counts(quantity)[""][0]) // 2


@cache
def _in_few_steps(quantity: str) -> NDArray[np.int64]:
    """The places of the readings of few steps, the fewest first."""
    steps = np.array([reading.steps for reading in readings_of(quantity)])
    order = np.argsort(steps, kind="stable")
    return order[steps[order] <= FEW]


def readings_of(quantity: str) -> tuple[Reading, ...]:
    """The readings of a quantity, in the order of its counts."""
    return _READINGS[quantity]()


_READINGS = {
    "params": parameter_readings,
    "compute": work_readings,
    "acts": activation_readings,
}
