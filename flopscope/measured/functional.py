"""Convolutions that a module calls as functions, on weights of its own: rows beside its layers'."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from flopscope.facts import Kind, Operator, Weight, Window
from flopscope.measured.modules import ModuleRow, is_leaf, padding_of


@contextmanager
def functional_convolutions(module: nn.Module, rows: list[ModuleRow]) -> Iterator[None]:
    """Inside, each convolution that runs outside a leaf module appends its row, under the path of
    the module that calls it."""
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
        with _Watch(running, names, rows):
            yield
    finally:
        for handle in handles:
            handle.remove()


class _Watch(TorchFunctionMode):
    """Sees functions as they are called, those inside leaf modules too, which it leaves alone."""

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
            call = FUNCTIONS[function](*args, **(kwargs or {}))
            name = getattr(function, "__name__", str(function))
            self._rows.append(ModuleRow(_row(call, path, output, self._names), name))
        return output


@dataclass(frozen=True)
class _Convolution:
    """The arguments of a convolution; the names are torch's."""

    axes: int
    input: Tensor
    weight: Tensor
    bias: Tensor | None = None
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    transposed: bool = False

    @property
    def window(self) -> Window:
        stride, dilation = (_per_axis(v, self.axes) for v in (self.stride, self.dilation))
        kernel = tuple(self.weight.shape[2:])
        given = self.padding
        padding = given if isinstance(given, str) else _per_axis(given, self.axes)
        return Window(kernel, stride, padding_of(padding, kernel, dilation)[0], dilation)


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
) -> _Convolution:
    return _Convolution(
        axes, input, weight, bias, stride, padding, dilation, groups, transposed=True
    )


def _per_axis(value: Any, axes: int) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return sizes * axes if len(sizes) == 1 else sizes


FUNCTIONS: Mapping[Any, Callable[..., _Convolution]] = {
    F.conv1d: partial(_Convolution, 1),
    F.conv2d: partial(_Convolution, 2),
    F.conv3d: partial(_Convolution, 3),
    F.conv_transpose1d: partial(_transposed, 1),
    F.conv_transpose2d: partial(_transposed, 2),
    F.conv_transpose3d: partial(_transposed, 3),
}
"""Torch's convolutions and how each orders its arguments."""


def _row(call: _Convolution, path: str, output: Tensor, names: Mapping[int, str]) -> Operator:
    """A tensor that the module does not store is computed: it has no name, and is no parameter."""
    stored = [t for t in (call.weight, call.bias) if t is not None]
    weights = (
        Weight(names.get(id(t), ""), tuple(t.shape), learnt=isinstance(t, nn.Parameter))
        for t in stored
    )
    return Operator(
        Kind.TRANSPOSED_CONVOLUTION if call.transposed else Kind.CONVOLUTION,
        path,
        (tuple(call.input.shape),),
        tuple(output.shape),
        tuple(weights),
        window=call.window,
        groups=call.groups,
    )
