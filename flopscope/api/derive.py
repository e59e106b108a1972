"""Formulas of a class or function of one's own, in its own arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flopscope.answers.derive.derivation import Derivation
from flopscope.answers.formula import QUANTITIES
from flopscope.answers.target import parse_target
from flopscope.api.formula import FormulaPages, cautions
from flopscope.api.given import maker
from flopscope.api.public import public
from flopscope.api.subject import specs
from flopscope.arguments import odd_kernel
from flopscope.errors import UnknownName
from flopscope.extras import require_witnesses

if TYPE_CHECKING:
    from torch import nn

    from flopscope.facts import InputSpec
    from flopscope.present.formula import FormulaPage


@dataclass(frozen=True, repr=False)
class DerivationReport(FormulaPages, Derivation):
    """The report that `derive` returns: pieces with disjoint domains, and notes on what was
    assumed."""

    def document(self) -> FormulaPage:
        """The pieces one after the other."""
        from flopscope.present.derive import derivation_page

        page = derivation_page(self)
        return replace(page, notes=[*page.notes, *cautions(list(self.pieces[0].formulas))])

    @property
    def about(self) -> str:
        pieces = len(self.pieces)
        more = f"; {pieces} pieces" if pieces > 1 else ""
        return f"{self.target}: {', '.join(self.pieces[0].formulas)}{more}"


@public(make=maker)
def derive(
    make: str | Callable[..., nn.Module],
    arguments: Mapping[str, Any] | None = None,
    *inputs: Any,
    quantities: str | Sequence[str] = ("macs", "params"),
    example: Mapping[str, int] | None = None,
) -> DerivationReport:
    """The formulas of a class or factory, or of a text such as "net.py:Block" that names one, in
    its own arguments. An argument that is a symbol is a free size, and of a text's class a kernel
    that is a symbol is odd. Needs torch.

    Raises BadInput for what makes no module, and where it cannot be made or run; UnknownName for a
    quantity that has no formula.

    >>> from torch import nn
    >>> from flopscope.symbolic import symbol
    >>> C, N = symbol("C"), symbol("N")
    >>> print(derive(nn.Linear, {"in_features": C, "out_features": N}).formula("params"))
      N · (C + 1)
    """
    require_witnesses()
    from flopscope.answers import derive as deriving

    given = arguments or {}
    _check(quantities)
    if isinstance(make, str):
        place, named = parse_target(make).place, parse_target(make).arguments(given)
        named = {name: odd_kernel(name, value) for name, value in named.items()}
        found = deriving.derive(place, named, specs(inputs), tuple(quantities), example)
    else:
        name = getattr(make, "__name__", str(make))
        found = _derived(name, make, given, inputs, tuple(quantities), example or {})
    return DerivationReport(found.target, found.inputs, found.pieces, found.notes)


def of_network(
    network: str | nn.Module, inputs: Sequence[InputSpec], quantities: Sequence[str]
) -> DerivationReport:
    """The formulas of a network that is not of the catalogue, in the sizes of its inputs. Without
    inputs, its first layer tells their shape. Raises as `derive` does."""
    if isinstance(network, str):
        return derive(network, None, *inputs, quantities=quantities)
    require_witnesses()
    _check(quantities)
    from flopscope.tracing.inputs import tensors_for

    positional, named = tensors_for(inputs)
    name, asked = type(network).__name__, tuple(quantities)
    found = _derived(name, lambda: network, {}, positional, asked, {}, named)
    return DerivationReport(found.target, found.inputs, found.pieces, found.notes)


def _check(quantities: Sequence[str]) -> None:
    for quantity in quantities:
        if quantity not in QUANTITIES:
            raise UnknownName("quantity", quantity, QUANTITIES)


def _derived(
    name: str,
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    inputs: Sequence[Any],
    quantities: Sequence[str],
    example: Mapping[str, int],
    named: Mapping[str, Any] | None = None,
) -> Derivation:
    """The formulas of a class or factory, which is run on inputs of any kind."""
    from flopscope import tracing
    from flopscope.answers import derive as deriving
    from flopscope.tracing.loading.refusals import named_inputs

    def run(sizes: Mapping[str, Any]) -> tracing.Trace:
        return tracing.derive(make, arguments, *inputs, example=sizes, **(named or {}))

    said = ", ".join(f"{key}={value}" for key, value in arguments.items()) or "no arguments"
    said += f" on {named_inputs(inputs, named or {})}" if inputs or named else ""
    first = deriving.first_trace(name, said, run, example, make, arguments, option="")
    return deriving.derived(name, run, first, quantities)
