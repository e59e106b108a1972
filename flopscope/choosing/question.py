"""The question that a frontier answers: by which costs, and of which networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flopscope.answers.devices import NamedDevice
from flopscope.answers.timed import latency_on
from flopscope.brief import short
from flopscope.catalog.accuracies import Choice, parse_choice
from flopscope.catalog.models import MODELS
from flopscope.choosing.budgets import Budget
from flopscope.conventions import Convention
from flopscope.errors import BadInput, UnknownName
from flopscope.quantities import QUANTITIES, Named, Quantity

LATENCY = Named("latency", "latency", "ms", "Latency\nms", "latency_ms")
"""The time that a network takes as a results file states it."""

COSTS: Mapping[str, Named] = {**QUANTITIES, LATENCY.name: LATENCY}
"""The costs by which networks can be chosen."""
QUANTISED = "int8"
"""The precision of which accuracies are published beside those of float32."""


@dataclass(frozen=True)
class Question:
    """Which costs are asked for, how work is counted, and which points are wanted: all of them, or
    those at one input size, of some families, or within budgets. `accuracy` says whose accuracies
    are taken, in the words of `parse_choice`. The cost latency is that on a `device`, at a `batch`
    or else at the one that is commonest there: as published, and predicted where the device has a
    fit and nothing is published of a network at this size and batch."""

    criteria: tuple[str, ...]
    convention: Convention
    resolution: tuple[int, int] | None = None
    families: tuple[str, ...] = ()
    most: tuple[Budget, ...] = ()
    accuracy: str | None = None
    device: NamedDevice | None = None
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
    def costs(self) -> tuple[Named, ...]:
        """The criteria, with the work counted under the convention."""
        known = dict(COSTS)
        if self.device is not None and self.device.fit is not None:
            known[LATENCY.name] = latency_on(self.device.fit)
        found = (known[name] for name in self.criteria)
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
        taken += [] if self.device is None else [self.device.dtype]
        return next((dtype for dtype in taken if dtype == QUANTISED), None)

    @cached_property
    def latency_batch(self) -> int:
        """The batch of latencies on the device; 1 without a device."""
        return self.batch or (1 if self.device is None else self.device.usual_batch)

    @cached_property
    def choice(self) -> Choice:
        """Whose accuracies are taken."""
        return parse_choice(self.accuracy)


def _check_device(question: Question) -> None:
    """Raises BadInput for a device that nothing is taken on, and for a batch without a device or
    without latencies."""
    on = question.device
    if on is None:
        if question.batch is not None:
            raise BadInput(
                "the batch is that of the latencies on a device, and no device is named; leave it "
                "out, or name one, such as pixel3-cpu-tflite"
            )
        return
    bounded = any(budget.measure for budget in question.most)
    if LATENCY.name not in question.criteria and not bounded:
        raise BadInput(
            f"device {on.name} is where latency is taken, and no cost is latency; add the cost "
            "latency, or leave the device out"
        )
    if on.fit is not None:
        return
    if not on.batches:
        raise BadInput(
            f"no latency of a network of the catalogue is published on {on.name}; "
            "`flopscope latencies` lists the devices with their networks"
        )
    if question.batch not in (None, *on.batches):
        raise BadInput(
            f"nothing was measured on {on.name} at batch {question.batch}; its batches are "
            f"{', '.join(map(str, on.batches))}"
        )
