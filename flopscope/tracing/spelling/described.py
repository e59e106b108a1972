"""Values and modules of a run are described without tensors by the types of
`flopscope.spelling`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves

from flopscope.spelling import Array, Layer, LayerParameter, Opaque, Packed
from flopscope.tracing.values.known import META, known


def plain_value(value: Any) -> Any:
    """The value with descriptions in place of tensors."""
    if isinstance(value, torch.Tensor):
        return Array(tuple(map(int, value.shape)), str(value.dtype).removeprefix("torch."))
    if isinstance(value, PackedSequence):
        return _packed(value)
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return tuple(map(plain_value, value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return Opaque(type(value).__name__)


def _packed(value: PackedSequence) -> Packed:
    batch = None
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        numbers: torch.Tensor | None = value.batch_sizes
        while numbers is not None and numbers.device == META:
            numbers = known(numbers)
        if numbers is not None:
            batch = int(numbers.max())
    return Packed(plain_value(value.data), int(value.batch_sizes.shape[0]), batch)


def storages(values: Any) -> Iterator[Any]:
    """The memory of the tensors among the values; views share theirs."""
    for value in tree_leaves(values):
        if isinstance(value, torch.Tensor):
            while torch._C._functorch.is_functorch_wrapped_tensor(value):
                value = torch._C._functorch.get_unwrapped(value)
            yield value.untyped_storage()


def type_of(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def layers_of(root: nn.Module) -> tuple[tuple[Layer, ...], dict[int, int]]:
    """All modules, and the number of each by its id."""
    named = list(root.named_modules())
    numbers = {id(module): number for number, (_, module) in enumerate(named)}
    return tuple(_described(path, module, numbers) for path, module in named), numbers


def _described(path: str, module: nn.Module, numbers: Mapping[int, int]) -> Layer:
    own = module.named_parameters(recurse=False)
    return Layer(
        path,
        type_of(module),
        {
            key: value
            for key, value in vars(module).items()
            if value is None
            or isinstance(value, bool | int | float | str)
            or (isinstance(value, tuple) and all(isinstance(n, int) for n in value))
        },
        tuple(LayerParameter(name, tuple(map(int, parameter.shape))) for name, parameter in own),
        tuple(numbers[id(child)] for child in module.children()),
        not any(module.children()),
    )
