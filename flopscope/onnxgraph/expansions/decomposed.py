"""Operators of onnx's own set that are several acts on each element, as onnx defines them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

from flopscope.facts import Function, Kind
from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, shape_of
from flopscope.sizes import elements


def _hard_sigmoid(call: NodeCall, draft: Draft) -> Tensors | None:
    """max(0, min(1, alpha·x + beta)); with slope 1/6 it is the function hard-sigmoid."""
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if isclose(alpha, 1 / 6, rel_tol=1e-5) and beta == 0.5:
        return None
    scaled = draft("Mul", call.input(0), draft.scalar(alpha))
    moved = draft("Add", scaled, draft.scalar(beta)) if beta else scaled
    return [draft("Clip", moved, draft.scalar(0.0), draft.scalar(1.0))]


def _scaled_elu(call: NodeCall, draft: Draft) -> Tensors:
    """SELU is gamma·ELU(x), and CELU is alpha·(exp(x/alpha) − 1) below 0."""
    return [draft("Mul", draft("Elu", call.input(0)), draft.scalar(2.0))]


def _swish(call: NodeCall, draft: Draft) -> Tensors | None:
    """x·σ(alpha·x)."""
    alpha, x = call.attribute("alpha", 1.0), call.input(0)
    if isclose(alpha, 1, rel_tol=1e-5):
        return None
    return [draft("Mul", x, draft("Sigmoid", draft("Mul", x, draft.scalar(alpha))))]


def _swiglu(call: NodeCall, draft: Draft) -> Tensors:
    gate = draft("Swish", call.input(0), alpha=call.attribute("alpha", 1.0))
    return [draft("Mul", gate, call.input(1))]


def _softsign(call: NodeCall, draft: Draft) -> Tensors:
    """x/(1 + |x|)."""
    x = call.input(0)
    return [draft("Div", x, draft("Add", draft("Abs", x), draft.scalar(1.0)))]


def _shrink(call: NodeCall, draft: Draft) -> Tensors:
    """0 between two bounds; beyond them x, less a bias if there is one."""
    x = call.input(0)
    bounded = draft.row(NodeFacts(Kind.ELEMENTWISE, (x,), function=Function.CLAMP), shape_of(x))
    return [draft("Add", x, bounded) if call.attribute("bias", 0.0) else bounded]


def _chain(op: str) -> Expansion:
    """An operator of two operands, applied along all operands that are given."""

    def rule(call: NodeCall, draft: Draft) -> Tensors | None:
        first, *others = (call.input(index) for index in range(len(call.inputs)))
        if len(others) == 1 and op == call.op:
            return None
        for other in others:
            first = draft(op, first, other)
        return [first if others else draft("Identity", first)]

    return rule


def _mean(call: NodeCall, draft: Draft) -> Tensors:
    """The mean of several operands: their sum divided by their number."""
    (total,) = _chain("Add")(call, draft) or ()
    count = len(call.inputs)
    assert total is not None
    return [draft("Div", total, draft.scalar(float(count))) if count > 1 else total]


# --- sums over axes ------------------------------------------------------------------------------


def _reduced(*steps: str) -> Expansion:
    """Steps on each element, a sum over the axes, and steps on the sums."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        x = call.input(0)
        for step in steps:
            if step.startswith("Reduce"):
                axes = [t for t in (call.optional(1),) if t is not None]
                x = draft(step, x, *axes, **call.attributes)
            elif step == "Square":
                x = draft("Pow", x, draft.scalar(2))
            else:
                x = draft(step, x)
        return [x]

    return rule


def _lp_norm(call: NodeCall, draft: Draft) -> Tensors:
    """x over its euclidean norm, or the sum of its absolute values, along an axis."""
    axis, x = call.attribute("axis", -1), call.input(0)
    op = "ReduceL1" if call.attribute("p", 2) == 1 else "ReduceL2"
    return [draft("Div", x, draft(op, x, axes=[axis], keepdims=1))]


def _mean_variance(call: NodeCall, draft: Draft) -> Tensors:
    """(x − mean)/(√(mean of x² − mean²) + ε)."""
    axes, x = list(call.attribute("axes", (0, 2, 3))), call.input(0)
    mean = draft("ReduceMean", x, axes=axes)
    squares = draft("ReduceMean", draft("Pow", x, draft.scalar(2)), axes=axes)
    variance = draft("Sub", squares, draft("Pow", mean, draft.scalar(2)))
    spread = draft("Add", draft("Sqrt", variance), draft.scalar(1e-9))
    return [draft("Div", draft("Sub", x, mean), spread)]


# --- products ------------------------------------------------------------------------------------


def _affine_grid(call: NodeCall, draft: Draft) -> Tensors | None:
    """Each position (x, y, 1) of a grid times a matrix of (2, 3), a matrix for each image."""
    size = call.setting("size", 1)
    batch, _, *grid = size
    axes = len(grid)
    draft.same(call.shape(0)[0], batch)
    positions = Tensor("", (batch, elements(tuple(grid)), axes + 1))
    moved = draft("MatMul", positions, draft("Transpose", call.input(0), perm=[0, 2, 1]))
    return [draft.reshape(moved, batch, *grid, axes)]


DECOMPOSED: Mapping[str, Expansion] = {
    "HardSigmoid": _hard_sigmoid,
    "Selu": _scaled_elu,
    "Celu": _scaled_elu,
    "Swish": _swish,
    "SwiGLU": _swiglu,
    "Softsign": _softsign,
    "Shrink": _shrink,
    "Sum": _chain("Add"),
    "Max": _chain("Max"),
    "Min": _chain("Min"),
    "Mean": _mean,
    "ReduceL1": _reduced("Abs", "ReduceSum"),
    "ReduceLogSum": _reduced("ReduceSum", "Log"),
    "ReduceSumSquare": _reduced("Square", "ReduceSum"),
    "LpNormalization": _lp_norm,
    "MeanVarianceNormalization": _mean_variance,
    "AffineGrid": _affine_grid,
}
"""The expansion of each operator, which returns None if one row is enough."""
