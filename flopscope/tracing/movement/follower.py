"""Follows how tensors of a trace lie in memory, and says which calls write elements anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from flopscope.facts import Kind, Movement
from flopscope.tracing.calls import Facts, shape_of, tensors_in
from flopscope.tracing.movement.layouts import Layout, dense, together
from flopscope.tracing.movement.looks import KEEPING, LOOKS
from flopscope.tracing.movement.table import COPIES, JOINS, MOVES
from flopscope.tracing.node import size_value

CHANNELS_LAST = Layout(4, (0, 2, 3, 1))
"""Maps (B, C, H, W) whose channels lie innermost."""

POINTWISE = frozenset(
    (Kind.ADD, Kind.MULTIPLY, Kind.DIVIDE, Kind.COMPARE, Kind.ACTIVATION, Kind.ELEMENTWISE)
)
"""Kinds whose output lies in memory as their inputs do."""

OVER_MAPS = frozenset(
    (
        *(Kind.CONVOLUTION, Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING, Kind.MAX_POOL),
        *(Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE, Kind.ADAPTIVE_POOL, Kind.RESIZE),
    )
)
"""Kinds that keep the channels of a map innermost where they are so."""

ONE_POSITION = Layout(4, (0, 1))
"""Maps (B, C, 1, 1)."""

LAID_OUT = {torch.channels_last: CHANNELS_LAST}


class Moves:
    """The layouts of a trace's tensors. One that is not known to be laid out otherwise is
    contiguous. `is_data` says whether a tensor is neither stored nor a constant."""

    def __init__(self, is_data: Callable[[torch.Tensor], bool]) -> None:
        self._is_data = is_data
        self._layouts: dict[int, Layout] = {}
        self._inside = 0  # how many kernels run, in which nothing is seen to move

    def of(self, tensor: torch.Tensor) -> Layout | None:
        """The layout of a tensor, as far as one is known; all others are contiguous."""
        return self._layouts.get(id(tensor))

    def contiguous(self, tensor: torch.Tensor) -> bool:
        """Do its elements lie in the order of its axes, without gaps?"""
        layout = self.of(tensor)
        return layout is None or layout.contiguous

    def lies(self, tensor: torch.Tensor, memory_format: torch.memory_format) -> bool:
        """Do its elements lie as this format of torch says, or is nothing known of the format?"""
        if memory_format is torch.contiguous_format:
            return self.contiguous(tensor)
        wanted = LAID_OUT.get(memory_format)
        return wanted is None or self.of(tensor) in (wanted, ONE_POSITION)

    def lay(self, tensor: torch.Tensor, layout: Layout | None) -> None:
        """Note the layout of a tensor."""
        if layout is not None and not layout.plain:
            self._layouts[id(tensor)] = layout

    @contextmanager
    def inside_a_kernel(self) -> Iterator[None]:
        """While active, operators are steps of one kernel, which writes nothing between them."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def facts(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], outputs: Sequence[Any]
    ) -> Facts | None:
        """The row of a call that writes existing elements anew; None for a view or a constant, and
        for a write into a tensor that is there already."""
        if name in JOINS:
            data = any(map(self._is_data, tensors_in(args)))
            return Facts(Kind.CONCATENATION, tensors_in(args)) if data else None
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if first is None or outputs[0] is first or not self._is_data(first):
            return None
        if name in MOVES:
            return self._moved(MOVES[name], args)
        if name in COPIES:
            return self._copied(name, first, kwargs, outputs[0])
        return self._seen(name, args, outputs)

    def _moved(self, movement: Movement, args: Sequence[Any]) -> Facts | None:
        read = tuple(t for t in tensors_in(args) if self._is_data(t))
        return None if self._inside else Facts(Kind.MOVE, read, function=movement)

    def _copied(
        self, name: str, x: torch.Tensor, kwargs: Mapping[str, Any], result: torch.Tensor
    ) -> Facts | None:
        """A copy that keeps the layout, or writes another one. One that only converts elements to
        another type is no row."""
        layout = self.of(x) or dense(x.dim())
        wanted = kwargs.get("memory_format")
        kept = wanted in (None, torch.preserve_format)
        target = layout.in_order
        if kept and not layout.spread:
            target = layout.written
        elif wanted in LAID_OUT:
            target = LAID_OUT[wanted]
        self.lay(result, target)
        if self._inside or (name != "clone" if kept else layout == target):
            return None
        if kept:
            return Facts(Kind.MOVE, (x,), function=Movement.COPY)
        movement = Movement.PERMUTE if layout.contiguous else layout.movement
        return Facts(Kind.MOVE, (x,), function=movement)

    def _seen(self, name: str, args: Sequence[Any], outputs: Sequence[Any]) -> Facts | None:
        """A view, or the copy that torch makes where no view is possible."""
        x = args[0]
        layout = self.of(x)
        if name not in LOOKS:
            return None
        if layout is None and name in KEEPING and 1 not in map(size_value, outputs[0].shape):
            return None
        layout = layout or dense(x.dim())
        for output in outputs:
            found = LOOKS[name](layout, args, output)
            if found is not None:
                self.lay(output, found)
            elif not self._inside:
                return Facts(Kind.MOVE, (x,), function=layout.movement, output=shape_of(x))
        return None

    def keep(self, kind: Kind, tensors: Sequence[torch.Tensor], output: torch.Tensor) -> None:
        """Note how the output of a row of this kind lies in memory."""
        if kind is Kind.GLOBAL_POOL and output.dim() == ONE_POSITION.rank:
            self.lay(output, ONE_POSITION)
        if not any(id(tensor) in self._layouts for tensor in tensors):
            return
        if any(output is tensor for tensor in tensors):
            return
        whole, first = shape_of(output), self.of(tensors[0])
        if kind in POINTWISE:
            operands = [(shape_of(t), self.of(t) or dense(t.dim())) for t in tensors]
            self.lay(output, together(operands, whole))
        elif kind in OVER_MAPS and first in (CHANNELS_LAST, ONE_POSITION):
            self.lay(output, first)
        elif first is not None and shape_of(tensors[0]) == whole:
            self.lay(output, first.in_order)
