"""Rows for layers that a module calls as functions on its own weights, beside the rows of its
layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from flopscope.facts import Kind, Operator, Weight, Window
from flopscope.measured.modules import ModuleRow, is_leaf, padding_of


@contextmanager
def functional_calls(module: nn.Module, rows: list[ModuleRow]) -> Iterator[None]:
    """While active, each of `FUNCTIONS` that runs outside a leaf module appends its row, under the
    path of the module that calls it."""
    running: list[tuple[str, bool]] = []

    def leave(*_: Any) -> None:
        running.pop()

    handles = []
    for path, part in module.named_modules():
        place = path, is_leaf(part)
        handles += [
            part.register_forward_pre_hook(lambda *_, place=place: running.append(place)),
            part.register_forward_hook(leave, always_call=True),
        ]
    names = {id(t): name for name, t in [*module.named_parameters(), *module.named_buffers()]}
    try:
        with _FunctionWatch(running, names, rows):
            yield
    finally:
        for handle in handles:
            handle.remove()


class _FunctionWatch(TorchFunctionMode):
    """Sees functions as they are called, and leaves those inside leaf modules alone."""

    def __init__(
        self, running: list[tuple[str, bool]], names: Mapping[int, str], rows: list[ModuleRow]
    ) -> None:
        super().__init__()
        self._running, self._names, self._rows = running, names, rows

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = function(*args, **(kwargs or {}))
        path, leaf = self._running[-1] if self._running else ("", True)
        if function in FUNCTIONS and not leaf:
            facts = FUNCTIONS[function](*args, **(kwargs or {}))
            name = getattr(function, "__name__", str(function))
            self._rows.append(ModuleRow(_row(facts, path, output, self._names), name))
        return output


class _Facts(NamedTuple):
    """The facts that the arguments of a call give."""

    kind: Kind
    input: Tensor
    stored: tuple[Tensor | None, ...]
    window: Window | None = None
    groups: int = 1


def _convolution(
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> _Facts:
    kernel, spread = tuple(weight.shape[2:]), _per_axis(dilation, axes)
    given = padding if isinstance(padding, str) else _per_axis(padding, axes)
    window = Window(kernel, _per_axis(stride, axes), padding_of(given, kernel, spread)[0], spread)
    return _Facts(Kind.CONVOLUTION, input, (weight, bias), window, groups)


def _transposed(
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> _Facts:
    plain = _convolution(axes, input, weight, bias, stride, padding, dilation, groups)
    return plain._replace(kind=Kind.TRANSPOSED_CONVOLUTION)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> _Facts:
    return _Facts(Kind.LINEAR, input, (weight, bias))


def _embedding(input: Tensor, weight: Tensor, *_: Any, **__: Any) -> _Facts:
    return _Facts(Kind.EMBEDDING, input, (weight,))


def _per_axis(value: Any, axes: int) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return sizes * axes if len(sizes) == 1 else sizes


FUNCTIONS: Mapping[Any, Callable[..., _Facts]] = {
    F.conv1d: partial(_convolution, 1),
    F.conv2d: partial(_convolution, 2),
    F.conv3d: partial(_convolution, 3),
    F.conv_transpose1d: partial(_transposed, 1),
    F.conv_transpose2d: partial(_transposed, 2),
    F.conv_transpose3d: partial(_transposed, 3),
    F.linear: _linear,
    F.embedding: _embedding,
}
"""Functions that stand for layers, with torch's names and order of their arguments."""


def _row(facts: _Facts, path: str, output: Tensor, names: Mapping[int, str]) -> Operator:
    """The row of a call. A tensor is computed if the module stores neither it nor the tensor of
    which it is a view; it then has no name and is not a parameter."""
    stored = ((t, _owner(t)) for t in facts.stored if t is not None)
    weights = (
        Weight(names.get(id(owner), ""), tuple(t.shape), learnt=isinstance(owner, nn.Parameter))
        for t, owner in stored
    )
    return Operator(
        facts.kind,
        path,
        (tuple(facts.input.shape),),
        tuple(output.shape),
        tuple(weights),
        window=facts.window,
        groups=facts.groups,
    )


def _owner(tensor: Tensor) -> Tensor:
    """The tensor that a view shows, or itself."""
    return tensor if tensor._base is None else tensor._base
