"""Backward passes of norms and of softmax, act by act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from flopscope.facts import Function, Kind
from flopscope.sizes import Shape
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.gradient_acts import act, chain, summed


def _batch_norm(call: OperatorCall) -> Rows:
    """With x' = (x − μ)·r: β: Σg, γ: Σg·x', x: γ·r·(g − Σg/n − x'·Σ(g·x')/n); at fixed statistics
    x: γ·r·g."""
    grad, x, weight, *_, training, _, asked = call.args
    a_channel = (shape_of(x)[1],)
    sums = (*_normalised(grad, x), *_projected(grad, a_channel), summed((grad,), a_channel))
    scaled = (act(Kind.MULTIPLY, a_channel),) if weight is not None else ()
    if not training:
        sums = sums if any(asked[1:]) else ()
        return (*sums, *scaled, act(Kind.MULTIPLY, shape_of(x), grad)) if asked[0] else sums
    return (*sums, *_centred(x, a_channel, scaled)) if asked[0] else sums


def _layer_norm(call: OperatorCall) -> Rows:
    grad, x, normalised, _, _, weight, _, asked = call.args
    groups = shape_of(x)[: x.dim() - len(normalised)]
    return _grouped_norm(grad, x, groups, weight, asked)


def _group_norm(call: OperatorCall) -> Rows:
    grad, x, _, _, weight, batch, _, _, groups, asked = call.args
    return _grouped_norm(grad, x, (size_value(batch), size_value(groups)), weight, asked)


def _grouped_norm(
    grad: torch.Tensor,
    x: torch.Tensor,
    groups: Shape,
    weight: torch.Tensor | None,
    asked: Sequence[bool],
) -> Rows:
    """With h = g·γ: β: Σg, γ: Σg·x', x: r·(h − Σh/n − x'·Σ(h·x')/n), sums over a group."""
    rows = list(_normalised(grad, x))
    if weight is not None and any(asked[1:]):
        rows += [*_projected(grad, shape_of(weight)), summed((grad,), shape_of(weight))]
    if asked[0]:
        if weight is not None:
            rows.append(act(Kind.MULTIPLY, shape_of(x), grad))
        rows += [*_projected(grad, groups), summed((grad,), groups), *_centred(x, groups)]
    return tuple(rows)


def _rms_norm(call: OperatorCall) -> Rows:
    """With x' = x·r, h = g·γ: γ: Σg·x', x: r·(h − x'·Σ(h·x')/n)."""
    grad, x, normalised, _, weight, asked = call.args
    groups, n = shape_of(x)[: x.dim() - len(normalised)], shape_of(x)
    rows = [act(Kind.MULTIPLY, n, x)]
    if weight is not None and asked[1]:
        rows += _projected(grad, shape_of(weight))
    if asked[0]:
        if weight is not None:
            rows.append(act(Kind.MULTIPLY, n, grad))
        rows += [*_projected(grad, groups), act(Kind.DIVIDE, groups)]
        rows += chain(n, (Kind.MULTIPLY, Kind.ADD, Kind.MULTIPLY))
    return tuple(rows)


def _normalised(grad: torch.Tensor, x: torch.Tensor) -> tuple[Facts, ...]:
    """x' = (x − μ)·r."""
    return chain(shape_of(x), (Kind.ADD, Kind.MULTIPLY), x)


def _projected(grad: torch.Tensor, groups: Shape) -> tuple[Facts, ...]:
    """Σ g·x' over each group."""
    return act(Kind.MULTIPLY, shape_of(grad), grad), summed((), groups)


def _centred(x: torch.Tensor, groups: Shape, scaled: tuple[Facts, ...] = ()) -> tuple[Facts, ...]:
    """r·(h − a/n − x'·b/n), a and b the two sums of each group."""
    means = chain(groups, (Kind.DIVIDE, Kind.DIVIDE))
    differences = chain(shape_of(x), (Kind.MULTIPLY, Kind.ADD, Kind.ADD))
    return (*means, *differences, *scaled, act(Kind.MULTIPLY, shape_of(x)))


def _softmax(call: OperatorCall) -> Rows:
    """y·(g − Σ g·y)."""
    grad, y, dim = call.args[:3]
    n, groups = shape_of(y), _without(y, dim)
    dots = act(Kind.MULTIPLY, n, grad, y), summed((), groups)
    return (*dots, *chain(n, (Kind.ADD, Kind.MULTIPLY)))


def _log_softmax(call: OperatorCall) -> Rows:
    """g − exp(y)·Σ g."""
    grad, y, dim = call.args[:3]
    steps = (Function.EXP, Kind.MULTIPLY, Kind.ADD)
    return (summed((grad,), _without(y, dim)), *chain(shape_of(y), steps, y))


def _without(y: torch.Tensor, dim: int) -> Shape:
    return tuple(n for d, n in enumerate(shape_of(y)) if d != dim % y.dim())


NORMS: Mapping[str, Rule] = {
    "native_batch_norm_backward": _batch_norm,
    "native_layer_norm_backward": _layer_norm,
    "native_group_norm_backward": _group_norm,
    "_fused_rms_norm_backward": _rms_norm,
    "_softmax_backward_data": _softmax,
    "_log_softmax_backward_data": _log_softmax,
}
