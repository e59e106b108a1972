"""The facts of a real module's layers, noted as they run.

Forward hooks report leaf modules in execution order, as the same facts that closed forms write.
Arithmetic between modules (shortcut additions, gates, concatenations) leaves no row here;
`functional` has the layers that are called as functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

from flopscope.facts import Function, Kind, Operator, Reduction, Weight, Window

IntShape = tuple[int, ...]
Axes = tuple[int, int]


class ModuleRow(NamedTuple):
    """One call of a leaf module. `type` is the name of its class; `note` says what the facts cannot
    express."""

    operator: Operator
    type: str
    note: str = ""


class LeafCall(NamedTuple):
    """A call of a leaf module: the shapes of input and output, and the names of the tensors that it
    stores."""

    module: Any  # each rule expects the class of layers that the table pairs with it
    path: str
    inputs: tuple[IntShape, ...]
    output: IntShape
    names: Mapping[int, str]

    def row(
        self,
        kind: Kind,
        *,
        window: Window | None = None,
        groups: int = 1,
        function: Function | Reduction | None = None,
        note: str = "",
    ) -> ModuleRow:
        """The row of this call. Stored tensors are keyed by their first name in the network."""
        stored = self._stored(self.module._parameters), self._stored(self.module._buffers)
        operator = Operator(
            kind, self.path, self.inputs, self.output, *stored, window, groups, function
        )
        return ModuleRow(operator, type(self.module).__name__, note)

    def _stored(self, tensors: Mapping[str, Tensor | None]) -> tuple[Weight, ...]:
        return tuple(
            Weight(self.names.get(id(tensor), f"{self.path}.{name}"), tuple(tensor.shape))
            for name, tensor in tensors.items()
            if tensor is not None and name != STEP_COUNTER
        )


STEP_COUNTER = "num_batches_tracked"
"""Batch norm's count of training steps, which is stored with the buffers and not read in
inference."""


@contextmanager
def recording(module: nn.Module) -> Iterator[list[ModuleRow]]:
    """A list that fills with one row for each call of a leaf module inside the block.

    Free layers leave no row. A layer of a type that is not in `FACTS`, or with settings that the
    facts cannot express, leaves a row of kind UNKNOWN with the reason in its note.
    """
    rows: list[ModuleRow] = []
    names = {id(t): name for name, t in [*module.named_parameters(), *module.named_buffers()]}

    def record(path: str, leaf: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        shapes = tuple(tuple(x.shape) for x in inputs if isinstance(x, Tensor))
        rows.append(_facts_of(leaf)(LeafCall(leaf, path, shapes, _shape(output), names)))

    leaves = [(path, part) for path, part in module.named_modules() if is_leaf(part)]
    handles = [leaf.register_forward_hook(partial(record, path)) for path, leaf in leaves]
    try:
        yield rows
    finally:
        for handle in handles:
            handle.remove()


def is_leaf(part: nn.Module) -> bool:
    """Does the module get a row of its own? A costless layer does not, nor does a module with
    layers inside."""
    return not isinstance(part, COSTLESS_LAYERS) and next(part.children(), None) is None


def _shape(output: Any) -> IntShape:
    """The shape of a tensor, or of the first one in a tuple, such as a pooling with indices
    returns."""
    first = output[0] if isinstance(output, tuple) and output else output
    return tuple(first.shape) if isinstance(first, Tensor) else ()


def _facts_of(leaf: nn.Module) -> Callable[[LeafCall], ModuleRow]:
    """The rule of the layer's type, or of a base class whose forward the layer has not replaced."""
    for base in type(leaf).__mro__:
        if base in FACTS:
            unchanged = all(
                getattr(type(leaf), name, None) is getattr(base, name, None)
                for name in ("forward", "_conv_forward")
            )
            return FACTS[base] if unchanged else _unknown
    return _unknown


def _unknown(call: LeafCall) -> ModuleRow:
    return call.row(Kind.UNKNOWN, note="a layer type without a rule")


# --- convolutions -----------------------------------------------------------------------------


def _convolution(call: LeafCall) -> ModuleRow:
    layer = call.module
    padding, note = padding_of(layer.padding, layer.kernel_size, layer.dilation)
    window = Window(layer.kernel_size, layer.stride, padding, layer.dilation)
    kind = Kind.TRANSPOSED_CONVOLUTION if layer.transposed else Kind.CONVOLUTION
    return call.row(kind, window=window, groups=layer.groups, note=note)


def padding_of(padding: Any, kernel: IntShape, dilation: IntShape) -> tuple[IntShape, str]:
    """The number of zeros before each axis. With `same`, an odd number has one more at the end,
    which the window cannot express."""
    if padding == "valid":
        return (0,) * len(kernel), ""
    if padding != "same":
        return tuple(padding), ""
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    uneven = any(span % 2 for span in spans)
    note = "padding='same' of an even kernel: one zero more at the end than padding says"
    return tuple(span // 2 for span in spans), note if uneven else ""


# --- linear layers, norms, functions ----------------------------------------------------------


def _linear(call: LeafCall) -> ModuleRow:
    return call.row(Kind.LINEAR)


def _batch_norm(call: LeafCall) -> ModuleRow:
    own = call.module.training or call.module.running_mean is None
    return call.row(Kind.BATCH_NORM_TRAINING if own else Kind.BATCH_NORM)


def _embedding(call: LeafCall) -> ModuleRow:
    return call.row(Kind.EMBEDDING)


def _layer_norm(kind: Kind) -> Callable[[LeafCall], ModuleRow]:
    """The groups are the vectors that are each normalised, as the closed form counts them."""

    def rule(call: LeafCall) -> ModuleRow:
        positions = math.prod(call.output) // math.prod(call.module.normalized_shape)
        return call.row(kind, groups=positions)

    return rule


def _group_norm(call: LeafCall) -> ModuleRow:
    return call.row(Kind.GROUP_NORM, groups=call.output[0] * call.module.num_groups)


def _activation(function: Function) -> Callable[[LeafCall], ModuleRow]:
    return lambda call: call.row(Kind.ACTIVATION, function=function)


def _gelu(call: LeafCall) -> ModuleRow:
    exact = call.module.approximate == "none"
    return call.row(Kind.ACTIVATION, function=Function.GELU if exact else Function.GELU_TANH)


def _softmax(call: LeafCall) -> ModuleRow:
    if call.module.dim is None:
        return call.row(Kind.UNKNOWN, note="softmax over a dimension that it does not name")
    return call.row(Kind.SOFTMAX, groups=math.prod(call.output) // call.output[call.module.dim])


# --- pooling ----------------------------------------------------------------------------------


def _max_pool(call: LeafCall) -> ModuleRow:
    return call.row(
        Kind.MAX_POOL,
        window=_pool_window(call.module, _pair(call.module.dilation)),
        note="ceil mode" if call.module.ceil_mode else "",
    )


def _average_pool(call: LeafCall) -> ModuleRow:
    layer = call.module
    if layer.divisor_override is not None:
        return call.row(Kind.UNKNOWN, note="average pooling not divided by its window's area")
    inside = any(_pair(layer.padding)) and not layer.count_include_pad
    kind = Kind.AVERAGE_POOL_INSIDE if inside else Kind.AVERAGE_POOL
    note = "ceil mode" if layer.ceil_mode else ""
    return call.row(kind, window=_pool_window(layer, (1, 1)), note=note)


def _global_pool(call: LeafCall) -> ModuleRow:
    if call.output[2:] == (1, 1):
        return call.row(Kind.GLOBAL_POOL)
    return call.row(Kind.ADAPTIVE_POOL, function=Reduction.MEAN)


def _pool_window(layer: Any, dilation: Axes) -> Window:
    return Window(_pair(layer.kernel_size), _pair(layer.stride), _pair(layer.padding), dilation)


def _pair(size: Any) -> Axes:
    return (size, size) if isinstance(size, int) else tuple(size)


FACTS: Mapping[type[nn.Module], Callable[[LeafCall], ModuleRow]] = {
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Conv3d: _convolution,
    nn.ConvTranspose1d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.ConvTranspose3d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Embedding: _embedding,
    nn.LayerNorm: _layer_norm(Kind.LAYER_NORM),
    nn.RMSNorm: _layer_norm(Kind.RMS_NORM),
    nn.GroupNorm: _group_norm,
    nn.ReLU: _activation(Function.RELU),
    nn.ReLU6: _activation(Function.RELU6),
    nn.SiLU: _activation(Function.SILU),
    nn.GELU: _gelu,
    nn.Sigmoid: _activation(Function.SIGMOID),
    nn.Tanh: _activation(Function.TANH),
    nn.Hardsigmoid: _activation(Function.HARD_SIGMOID),
    nn.Hardswish: _activation(Function.HARD_SWISH),
    nn.Softmax: _softmax,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _global_pool,
}
"""The rule of each known class of layers."""

COSTLESS_LAYERS = (
    nn.Dropout,
    nn.Dropout2d,
    nn.Flatten,
    nn.Identity,
    nn.Sequential,  # an empty one stands where a shortcut has no layer
    nn.Unflatten,
)
"""Layers that compute nothing in evaluation mode."""
