"""A network held to its budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets, device_given
from flopscope.api.given import as_given
from flopscope.api.public import public
from flopscope.api.subject import Shapes, counted, specs
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.counted import Given
    from flopscope.answers.training_memory import TrainingMemory
    from flopscope.choosing.assertion import BudgetVerdict
    from flopscope.choosing.budgets import Budget
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class BudgetReport(Report):
    """The report that `hold` returns. It is false where a budget is broken, or may be."""

    target: str
    verdicts: tuple[BudgetVerdict, ...]
    warnings: tuple[str, ...] = ()

    def document(self) -> Document:
        """Each budget with its verdict, and the layers that hold the excess."""
        from flopscope.present.assert_ import verdict_document

        return verdict_document(self.target, self.verdicts, self.warnings)

    @property
    def about(self) -> str:
        kept = "kept" if self.holds else "not kept"
        return f"{self.target}: {', '.join(str(v.budget) for v in self.verdicts)}: {kept}"

    @property
    def holds(self) -> bool:
        return all(self.verdicts)


@dataclass(frozen=True, repr=False)
class MemoryReport(Report):
    """The report that `hold` returns for training. It is false where the memory is exceeded."""

    target: str
    held: TrainingMemory
    optimizer: str
    limit: int

    def document(self) -> Document:
        """The memory of the step, part by part, with the verdict."""
        from flopscope.present.fitting import held_document

        return held_document(self.target, self.held, self.optimizer, self.limit)

    @property
    def holds(self) -> bool:
        return self.held.most <= self.limit


@public(device=as_given)
def hold(
    target: str | nn.Module,
    *inputs: Shapes,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    training: bool = False,
    optimizer: str | None = None,
    device: str | Device | None = None,
    **limits: int | float | str | None,
) -> BudgetReport | MemoryReport:
    """Whether a network keeps its budgets, and if not, which layers hold the excess.

    The report prints what `flopscope assert` does, and is false if a budget is broken. A budget is
    max_ and its quantity, as in max_macs="300M", or max_latency="12ms" on a `device`. In a test,
    use `assert_budget`, which raises AssertionError. With `training` the budget is of the peak of
    a training step, max_memory, with an `optimizer`: "sgd", "momentum", "adam", "rmsprop", or
    "adamw" unless it is named. Raises BadInput, UnknownName.

    >>> bool(hold("mobilenetv2", max_macs="310M"))
    True
    """
    from flopscope.answers.timed import warnings
    from flopscope.choosing.assertion import assess

    known = device_given(device)
    if "inputs" in limits:
        raise BadInput(
            "inputs is no budget; give the shapes after the network, as in "
            "fs.hold(net, (1, 3, 224, 224), max_macs='300M')"
        )
    most = budgets(limits, "max_", known)
    if not most:
        raise BadInput('no budget is given; give one, such as max_macs="300M"')
    if optimizer is not None and not training:
        raise BadInput("optimizer is for the memory of a training step; add training=True")
    if training:
        from flopscope.answers.counted import Given

        sizes = Given(res, batch, specs(inputs), (), example or {})
        return _held(target, sizes, arguments, most, optimizer or "adamw")
    subject = counted(target, inputs, res, batch, arguments, example)
    ledger = subject.asked.ledger
    warned = () if known is None else tuple(warnings(subject.name, ledger, known))
    return BudgetReport(subject.name, assess(ledger, most), warned)


def _held(
    target: str | nn.Module,
    given: Given,
    arguments: Mapping[str, Any] | None,
    most: Sequence[Budget],
    optimizer: str,
) -> MemoryReport:
    """The memory of a training step against its budget."""
    from flopscope.answers.making import target_of
    from flopscope.answers.training_memory import Step, check_optimizer
    from flopscope.choosing.fitting import check_fit

    limit = check_fit(most, "batch").limit
    network = target_of(target)
    check_optimizer(optimizer)
    held = Step(network, given, optimizer, arguments).whole(given.batch)
    return MemoryReport(network.name, held, optimizer, limit)
