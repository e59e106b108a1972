"""Budgets as assertions, for the tests of a network's own repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api import trace
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger
from flopscope.present.assert_ import verdict_document
from flopscope.present.render import render
from flopscope.quantities import bounded
from flopscope.search.assertion import assess
from flopscope.search.budgets import Budget, parse_budget

if TYPE_CHECKING:
    from torch import nn


def assert_budget(
    network: nn.Module | str,
    *inputs: Any,
    **limits: int | str | None,
) -> None:
    """Raises AssertionError, naming the layers that hold the excess, unless every budget is kept.

    A budget is `max_` and the name of a quantity: max_macs, max_params, max_activations and the
    others that `flopscope assert --help` lists.

    `network` is a module with the shapes of its inputs, (1, 3, 224, 224), or the name of a
    catalogue model, with its resolution if it is not the native one. Limits are integers or texts
    such as "300M". An operator of unknown cost keeps no budget. Raises BadInput where no budget is
    given or a limit is not a positive number, UnknownName for an unknown budget.

    >>> from torch import nn
    >>> assert_budget(nn.Conv2d(3, 8, 3), (1, 3, 32, 32), max_macs="1M", max_params=300)
    >>> assert_budget("mobilenetv2", max_macs="310M")
    """
    budgets = _budgets(limits)
    name = network if isinstance(network, str) else type(network).__name__
    verdicts = assess(_ledger(network, inputs), budgets)
    if not all(verdicts):
        raise AssertionError("\n" + render(verdict_document(name, verdicts), "table"))


def _budgets(limits: Mapping[str, int | str | None]) -> list[Budget]:
    known = {f"max_{quantity.name}": quantity.name for quantity in bounded()}
    for name in limits:
        if name not in known:
            raise UnknownName("budget", name, known)
    budgets = [
        parse_budget(name, known[name], str(limit))
        for name, limit in limits.items()
        if limit is not None
    ]
    if not budgets:
        raise BadInput('no budget is given; give one, such as max_macs="300M"')
    return budgets


def _ledger(network: nn.Module | str, inputs: tuple[Any, ...]) -> Ledger:
    if not isinstance(network, str):
        return trace(network, *inputs)
    variant = parse(network)
    return variant.ledger(variant.resolution(*inputs))
