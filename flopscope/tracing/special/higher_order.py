"""Operators that take functions: branches, loops, scans, and operators that run a part of a network
separately.

The functions are called by Python, on shapes. If data decide a branch, both ways are run. If data
decide the end of a loop, only its first condition is certain to run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator
from torch.utils import _pytree as pytree

from flopscope import readings
from flopscope.conventions import CONVENTIONS
from flopscope.domain import settled
from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.sizes import Size
from flopscope.tracing.callers import caller
from flopscope.tracing.calls import Facts, tensors_in
from flopscope.tracing.shapes.table import like
from flopscope.tracing.values.known import known

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def higher_order(
    recorder: Recorder,
    operator: HigherOrderOperator,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """What the operator returns, with what it runs being recorded. Raises BadInput for an operator
    that only runs in compiled code."""
    # functions inside are handled before the dispatcher too
    with recorder.met_before(), recorder:
        rule = RULES.get(operator.name())
        if rule is not None:
            return rule(recorder, *args, **kwargs)
        plain = operator.py_kernels.get(DispatchKey.CompositeExplicitAutograd)
        if plain is None:
            raise BadInput(
                f"{operator.name()} at {caller()} is an operator of torch that runs functions in "
                "compiled code alone; call the function itself"
            )
        return plain(*args, **kwargs)


def without_backward(operator: HigherOrderOperator, *args: Any, **kwargs: Any) -> Any:
    """Replaces the dispatch of such operators in a training step, where autograd would trace and
    compile what they run. Raises BadInput, except for functions with gradients of their own."""
    if operator.name() in OWN_GRADIENTS:
        return DISPATCH(operator, *args, **kwargs)
    raise BadInput(
        f"the backward pass of {operator.name()} at {caller()} is not known; "
        "trace the network without backward"
    )


DISPATCH: Any = HigherOrderOperator.dispatch
OWN_GRADIENTS = frozenset({"custom_function_call"})


def _branch(
    recorder: Recorder,
    predicate: Any,
    yes: Callable[..., Any],
    no: Callable[..., Any],
    operands: Sequence[Any] = (),
) -> Any:
    """torch.cond. If data decide, the rows are those of one way if both cost the same in every
    convention. Otherwise they are those of the way that costs no more in any convention, if there
    is one, and an extra row says so."""
    answer = _truth(predicate)
    if answer is not None:
        return (yes if answer else no)(*operands)
    start = len(recorder.rows)
    ways, costs = (yes, no), []
    for way in ways:
        result = way(*operands)
        costs.append(_costs(recorder.rows[start:]))
        del recorder.rows[start:]
    if costs[0] == costs[1]:
        return yes(*operands)
    less = next((i for i in (0, 1) if _no_more(costs[i], costs[1 - i])), None)
    if less is not None:
        result = ways[less](*operands)
    macs = [c["macs"] for c in costs]
    name = f"cond ({' or '.join(dict.fromkeys(map(_text, macs)))} MACs)"
    exact = macs[0] == macs[1] and less is not None
    return _not_known(recorder, name, operands, result, Kind.OTHER if exact else Kind.UNKNOWN)


def _loop(
    recorder: Recorder,
    condition: Callable[..., Any],
    body: Callable[..., Any],
    carried: Sequence[Any],
    further: Sequence[Any] = (),
) -> Any:
    """torch.while_loop. If data decide how often it runs, one row says what each pass costs."""
    values = tuple(carried)
    while (answer := _truth(condition(*values, *further))) is not None:
        if not answer:
            return values
        result = body(*values, *further)
        values = tuple(result) if isinstance(result, tuple | list) else (result,)
    start = len(recorder.rows)
    body(*values, *further)
    costs = _costs(recorder.rows[start:])
    del recorder.rows[start:]
    name = f"while_loop (each pass {_text(costs['macs'])} MACs)"
    without = costs["macs"] == Work(0, True)
    return _not_known(recorder, name, values, values, Kind.OTHER if without else Kind.UNKNOWN)


def _map(
    recorder: Recorder, function: Callable[..., Any], xs: Sequence[Any], further: Sequence[Any] = ()
) -> Any:
    """map: the function is applied to every slice along the first dimension, by one run on all of
    them as a batch."""
    ins = (*(0 for _ in xs), *(None for _ in further))
    return torch.vmap(function, ins)(*xs, *further)


def _scan(
    recorder: Recorder,
    combine: Callable[..., Any],
    carried: Sequence[Any],
    xs: Sequence[torch.Tensor],
    further: Sequence[Any] = (),
) -> Any:
    """scan: one step after the other, so the number of steps must be a number."""
    state, made = list(carried), []
    for step in range(int(xs[0].shape[0])):
        result = combine(*state, *(x.select(0, step) for x in xs), *further)
        state, ys = list(result[: len(state)]), result[len(state) :]
        made.append(ys)
    return [*state, *(torch.stack(list(ys)) for ys in zip(*made, strict=True))]


RULES: Mapping[str, Callable[..., Any]] = {
    "cond": _branch,
    "while_loop": _loop,
    "map_impl": _map,
    "scan": _scan,
}
"""The rules by the operator's name. All other operators are run as torch runs them without
compiling."""


def _truth(predicate: Any) -> bool | None:
    """The truth of a condition; None if data decide it."""
    if not isinstance(predicate, torch.Tensor):
        return bool(predicate)
    with torch._C.DisableTorchFunction():
        number = known(predicate)
        return None if number is None else bool(number.item())


class Work(NamedTuple):
    """An amount of work under a convention, and whether that is all of it."""

    value: Size
    complete: bool


def _costs(rows: Sequence[Operator]) -> dict[str, Work]:
    """The work of these rows under every convention."""
    counted = {name: readings.flops(rows, name) for name in CONVENTIONS}
    return {name: Work(found.value, found.complete) for name, found in counted.items()}


def _no_more(a: Mapping[str, Work], b: Mapping[str, Work]) -> bool:
    """Is the known cost of the first at most that of the second, in every convention and for all
    sizes?"""
    return all(settled(b[name].value - a[name].value, equality=False) for name in a)


def _text(macs: Work) -> str:
    value = f"{macs.value:,}" if isinstance(macs.value, int) else str(macs.value)
    return value if macs.complete else f"at least {value}"


def _not_known(
    recorder: Recorder, name: str, operands: Any, result: Any, kind: Kind = Kind.UNKNOWN
) -> Any:
    """Record a row for work that may or may not run, which writes results of these shapes. Returns
    the results."""

    fresh = pytree.tree_map(
        lambda v: like(v, v.shape) if isinstance(v, torch.Tensor) else v, result
    )
    recorder.append(name, Facts(kind, tensors_in(operands)), (), tensors_in(fresh))
    return fresh
