"""Every operator that torch dispatches, as ledger rows: kind, shapes, weights, path, what they
read."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.costs.complex_numbers import has_complex, is_stated
from flopscope.errors import BadInput
from flopscope.facts import COMPLEX, FLOAT32, Interpolation, Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, elements
from flopscope.tracing.callers import caller
from flopscope.tracing.calls import Call, Facts, Rows, Rule, element_of, shape_of, tensors_in
from flopscope.tracing.experts.routing import Routing
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.costless import FREE
from flopscope.tracing.operators.productless import PRODUCTLESS
from flopscope.tracing.operators.table import OPERATORS
from flopscope.tracing.shapes.outputs import result_of
from flopscope.tracing.special.packs import Pack, elements_of
from flopscope.tracing.special.table import dispatched
from flopscope.tracing.trail import Trail
from flopscope.tracing.values.known import META
from flopscope.tracing.values.numbers import Copies, follow, memory_of, read, reading
from flopscope.tracing.values.truths import Truths


class Recorder(TorchDispatchMode):
    """Records rows while it is active. `state` is what the module stores, by name: parameters, some
    of them frozen, and buffers; `rules` are the user's, by the operator's full name. `shapes` are
    those of `state` by the ids of the module's own tensors, for code that keeps them elsewhere."""

    supports_higher_order_operators = True
    trains = False
    """Does something run backward? A network that enables gradients inside asks for none."""

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
        self.packs: Mapping[int, tuple[str, Pack]] = {}  # packed weights by id
        self.routing = Routing(Trail({}))
        self._rules = rules
        self._parameters = {name: shape_of(memory_of(state[name])) for name in parameters}
        self._elements = {name: element_of(tensor) for name, tensor in state.items()}
        self._frozen = set(frozen)
        self._made: dict[str, Shape] = {}  # parameters of layers that are made as the network runs
        # id of a stored tensor, or of a view of it, to its name
        self._stored = {id(tensor): name for name, tensor in state.items()}
        self._stored |= {id(memory_of(tensor)): name for name, tensor in state.items()}
        self._source = {id(x): -1 - i for i, x in enumerate(inputs)}
        self._outside = -1 - len(inputs)  # the next source that no row and no input is
        self._positions: Shape = ()
        self._meta = dict(shapes)
        self._copies = Copies()
        self.truths = Truths()
        self.named: Callable[[], Iterable[tuple[str, torch.Tensor]]] = tuple
        self._alive: list[Any] = list(inputs)  # ids stay unique while tensors live

    def ledger(self) -> Ledger:
        """The rows, and one more for each parameter that no operator reads as a whole.

        So parameters add up to the module's own, unused and sliced ones included.
        """
        seen = {w.key: elements(w.shape) for row in self.rows for w in row.weights}
        made = {name: shape for name, shape in self._made.items() if name in seen}
        parameters = self._parameters | made
        rest = {k: s for k, s in parameters.items() if seen.get(k) != elements(s)}
        stored = [
            Operator(
                Kind.STORED,
                key,
                (),
                (0,),
                (self._weight(key, shape, self._elements[key]),),
                id=len(self.rows) + n,
            )
            for n, (key, shape) in enumerate(rest.items())
        ]
        return Ledger((*self.rows, *stored))

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
            args, kwargs = pytree.tree_map(self._on_meta, (tuple(args), dict(kwargs or {})))
            if reads := reading(function, args):
                return self._read(function, reads, args, kwargs)
            result = result_of(function, args, kwargs)
            follow(function, args, kwargs, result)
            self.record(full_name(function, plain), args, kwargs, result)
            return result

    def _read(
        self, function: Any, reads: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """What the call reads of known tensors. Raises BadInput where they depend on the data."""
        found = read(function, args, kwargs)
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
        self._elements |= elements_of(packs)

    def foresees(self, function: Any) -> bool:
        """Does a rule say what it is, or that it is free?"""
        name = full_name(function, plain_name(function))
        known = name in OPERATORS or name in FREE or name in PRODUCTLESS
        return known or name in self._rules

    def record(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """Append the rows of one call of an operator."""
        outputs = [t for t in pytree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        self._alive += outputs
        if not outputs:
            return
        rule = self._rule(name, args)
        if rule is None and name in FREE:
            self._forward(args, outputs)
            return
        call = Call(name, args, kwargs, result)
        rows = None if rule is None else rule(call)
        if rows is None and name in PRODUCTLESS:
            rows = Facts(Kind.OTHER, tensors_in(args))
        if rows == ():
            self._forward(args, outputs)
        else:
            self.append(name, rows, call.tensors, outputs)

    def append(
        self,
        name: str,
        rows: Rows,
        tensors: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
    ) -> None:
        """Append these rows, or one of unknown kind that reads `tensors`; the last one writes the
        outputs."""
        for facts in (
            (Facts(Kind.UNKNOWN, tuple(tensors)),)
            if rows is None
            else (rows,)
            if isinstance(rows, Facts)
            else rows
        ):
            self.rows.append(self._row(facts, outputs[0], name))
        for output in outputs:
            self._source[id(output)] = self.rows[-1].id

    def _row(self, facts: Facts, output: torch.Tensor, name: str) -> Operator:
        facts = self._linear_if_stored(facts)
        self._alive += facts.inputs
        weights = [t for t in facts.weights if t is not None]
        computed = [t for t in facts.inputs if id(t) not in self._stored]
        held = [t for t in facts.inputs if id(t) in self._stored]
        learnt = [t for t in held if self._is_parameter(self._stored[id(t)])]
        constant = [t for t in held if not self._is_parameter(self._stored[id(t)])]
        computed += [t for t in weights if id(t) not in self._stored]
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
                *self._weights(weights, facts.kind is Kind.LINEAR, seen_as),
                *self._weights(learnt),
            ),
            buffers=self._weights([*(b for b in facts.buffers if b is not None), *constant]),
            window=facts.window,
            groups=facts.groups,
            function=facts.function,
            reads=(*(self._origin(t) for t in computed), *(row.id for row in before)),
            id=len(self.rows),
            call=call,
            types=types,
        )
        row = self._laid_out(row) if self._positions and row.kind is Kind.LINEAR else row
        return _named(_plain(row), name)

    def _laid_out(self, row: Operator) -> Operator:
        """The linear layer on the axes it was called on."""
        inputs = tuple((*self._positions, shape[-1]) for shape in row.inputs)
        return row._replace(inputs=inputs, output=(*self._positions, row.output[-1]))

    @contextmanager
    def positions(self, axes: Sequence[Any]) -> Iterator[None]:
        """While active, a linear layer's positions are these axes: torch makes one of them before
        it multiplies."""
        outer, self._positions = self._positions, tuple(map(size_value, axes))
        try:
            yield
        finally:
            self._positions = outer

    def _forward(self, args: Sequence[Any], outputs: Sequence[torch.Tensor]) -> None:
        """A view or copy stands for the tensor it shows: same producer, same stored tensor."""
        leaves = pytree.tree_leaves(args)
        first = next((a for a in leaves if isinstance(a, torch.Tensor)), None)
        for output in outputs if first is not None else ():
            if id(first) in self._source:
                self._source[id(output)] = self._source[id(first)]
            if id(first) in self._stored:
                self._stored[id(output)] = self._stored[id(first)]

    def shows(self, x: torch.Tensor, other: torch.Tensor) -> None:
        """The other tensor has the elements of this one."""
        self._alive.append(other)
        self._forward((x,), (other,))

    def _rule(self, name: str, args: Sequence[Any]) -> Rule | None:
        """The reader's, else the table's. Only an index of a parameter looks entries up."""
        if name in self._rules:
            return self._rules[name]
        learnt = name != "index" or self._is_parameter(self._stored.get(id(args[0])))
        return OPERATORS.get(name) if learnt else None

    def _origin(self, tensor: torch.Tensor) -> int:
        """The row that wrote it, or a number of its own for a constant."""
        if id(tensor) not in self._source:
            self._source[id(tensor)] = self._outside
            self._outside -= 1
        return self._source[id(tensor)]

    def _on_meta(self, value: Any) -> Any:
        """A tensor that the module keeps elsewhere, unregistered, as its shape with its numbers; a
        device as the one of shapes; a parameter that was made on the way gets its name."""
        if isinstance(value, torch.device):
            return META
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in self._meta:
            return self._meta[id(value)]
        if isinstance(value, nn.Parameter) and id(value) not in self._stored:
            self._take_in(value)
        if value.device == META:
            return value
        self._meta[id(value)] = shape = self._copies.shape_of(value)
        self._alive.append(value)
        if id(value) in self._stored:
            self._stored[id(shape)] = self._stored[id(value)]
        return shape

    shape_for = _on_meta

    def _take_in(self, parameter: nn.Parameter) -> None:
        """A layer that is made as the network runs has parameters too: under the name that the
        module has for them, else under one of its own at the module that runs."""
        known = next((name for name, p in self.named() if p is parameter), None)
        path, _ = self.places[-1]
        name = known or f"{path}:made{len(self._made)}"
        self._stored[id(parameter)] = name
        self._made[name] = shape_of(parameter)
        self._elements[name] = element_of(parameter)
        if not parameter.requires_grad:
            self._frozen.add(name)
        self._alive.append(parameter)

    def _linear_if_stored(self, facts: Facts) -> Facts:
        """A product with a stored operand is a linear layer, whose matrix is (out, in)."""
        if facts.kind is not Kind.MATMUL or facts.follows or facts.groups != 1:
            return facts
        a, b = facts.inputs
        if id(b) in self._stored:
            inputs = () if id(a) in self._stored else (a,)
            return facts._replace(kind=Kind.LINEAR, inputs=inputs, weights=(b,))
        if id(a) in self._stored:
            turned = a.mT if a.dim() > 1 else a
            self._stored[id(turned)] = self._stored[id(a)]
            self._alive.append(turned)
            seen_as = dict(facts.seen_as or {})
            if id(a) in seen_as:
                *stack, rows, columns = seen_as[id(a)]
                seen_as[id(turned)] = (*stack, columns, rows)
            return facts._replace(kind=Kind.LINEAR, inputs=(b,), weights=(turned,), seen_as=seen_as)
        return facts

    def _weights(
        self,
        tensors: Sequence[torch.Tensor],
        transposed: bool = False,
        seen_as: Mapping[int, Shape] = MappingProxyType({}),
    ) -> tuple[Weight, ...]:
        """Stored tensors by name, computed ones without; a linear layer's matrix arrives transposed
        and is turned back."""
        weights = []
        for position, tensor in enumerate(tensors):
            shape, key = seen_as.get(id(tensor), shape_of(tensor)), self._stored.get(id(tensor), "")
            if transposed and position == 0 and len(shape) > 1:
                shape = (*shape[:-2], shape[-1], shape[-2])
            weights.append(self._weight(key, shape, element_of(tensor)))
        return tuple(weights)

    def _weight(self, key: str, shape: Shape, seen_as: str) -> Weight:
        """The type is that in which it is stored, but where pairs of numbers are seen as complex
        ones."""
        own = self._elements.get(key, seen_as)
        element = own if (own in COMPLEX) == (seen_as in COMPLEX) else seen_as
        return Weight(key, shape, self._is_parameter(key), key in self._frozen, element)

    def _is_parameter(self, key: str | None) -> bool:
        return key in self._parameters or key in self._made


def _plain(row: Operator) -> Operator:
    """Types are left out where all tensors are of float32; complex acts that are not stated are
    unknown."""
    if has_complex(row) and not is_stated(row.kind, row.function) and row.kind is not Kind.UNKNOWN:
        row = row._replace(kind=Kind.OTHER)
    stored = (weight.element for weight in (*row.weights, *row.buffers))
    return row._replace(types=()) if {*row.types, *stored} == {FLOAT32} else row


def _named(row: Operator, name: str) -> Operator:
    """The name of an operator, where its kind does not tell what it is, stands behind the path."""
    nameless = row.kind in (Kind.UNKNOWN, Kind.OTHER) or row.function is Interpolation.VARYING
    return row._replace(path=f"{row.path}:{name}") if nameless else row


def plain_name(function: Any) -> str:
    """The name of an operator without the underscore of the one in place."""
    name: str = function.overloadpacket.__name__
    return name if name.endswith("__") else name.rstrip("_")


def full_name(function: Any, plain: str) -> str:
    """An aten operator's plain name; `namespace::name` for any other."""
    return plain if function.namespace in ("aten", "prims") else f"{function.namespace}::{plain}"


@contextmanager
def paths(recorder: Recorder, module: nn.Module) -> Iterator[None]:
    """While active, rows get the dotted path and the call of the module that runs; shared modules
    their first path."""
    names = {
        id(part): name
        for name, part in reversed(list(module.named_modules(remove_duplicate=False)))
    }
    calls: Counter[str] = Counter()

    def enter(part: nn.Module, _: Any) -> None:
        path = names.get(id(part), recorder.places[-1][0])
        recorder.places.append((path, calls[path]))
        calls[path] += 1

    def leave(part: nn.Module, _: Any, __: Any) -> None:
        recorder.places.pop()

    handles = [
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    ]
    try:
        with warnings.catch_warnings():
            # A compiled part says that it runs hooks twice: once under its own path, as it should.
            warnings.filterwarnings("ignore", "Using `torch.compile", UserWarning)
            yield
    finally:
        for handle in handles:
            handle.remove()
