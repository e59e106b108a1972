"""Records every operator that torch dispatches as ledger rows: kind, shapes, weights, path, and
what they read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger
from flopscope.sizes import Shape
from flopscope.tracing.callers import caller
from flopscope.tracing.calls import (
    Facts,
    OperatorCall,
    Rows,
    Rule,
    element_of,
    full_name,
    laid_out,
    named,
    plain_name,
    plain_types,
    shape_of,
    tensors_in,
)
from flopscope.tracing.experts.routing import Routing
from flopscope.tracing.movement.follower import Moves
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.costless import COSTLESS
from flopscope.tracing.operators.productless import PRODUCTLESS
from flopscope.tracing.operators.table import OPERATORS
from flopscope.tracing.shapes.outputs import result_of
from flopscope.tracing.special.packs import Pack, types_of
from flopscope.tracing.special.table import dispatched
from flopscope.tracing.stored import Stored
from flopscope.tracing.trail import Trail
from flopscope.tracing.uncompiled import UncompiledMode
from flopscope.tracing.values.known import META, flat, mapped
from flopscope.tracing.values.numbers import Copies, follow, how_read, read_values
from flopscope.tracing.values.truths import Truths


class Recorder(UncompiledMode):
    """Records rows while it is active.

    `state` has what the module stores, by name: parameters, some of them frozen, and buffers.
    `rules` are the user's, by the operator's full name. `shapes` are the tensors of `state` by the
    ids of the module's own tensors, for code that holds these in other places.
    """

    supports_higher_order_operators = True
    trains = False
    """Does a backward pass run? A network that enables gradients inside does not ask for one."""
    backward = False  # is it running now?

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        parameters: Collection[str],
        inputs: Sequence[torch.Tensor],
        rules: Mapping[str, Rule],
        frozen: Collection[str] = (),
        shapes: Mapping[int, torch.Tensor] = MappingProxyType({}),
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[Operator] = []
        self.places: list[tuple[str, int]] = [("", 0)]  # path and call of the modules that run
        self.packs: Mapping[int, tuple[str, Pack]] = {}  # names of packed weights, by id
        self.routing = Routing(Trail({}))
        self._rules = rules
        self._stored = Stored(state, parameters, frozen)
        self._source = {id(x): -1 - i for i, x in enumerate(inputs)}
        self._outside = self._no_input = -1 - len(inputs)  # the next number of no row or input
        self.moves = Moves(self._is_data)
        self._positions: Shape = ()
        self._meta = dict(shapes)
        self._copies = Copies()
        self.truths = Truths()
        self.met_before: Callable[[], AbstractContextManager[Any]] = nullcontext
        """Functions of torch that are handled before they reach the dispatcher."""
        self.named: Callable[[], Iterable[tuple[str, torch.Tensor]]] = tuple
        self._alive: list[Any] = list(inputs)  # ids stay unique while tensors live

    def ledger(self) -> Ledger:
        """The rows, and one more for each parameter that no operator reads as a whole.

        So the parameters add up to the module's own, including unused and sliced ones.
        """
        return Ledger((*self.rows, *self._stored.rows_of_the_rest(self.rows)))

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        special = dispatched(self, function, args, kwargs or {})
        if special is not NotImplemented:
            return special
        with torch._C.DisableTorchFunction():
            plain = plain_name(function)
            args, kwargs = mapped(self._on_meta, (tuple(args), dict(kwargs or {})))
            if reads := how_read(function, args):
                return self._read(function, reads, args, kwargs)
            result = result_of(function, args, kwargs)
            follow(function, args, kwargs, result)
            self.record(full_name(function, plain), args, kwargs, result)
            return result

    def _read(
        self, function: Any, reads: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The values that the call reads from known tensors. Raises BadInput if they depend on the
        data."""
        found = read_values(function, args, kwargs)
        if found is None:
            line = caller()
            refusal = BadInput(
                f"the network reads the values of a tensor ({reads}) at {line}; "
                "a trace has shapes only, so give it a form that depends on shapes alone"
            )
            if function._opname != "_local_scalar_dense" or args[0].dtype is not torch.bool:
                raise refusal
            return self.truths.answer(line, refusal)
        self._alive.append(found)
        return found

    def unpack(self, packs: Mapping[int, tuple[str, Pack]]) -> None:
        """Take in packed weights, by the id of what they are packed in."""
        self.packs = packs
        self._stored.elements |= types_of(packs)

    def foresees(self, function: Any) -> bool:
        """Is there a rule for the call, or is it costless?"""
        name = full_name(function, plain_name(function))
        return any(name in known for known in (OPERATORS, COSTLESS, PRODUCTLESS, self._rules))

    def record(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """Append the rows of one call of an operator."""
        outputs = [t for t in flat(result) if isinstance(t, torch.Tensor)]
        self._alive += outputs
        if not outputs:
            return
        rule = self._rule(name, args)
        call = OperatorCall(name, args, kwargs, result)
        rows = None if rule is None else rule(call)
        if rule is None and name in COSTLESS:
            rows = () if self.backward else self.moves.facts(name, args, kwargs, outputs) or ()
        elif rows is None and name in PRODUCTLESS:
            rows = Facts(Kind.OTHER, tensors_in(args))
        if rows == ():
            self._forward(args, outputs)
        else:
            self.append(name, rows, call.tensors, outputs)
            self.moves.keep(self.rows[-1].kind, call.tensors, outputs[0])

    def append(
        self,
        name: str,
        rows: Rows,
        tensors: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
    ) -> None:
        """Append these rows, or one of unknown kind that reads `tensors`. The last row writes the
        outputs."""
        rows = Facts(Kind.UNKNOWN, tuple(tensors)) if rows is None else rows
        for facts in (rows,) if isinstance(rows, Facts) else rows:
            self.rows.append(self._row(facts, outputs[0], name))
        for output in outputs:
            self._source[id(output)] = self.rows[-1].id

    def _row(self, facts: Facts, output: torch.Tensor, name: str) -> Operator:
        facts = self._stored.as_linear(facts)
        self._alive += facts.inputs
        weights = [t for t in facts.weights if t is not None]
        stored = self._stored
        computed = [t for t in facts.inputs if id(t) not in stored.names]
        held = [t for t in facts.inputs if id(t) in stored.names]
        learnt = [t for t in held if stored.learns(t)]
        constant = [t for t in held if not stored.learns(t)]
        computed += [t for t in weights if id(t) not in stored.names]
        before = self.rows[-1:] if facts.follows else []
        path, call = self.places[-1]
        seen_as = facts.seen_as or {}
        types = (
            *map(element_of, computed),
            *(row.output_type for row in before),
            facts.element or element_of(output),
        )
        row = Operator(
            kind=facts.kind,
            path=path,
            inputs=(
                *(seen_as.get(id(t), shape_of(t)) for t in computed),
                *(row.output for row in before),
            ),
            output=facts.output or shape_of(output),
            weights=(
                *stored.weights(weights, facts.kind is Kind.LINEAR, seen_as),
                *stored.weights(learnt),
            ),
            buffers=stored.weights([*(b for b in facts.buffers if b is not None), *constant]),
            window=facts.window,
            groups=facts.groups,
            function=facts.function,
            reads=(*(self._origin(t) for t in computed), *(row.id for row in before)),
            id=len(self.rows),
            call=call,
            types=types,
        )
        if self._positions and row.kind is Kind.LINEAR:
            row = laid_out(row, self._positions)
        return named(plain_types(row), name)

    @contextmanager
    def positions(self, axes: Sequence[Any]) -> Iterator[None]:
        """While active, a linear layer's positions have these axes, which torch folds into one
        before it multiplies."""
        outer, self._positions = self._positions, tuple(map(size_value, axes))
        try:
            yield
        finally:
            self._positions = outer

    def _forward(self, args: Sequence[Any], outputs: Sequence[torch.Tensor]) -> None:
        """A view or copy stands for the tensor that it shows: it has the same producer and the same
        stored tensor."""
        first = next((a for a in flat(args) if isinstance(a, torch.Tensor)), None)
        if first is None:
            return
        for output in outputs:
            if id(first) in self._source:
                self._source[id(output)] = self._source[id(first)]
            self._stored.show(first, output)

    def shows(self, x: torch.Tensor, other: torch.Tensor) -> None:
        """Note that the other tensor has the elements of this one."""
        self._alive.append(other)
        self._forward((x,), (other,))

    def _rule(self, name: str, args: Sequence[Any]) -> Rule | None:
        """The reader's rule, else that of the table. Indexing is a look-up only in a parameter."""
        if name in self._rules:
            return self._rules[name]
        return None if name == "index" and not self._stored.learns(args[0]) else OPERATORS.get(name)

    def stores(self, tensor: torch.Tensor) -> bool:
        """Is it a stored tensor, or a view of one?"""
        return tensor in self._stored

    def _is_data(self, tensor: torch.Tensor) -> bool:
        """Does the tensor come from a row or an input? A stored one and a constant do not."""
        source = self._source.get(id(tensor), self._no_input)
        return source > self._no_input and tensor not in self._stored

    def _origin(self, tensor: torch.Tensor) -> int:
        """The row that wrote the tensor, or a number of its own for a constant."""
        if id(tensor) not in self._source:
            self._source[id(tensor)] = self._outside
            self._outside -= 1
        return self._source[id(tensor)]

    def _on_meta(self, value: Any) -> Any:
        """The argument as it is in a trace. A tensor that the module keeps unregistered becomes its
        shape with its numbers, and a device becomes the meta device. A parameter that is made
        during the run gets its name."""
        if isinstance(value, torch.device):
            return META
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in self._meta:
            return self._meta[id(value)]
        if isinstance(value, nn.Parameter) and value not in self._stored:
            self._take_in(value)
        if value.device == META:
            return value
        self._meta[id(value)] = shape = self._copies.shape_of(value)
        self._alive.append(value)
        self._stored.show(value, shape)
        return shape

    shape_for = _on_meta

    def _take_in(self, parameter: nn.Parameter) -> None:
        """Store a parameter of a layer that is made while the network runs, under the name that the
        module has for it, or else under a new name at the running module."""
        known = next((name for name, p in self.named() if p is parameter), None)
        path, _ = self.places[-1]
        self._stored.take_in(parameter, known or f"{path}:made{len(self._stored.made)}")
        self._alive.append(parameter)
