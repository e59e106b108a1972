"""The ledger of a module of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.public import public
from flopscope.api.subject import specs
from flopscope.extras import require_witnesses
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn

    from flopscope.tracing.calls import Rule


@public()
def trace(
    module: nn.Module,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    backward: bool = False,
    **named: Any,
) -> Ledger:
    """The ledger of any module on inputs of these shapes, sizes being numbers or names.

    An input is a shape, a tensor, a collection of them as the module takes it, or a text such as
    "B,3,H,W" or "ids=B,T:int64". See `flopscope.tracing.trace`; the ledger's conditions say where
    its formulas hold. Needs torch. Raises BadInput for anything but a module, and where the module
    cannot run on these inputs.

    >>> from torch import nn
    >>> print(trace(nn.Conv2d(3, 8, 3), ("B", 3, "H", "W")).macs().formula.domain)
    B ≥ 1; H, W ≥ 3
    """
    require_witnesses()
    from flopscope import tracing
    from flopscope.tracing.loading.refusals import check_module, named_inputs, refusing

    check_module(module)
    inputs, named = _read(inputs, named)
    name, on = type(module).__name__, named_inputs(inputs, named)
    with refusing(name, module, on, inputs, named):
        traced = tracing.trace(
            module, *inputs, example=example, rules=rules, backward=backward, **named
        )
    return traced.ledger


def _read(
    inputs: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs with those that are texts read; a text without a comma is a value."""
    from flopscope.tracing.inputs import tensors_for

    positional, by_name = [], dict(named)
    for given in inputs:
        if isinstance(given, str) and "," in given:
            read, more = tensors_for(specs([given]))
            positional += read
            by_name |= more
        else:
            positional.append(given)
    return tuple(positional), by_name
