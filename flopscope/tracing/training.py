"""The trace of a training step: what runs in the backward pass, at which module, and what is kept
for it.

Autograd itself runs on meta tensors. Each of its nodes has the sequence number of its forward
operator, which tells the module. A tensor that a node keeps is recognised by its storage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils import _pytree as pytree

from flopscope.domain.regions import numbers
from flopscope.errors import BadInput
from flopscope.facts import Operator
from flopscope.readings.training import Keeper, Kept, Saved
from flopscope.sizes import Shape, elements, is_symbolic
from flopscope.symbolic import substitute
from flopscope.tracing.calls import Facts, Rule, shape_of
from flopscope.tracing.inputs import leaves, mapped_inputs
from flopscope.tracing.operators.costless import VIEWS
from flopscope.tracing.operators.gradients import GRADIENTS
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.trail import Trail


class SavedTensor(NamedTuple):
    """A tensor as an operator keeps it: the module's path and call, the storage, how much is seen
    of it, all of it, and how many rows were recorded before."""

    place: tuple[str, int]
    storage: int
    shape: Shape
    whole: Kept
    rows: int

    @property
    def keeper(self) -> Keeper:
        """Who keeps it, and when."""
        return Keeper(*self.place, self.rows)


class TrainingRecorder(Recorder):
    """Records the rows of both passes, and what is saved in between."""

    trains = True

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        parameters: Collection[str],
        inputs: Sequence[torch.Tensor],
        rules: Mapping[str, Rule],
        frozen: Collection[str] = (),
        shapes: Mapping[int, torch.Tensor] = MappingProxyType({}),
    ) -> None:
        super().__init__(state, parameters, inputs, {**GRADIENTS, **rules}, frozen, shapes)
        self.backward = False
        self.saved_tensors: list[SavedTensor] = []
        self.written: dict[int, int] = {}
        """The storage that each row of the forward pass writes into, by the row's id."""
        self.made: list[nn.Parameter] = []
        """Parameters that were made as the network ran."""
        # the last number that autograd had given when an operator ran, ascending, and where it ran
        self._numbers: list[int] = []
        self._modules: list[tuple[str, int]] = []
        self._inputs = {_storage(x) for x in inputs}
        # from a storage to the storage that it shows, and to the first tensor in it
        self._shows: dict[int, int] = {}
        self._first = {_storage(t): t for t in (*inputs, *state.values())}

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if self.backward:
            node = torch._C._current_autograd_node()
            if node is not None:
                self.places[-1] = self._place_of(node._sequence_nr())
        else:
            number = torch._C._autograd._get_sequence_nr() - 1
            if not self._numbers or number > self._numbers[-1]:
                self._numbers.append(number)
                self._modules.append(self.places[-1])
        return super().__torch_dispatch__(function, types, args, kwargs)

    def record(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """Append the rows of one call of an operator, and note in which memory its results lie."""
        before = len(self.rows)
        super().record(name, args, kwargs, result)
        looked_at = next((a for a in args if isinstance(a, torch.Tensor)), None)
        for output in pytree.tree_leaves(result):
            if isinstance(output, torch.Tensor):
                at = _storage(output)
                self._first.setdefault(at, output)
                if name in VIEWS and looked_at is not None:
                    shown = _storage(looked_at)
                    self._shows.setdefault(at, self._shows.get(shown, shown))
                if len(self.rows) > before and not self.backward:
                    self.written.setdefault(self.rows[-1].id, self._shows.get(at, at))

    def _place_of(self, number: int) -> tuple[str, int]:
        """The place of the first operator that ran after the autograd node with this number was
        made."""
        at = bisect_left(self._numbers, number)
        return self._modules[at] if at < len(self._modules) else ("", 0)

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that autograd saves: another look at one of those that were recorded."""
        first = self._first.get(_storage(tensor))
        if first is None:
            return tensor
        self._forward((first,), (tensor,))
        self._alive.append(tensor)
        at = self._shows.get(_storage(tensor), _storage(tensor))
        whole = self._first[at]
        kept = Kept(
            shape_of(whole),
            whole.element_size(),
            whole.dtype.is_floating_point,
            self._stored.name_of(whole),
            at in self._inputs,
        )
        place, rows = self.places[-1], len(self.rows)
        self.saved_tensors.append(SavedTensor(place, at, shape_of(tensor), kept, rows))
        return tensor

    def _take_in(self, parameter: nn.Parameter) -> None:
        super()._take_in(parameter)
        if parameter.is_meta:  # autograd asks that a gradient is where its parameter is
            self.made.append(parameter)

    def _row(self, facts: Facts, output: torch.Tensor, name: str) -> Operator:
        return super()._row(facts, output, name)._replace(backward=self.backward)


def saved(run: TrainingRecorder, at_example: TrainingRecorder, trail: Trail) -> Saved | None:
    """What a run kept, with views told from copies by a run on the example's sizes.

    Free sizes leave the layout open, and so whether another look at a tensor is a view or a copy.
    None where the two runs do not keep the same.
    """
    domain = trail.domain()
    kept: dict[int, Kept] = {}
    keepers: dict[int, list[Keeper]] = {}
    alike: dict[Any, list[SavedTensor]] = {}
    for saved_tensor in run.saved_tensors:
        alike.setdefault(_where(saved_tensor, trail), []).append(saved_tensor)
    for saved_tensor in at_example.saved_tensors:
        same = alike.get(_where(saved_tensor, trail))
        if not same:
            return None
        open_tensor = same.pop(0)
        for shape in (open_tensor.whole.shape, open_tensor.shape):
            if elements(_at_example(shape, trail)) == elements(saved_tensor.whole.shape):
                known = tuple(substitute(n, numbers(domain)) for n in shape)
                kept.setdefault(saved_tensor.storage, replace(open_tensor.whole, shape=known))
        if saved_tensor.storage not in kept:
            return None
        keepers.setdefault(saved_tensor.storage, []).append(saved_tensor.keeper)
    if any(alike.values()):
        return None
    tensors = (
        replace(tensor, storage=storage, keepers=tuple(dict.fromkeys(keepers[storage])))
        for storage, tensor in kept.items()
    )
    return Saved(tuple(tensors), domain, at_example.written)


def _where(saved_tensor: SavedTensor, trail: Trail) -> Any:
    """What identifies the kept tensors of a run, since operators may keep them in any order."""
    whole = saved_tensor.whole
    return (
        saved_tensor.place,
        whole.name,
        whole.item,
        elements(_at_example(saved_tensor.shape, trail)),
    )


def _at_example(shape: Shape, trail: Trail) -> Shape:
    return tuple(n.evaluate(trail.example) if is_symbolic(n) else n for n in shape)


def example_of(values: Any, trail: Trail) -> Any:
    """The same tensors on the example's sizes."""

    def example(value: Any) -> torch.Tensor:
        return torch.empty(_at_example(shape_of(value), trail), dtype=value.dtype, device="meta")

    return mapped_inputs(values, example)


def training_step(
    recorder: TrainingRecorder, forward: Callable[[], Any], state: Mapping[str, torch.Tensor]
) -> None:
    """Run the forward pass, and autograd from given gradients of the outputs to those of the
    weights.

    Raises BadInput if no output depends on a parameter that learns.
    """
    with saved_tensors_hooks(recorder.keep, lambda tensor: tensor):
        outputs = forward()
    ends = [t for t in leaves(outputs) if t.requires_grad]
    if not ends:
        raise BadInput(
            "no output depends on a parameter that requires a gradient, so nothing runs backward; "
            "trace it without backward"
        )
    seeds = [torch.empty_like(t) for t in ends]
    recorder.backward = True
    recorder.places.append(("", 0))
    weights = [t for t in (*state.values(), *recorder.made) if t.requires_grad]
    torch.autograd.grad(ends, weights, seeds, allow_unused=True)


@contextmanager
def training(module: nn.Module) -> Iterator[None]:
    """The module and its parts in training mode, put back as they were afterwards."""
    evaluated = [part for part in module.modules() if not part.training]
    try:
        module.train()
        yield
    finally:
        for part in evaluated:
            part.training = False


def _storage(tensor: torch.Tensor) -> int:
    """What identifies the memory that a tensor lies in, while it lives."""
    return int(tensor.untyped_storage()._cdata)
