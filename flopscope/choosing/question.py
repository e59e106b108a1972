"""The question that a frontier answers: by which costs, and of which networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flopscope.brief import short
from flopscope.catalog.accuracies import Choice, parse_choice
from flopscope.catalog.latencies import batches, device
from flopscope.catalog.models import MODELS
from flopscope.choosing.budgets import Budget
from flopscope.conventions import Convention
from flopscope.errors import BadInput, UnknownName
from flopscope.quantities import QUANTITIES, Named, Quantity

LATENCY = Named("latency", "latency", "ms", "Latency\nms", "latency_ms")
"""The time that a network takes, which a results file states and which is not computed here."""

COSTS: Mapping[str, Named] = {**QUANTITIES, LATENCY.name: LATENCY}
"""The costs by which networks can be chosen."""
QUANTISED = "int8"
"""The precision of which accuracies are published beside those of float32."""


@dataclass(frozen=True)
class Question:
    """Which costs are asked for, how work is counted, and which points are wanted: all of them, or
    those at one input size, of some families, or within budgets. `accuracy` says whose accuracies
    are taken, in the words of `parse_choice`. Latencies of the catalogue are those that are
    published of a `device`, at a `batch` or else at the one at which most networks were measured
    there."""

    criteria: tuple[str, ...]
    convention: Convention
    resolution: tuple[int, int] | None = None
    families: tuple[str, ...] = ()
    most: tuple[Budget, ...] = ()
    accuracy: str | None = None
    device: str | None = None
    batch: int | None = None

    def __repr__(self) -> str:
        return short(self, f"by {', '.join(self.criteria)}, convention {self.convention.name}")

    def __post_init__(self) -> None:
        """Raises UnknownName for an unknown cost, family, accuracy or device, BadInput if no cost
        is named or one is named twice, and for a device without latency as a cost, or without
        latencies of the catalogue."""
        parse_choice(self.accuracy)
        _check_device(self)
        for name in self.criteria:
            if name not in COSTS:
                raise UnknownName("cost", name, COSTS)
        if not self.criteria or len(set(self.criteria)) < len(self.criteria):
            raise BadInput(
                "there is no cost to choose by, or one is named twice; name each once, such as macs"
            )
        known = dict.fromkeys(model.family for model in MODELS.values())
        for family in self.families:
            if family not in known:
                raise UnknownName("family", family, known)

    @cached_property
    def measured_batch(self) -> int:
        """The batch of the published latencies that are taken."""
        assert self.device is not None
        return self.batch or batches(self.device)[0]

    @cached_property
    def costs(self) -> tuple[Named, ...]:
        """The criteria, with the work counted under the convention."""
        found = (COSTS[name] for name in self.criteria)
        return tuple(c.under(self.convention) if isinstance(c, Quantity) else c for c in found)

    @cached_property
    def bounded(self) -> tuple[Quantity, ...]:
        """What budgets bound, in MACs, beside the criteria."""
        shown = {(c.name, c.convention) for c in self.costs if isinstance(c, Quantity)}
        bounded = (budget.of for budget in self.most)
        return tuple(each for each in bounded if (each.name, each.convention) not in shown)

    @cached_property
    def measures(self) -> tuple[Named, ...]:
        """The quantities that must be known of a network: the criteria, and then those that budgets
        bound, in MACs."""
        return (*self.costs, *(budget.of for budget in self.most))

    @cached_property
    def precision(self) -> str | None:
        """The precision of quantised weights or activations, if a criterion or the device is of
        them: that of the accuracies which are taken where there are any."""
        taken = [c.dtype for c in self.costs if isinstance(c, Quantity)]
        taken += [] if self.device is None else [device(self.device).dtype]
        return next((dtype for dtype in taken if dtype == QUANTISED), None)

    @cached_property
    def choice(self) -> Choice:
        """Whose accuracies are taken."""
        return parse_choice(self.accuracy)


def _check_device(question: Question) -> None:
    if question.device is None:
        if question.batch is not None:
            raise BadInput(
                "batch is that of the latencies of a device, and no device is named; leave it out, "
                "or name one, such as pixel3-cpu-tflite"
            )
        return
    device(question.device)
    if LATENCY.name not in question.criteria:
        raise BadInput(
            f"device {question.device} is where latency is taken, and no cost is latency; add the "
            "cost latency, or leave the device out"
        )
    there = batches(question.device)
    if not there:
        raise BadInput(
            f"no latency of a network of the catalogue is published on {question.device}; "
            "`flopscope latencies` lists the devices with their networks"
        )
    if question.batch not in (None, *there):
        raise BadInput(
            f"nothing was measured on {question.device} at batch {question.batch}; its batches are "
            f"{', '.join(map(str, there))}"
        )
