"""Modules of one's own: their ledgers, and their formulas in their own arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flopscope.api.given import mapping
from flopscope.api.public import public
from flopscope.extras import require_witnesses
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.derive import Derivation
    from flopscope.tracing.calls import Rule


@public(rules=mapping)
def trace(
    module: nn.Module,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    backward: bool = False,
    **named: Any,
) -> Ledger:
    """The ledger of any module on inputs of these shapes, sizes being numbers or names.

    See `flopscope.tracing.trace`; the ledger's conditions say where its formulas hold. Needs torch.
    Raises BadInput for anything but a module, and where the module cannot run on these inputs.

    >>> from torch import nn
    >>> print(trace(nn.Conv2d(3, 8, 3), ("B", 3, "H", "W")).macs().formula.domain)
    B ≥ 1; H, W ≥ 3
    """
    require_witnesses()
    from flopscope import tracing
    from flopscope.tracing.loading.refusals import check_module, named_inputs, refusing

    check_module(module)
    name, on = type(module).__name__, named_inputs(inputs, named)
    with refusing(name, module, on, inputs, named):
        traced = tracing.trace(
            module, *inputs, example=example, rules=rules, backward=backward, **named
        )
    return traced.ledger


@public(arguments=mapping)
def derive(
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    *inputs: Any,
    quantities: Sequence[str] = ("macs", "params"),
    example: Mapping[str, int] | None = None,
) -> Derivation:
    """The formulas of a class or factory in its own arguments. An argument that is a symbol is a
    free size.

    >>> from torch import nn
    >>> from flopscope.symbolic import symbol
    >>> C, N = symbol("C"), symbol("N")
    >>> print(derive(nn.Linear, {"in_features": C, "out_features": N}).formula("params"))
      N · (C + 1)
    """
    require_witnesses()
    from flopscope import tracing
    from flopscope.answers import derive as deriving
    from flopscope.tracing.loading.refusals import named_inputs

    def run(sizes: Mapping[str, Any]) -> tracing.Trace:
        return tracing.derive(make, arguments, *inputs, example=sizes)

    name = getattr(make, "__name__", str(make))
    said = ", ".join(f"{key}={value}" for key, value in arguments.items()) or "no arguments"
    said += f" on {named_inputs(inputs, {})}" if inputs else ""
    first = deriving.first_trace(name, said, run, example or {}, make, arguments, option="")
    return deriving.derived(name, run, first, quantities)
