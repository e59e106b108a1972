"""Recurrent cells on free sizes: one step of the layer of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from flopscope.tracing.node import size_value
from flopscope.tracing.shapes.table import like
from flopscope.tracing.special.recurrent import layer
from flopscope.tracing.values.known import has_free_size

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder

CELLS: Mapping[Any, Any] = {
    torch.rnn_tanh_cell: torch.rnn_tanh,
    torch.rnn_relu_cell: torch.rnn_relu,
}
"""The function of the layer, by the function of the cell."""


def cell(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The states after a step. NotImplemented at plain sizes and in a training step, where torch's
    own cell runs."""
    if recorder.trains or not has_free_size(args):
        return NotImplemented
    x, states, *weights = args
    states = (states,) if isinstance(states, torch.Tensor) else tuple(states)
    given = [weight for weight in weights if weight is not None]
    for operand, matrix in zip((x, states[0]), given[:2], strict=True):
        _demand(operand.shape[-1], matrix.shape[-1])
    for state in states:
        _demand(state.shape[0], x.shape[0])
    out = layer(recorder, CELLS[function], x, given, len(given) > 2, states[-1].shape)
    return (out, like(out, states[1].shape)) if len(states) > 1 else out


def _demand(size: Any, own: Any) -> None:
    if size != own:
        raise RuntimeError(
            f"a cell's size {size_value(size)} is not its weight's {size_value(own)}"
        )
