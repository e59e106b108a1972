"""Packed weights of quantised layers: their contents as shapes, under names of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from flopscope.tracing.calls import element_of
from flopscope.tracing.values.known import META


@dataclass(frozen=True)
class Pack:
    """The contents of packed parameters: tensors by name, as shapes, and a convolution's
    options."""

    tensors: Mapping[str, torch.Tensor]
    elements: Mapping[str, str]
    options: Mapping[str, Any]

    def get(self, *names: str) -> list[torch.Tensor | None]:
        """The tensors of these names, with None for one that is missing."""
        return [self.tensors.get(name) for name in names]


OPTIONS = ("stride", "padding", "dilation", "groups", "output_padding")


def packs_of(module: nn.Module) -> dict[int, tuple[str, Pack]]:
    """The packed objects by id: each one's name in the module, and its contents."""
    found: dict[int, tuple[str, Pack]] = {}
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, torch.ScriptObject) and id(value) not in found:
                whole = ".".join(p for p in (*path.split("."), name) if p not in PACKED_NAMES)
                tensors = dict(_unpacked(value))
                elements = {n: element_of(tensor) for n, tensor in tensors.items()}
                shapes = {n: _shape_of(tensor) for n, tensor in tensors.items()}
                if tensors:
                    found[id(value)] = whole, Pack(shapes, elements, _options(value))
    return found


PACKED_NAMES = frozenset({"", "_packed_params", "_packed_weight"})
"""Parts of a path that only say that a weight is packed."""


def state_of(packs: Mapping[int, tuple[str, Pack]]) -> dict[str, torch.Tensor]:
    """All packed tensors by name."""
    return {_name(path, n): t for path, pack in packs.values() for n, t in pack.tensors.items()}


def types_of(packs: Mapping[int, tuple[str, Pack]]) -> dict[str, str]:
    """The types of their stored elements, by name."""
    return {_name(path, n): e for path, pack in packs.values() for n, e in pack.elements.items()}


def _name(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unpacked(value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in a packed object of torch, unpacked."""
    methods = value._method_names()
    kind = str(value._type())
    if "Embedding" in kind:
        yield "weight", torch.ops.quantized.embedding_bag_unpack(value)
    elif "CellParams" in kind:
        (_, biases, _, _, weights), _ = value.__getstate__()
        parts = [packed.unpack() for packed in weights]
        own = biases or [bias for _, bias in parts]  # kept separately, or together with the weights
        for gate, (weight, _), bias in zip(("ih", "hh"), parts, own, strict=True):
            yield f"weight_{gate}", weight
            if bias is not None:
                yield f"bias_{gate}", bias
    elif "unpack" in methods:
        weight, bias = value.unpack()[:2]
        yield "weight", weight
        if bias is not None:
            yield "bias", bias


def _options(value: Any) -> dict[str, Any]:
    methods = value._method_names()
    return {name: getattr(value, name)() for name in OPTIONS if name in methods}


def _shape_of(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=torch.float32, device=META)
