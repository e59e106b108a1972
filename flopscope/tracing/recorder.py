"""Every operator that torch dispatches, as a ledger row: kind, shapes, weights, path, what it
reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.facts import Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.sizes import elements
from flopscope.tracing.operators import FREE, OPERATORS, Call, Facts, shape_of
from flopscope.tracing.outputs import result_of


class Recorder(TorchDispatchMode):
    """Records rows while it is active. `state` is what the module stores, by name."""

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        parameters: Collection[str],
        inputs: Sequence[torch.Tensor],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[Operator] = []
        self.path = [""]
        self._parameters = {name: shape_of(state[name]) for name in parameters}
        # id of a stored tensor, or of a view of it, to its name
        self._stored = {id(tensor): name for name, tensor in state.items()}
        self._source = {id(x): -1 - i for i, x in enumerate(inputs)}
        self._alive: list[torch.Tensor] = list(inputs)  # ids stay unique while tensors live

    def ledger(self) -> Ledger:
        """The rows, and one more for each parameter that no operator reads as a whole.

        So parameters add up to the module's own, unused and sliced ones included.
        """
        seen = {w.key: elements(w.shape) for row in self.rows for w in row.weights}
        rest = {k: s for k, s in self._parameters.items() if seen.get(k) != elements(s)}
        stored = [
            Operator(Kind.STORED, key, (), (0,), (Weight(key, shape),), id=len(self.rows) + n)
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
        kwargs = kwargs or {}
        result = result_of(function, args, kwargs)
        name = function.overloadpacket.__name__
        plain = name.rstrip("_") if not name.endswith("__") else name
        outputs = [t for t in pytree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        self._alive += outputs
        if plain in FREE:
            self._forward(args, outputs)
        elif outputs:
            self._record(Call(plain, args, kwargs, result), outputs)
        return result

    def _forward(self, args: Sequence[Any], outputs: Sequence[torch.Tensor]) -> None:
        """A view or copy stands for the tensor it shows: same producer, same stored tensor."""
        first = next((a for a in args if isinstance(a, torch.Tensor)), None)
        for output in outputs:
            if first is None:
                continue
            if id(first) in self._source:
                self._source[id(output)] = self._source[id(first)]
            if id(first) in self._stored:
                self._stored[id(output)] = self._stored[id(first)]

    def _record(self, call: Call, outputs: Sequence[torch.Tensor]) -> None:
        rule = OPERATORS.get(call.name)
        facts = rule(call) if rule is not None else None
        if facts is None:
            facts = Facts(Kind.UNKNOWN, tuple(t for t in call.args if isinstance(t, torch.Tensor)))
        facts = self._linear_if_stored(facts)
        computed = [t for t in facts.inputs if id(t) not in self._stored]
        held = [t for t in facts.inputs if id(t) in self._stored]
        learnt = [t for t in held if self._stored[id(t)] in self._parameters]
        constant = [t for t in held if self._stored[id(t)] not in self._parameters]
        row = Operator(
            kind=facts.kind,
            path=self.path[-1]
            if facts.kind is not Kind.UNKNOWN
            else f"{self.path[-1]}:{call.name}",
            inputs=tuple(shape_of(t) for t in computed),
            output=shape_of(outputs[0]),
            weights=self._weights([*facts.weights, *learnt], facts.kind is Kind.LINEAR),
            buffers=self._weights([*facts.buffers, *constant]),
            window=facts.window,
            groups=facts.groups,
            function=facts.function,
            reads=tuple(self._source.setdefault(id(t), -1) for t in computed),
            id=len(self.rows),
        )
        self.rows.append(row)
        for output in outputs:
            self._source[id(output)] = row.id

    def _linear_if_stored(self, facts: Facts) -> Facts:
        """A product with a stored second operand is a linear layer."""
        if facts.kind is Kind.MATMUL and id(facts.inputs[1]) in self._stored:
            return Facts(Kind.LINEAR, facts.inputs[:1], (facts.inputs[1],))
        return facts

    def _weights(
        self, tensors: Sequence[torch.Tensor | None], transposed: bool = False
    ) -> tuple[Weight, ...]:
        """Stored tensors by name; a linear layer's matrix arrives transposed and is turned back."""
        weights = []
        for position, tensor in enumerate(tensors):
            if tensor is not None:
                shape = shape_of(tensor)
                shape = shape[::-1] if transposed and position == 0 else shape
                weights.append(Weight(self._stored.get(id(tensor), f"tensor{id(tensor)}"), shape))
        return tuple(weights)


@contextmanager
def paths(recorder: Recorder, module: nn.Module) -> Iterator[None]:
    """While active, rows get the dotted path of the module that runs; shared modules their
    first."""
    names = {
        id(part): name
        for name, part in reversed(list(module.named_modules(remove_duplicate=False)))
    }

    def enter(part: nn.Module, _: Any) -> None:
        recorder.path.append(names.get(id(part), recorder.path[-1]))

    def leave(part: nn.Module, _: Any, __: Any) -> None:
        recorder.path.pop()

    handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
