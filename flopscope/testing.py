"""Budgets as assertions, for the tests of a network's own repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets
from flopscope.api.given import network
from flopscope.api.hold import BudgetReport, MemoryReport, hold
from flopscope.api.trace import trace
from flopscope.choosing.assertion import assess
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from torch import nn


def assert_budget(
    target: nn.Module | str,
    *inputs: Any,
    **limits: int | float | str | None,
) -> None:
    """Raises AssertionError, naming the layers that hold the excess, unless every budget is kept.

    A budget is `max_` and the name of a quantity: max_macs, max_params, max_activations and the
    others that `flopscope assert --help` lists.

    `target` is a module with the shapes of its inputs, (1, 3, 224, 224), or a text: the name of a
    catalogue model, with its resolution if it is not the native one, or what `flopscope assert`
    takes. Limits are numbers or texts such as "300M". An operator of unknown cost keeps no budget.
    Raises BadInput where no budget is given or a limit is not a positive number, UnknownName for an
    unknown budget.

    >>> from torch import nn
    >>> assert_budget(nn.Conv2d(3, 8, 3), (1, 3, 32, 32), max_macs="1M", max_params=300)
    >>> assert_budget("mobilenetv2", max_macs="310M")
    """
    report = _held(network("target", target), inputs, limits)
    if not report:
        raise AssertionError(f"\n{report}")


def _held(
    target: nn.Module | str, inputs: tuple[Any, ...], limits: dict[str, Any]
) -> BudgetReport | MemoryReport:
    if not isinstance(target, str):
        most = budgets(limits, "max_")
        if not most:
            raise BadInput('no budget is given; give one, such as max_macs="300M"')
        return BudgetReport(type(target).__name__, assess(trace(target, *inputs), most))
    if len(inputs) == 1 and _is_size(inputs[0]):
        return hold(target, res=inputs[0], **limits)
    return hold(target, *inputs, **limits)


def _is_size(given: Any) -> bool:
    """Is it the size of an image, and not the shape of an input?"""
    return not isinstance(given, str) and (not isinstance(given, tuple) or len(given) == 2)
