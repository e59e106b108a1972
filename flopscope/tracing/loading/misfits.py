"""A tensor that does not fit a layer of the reader's network: the layer by its name, what it
expects and what it gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from torch import nn

from flopscope.sizes import is_symbolic

EXPECTED: Mapping[str, str] = {
    "in_channels": "channels",
    "in_features": "features",
    "num_features": "channels",
}
"""The attributes in which torch's layers keep what they expect, with the word for it."""

TAKEN = ("input", "x")
"""What `forward` of torch's and timm's layers calls its input."""


def misfit(module: nn.Module, error: BaseException) -> str | None:
    """'conv1 expects 3 channels and gets 4', where the error came from a layer that a tensor with
    another number of them does not fit; None for any other error."""
    names = {id(layer): name for name, layer in module.named_modules()}
    for frame in _frames(error):
        layer = frame.f_locals.get("self")
        if isinstance(layer, nn.Module) and id(layer) in names:
            taken = next((frame.f_locals[n] for n in TAKEN if n in frame.f_locals), None)
            said = _said(layer, taken)
            return said and f"{names[id(layer)] or type(layer).__name__} {said}"
    return None


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The frames through which an error came, the innermost first."""
    frames, step = [], error.__traceback__
    while step is not None:
        frames.append(step.tb_frame)
        step = step.tb_next
    yield from reversed(frames)


def _said(layer: nn.Module, taken: Any) -> str | None:
    shape = tuple(getattr(taken, "shape", ()))
    for attribute, word in EXPECTED.items():
        expected, axis = getattr(layer, attribute, None), _axis(layer, attribute)
        if isinstance(expected, int) and expected and -len(shape) <= axis < len(shape):
            got = shape[axis]
            if is_symbolic(got) or int(got) != expected:
                return f"expects {expected} {word} and gets {got}"
    return None


def _axis(layer: nn.Module, attribute: str) -> int:
    """Where its channels stand: before the sizes over which a kernel slides, second or last."""
    if attribute == "in_features":
        return -1
    kernel = getattr(layer, "kernel_size", None)
    return -1 - len(kernel) if isinstance(kernel, tuple) else 1
