"""torchinfo 1.8.0: parameters of modules without parts, times positions of what they return.
Its sources are torchinfo/layer_info.py and model_statistics.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from flopscope.reconciling.tools.counted import STOPS, Counted, NotModelled
from flopscope.spelling import NESTED, TRANSFORM, Array, Called, Layer, Opaque, Packed, Spelling


def torchinfo(spelling: Spelling) -> Iterator[Counted]:
    """The answer of torchinfo. Every call of a leaf module counts, including a second call of the
    same leaf."""
    for call in spelling.modules:
        if NESTED in call.inside:
            raise NotModelled.of(call, "torch takes the padding out before it")
        if TRANSFORM in call.inside:
            raise NotModelled.of(call, STOPS)
        layer = spelling.layers[call.layer]
        size = _size(call)
        if not layer.leaf:
            continue
        for parameter in layer.parameters:
            name = parameter.name
            if name.endswith("_orig"):
                raise NotModelled.of(call, "what is pruned depends on values")
            by, times = _positions(call, layer, name, size)
            if times:
                yield Counted(layer.name, by, times * parameter.size)


def _positions(call: Called, layer: Layer, name: str, size: tuple[int, ...]) -> tuple[str, int]:
    """The number of times that a parameter counts."""
    if name in ("weight", "bias"):
        if not size:
            raise NotModelled.of(call, STOPS)
        if "Conv" in layer.name:
            return "1 × parameter and output position", prod((*size[:1], *size[2:]))
        return "1 × parameter and image", size[0]
    if "weight" in name or "bias" in name:
        return "1 × parameter and step", prod(size[:2])
    return "nothing", 0


def _size(call: Called) -> tuple[int, ...]:
    """The size of a result as torchinfo sees it: that of its first tensor, or of a mapping's
    last."""
    result = call.result
    if isinstance(result, Opaque):
        raise NotModelled.of(call, STOPS)
    if isinstance(result, Mapping):
        if not result:
            raise NotModelled.of(call, STOPS)
        return _nested(list(result.values())[-1])
    return _nested(result)


def _nested(value: Any) -> tuple[int, ...]:
    if isinstance(value, Packed):
        return value.data.shape
    if isinstance(value, Array):
        return value.shape
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple) and value:
        return _nested(value[0])
    return ()
