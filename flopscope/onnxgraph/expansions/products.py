"""Matrix products: a linear layer where one operand is stored, else a product of two inputs."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Kind
from flopscope.onnxgraph.einsum import product_of
from flopscope.onnxgraph.expansions.drafts import Draft, Expansion
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor
from flopscope.sizes import elements


def matmul(call: NodeCall) -> NodeFacts:
    """NumPy's product: (…, n, k) and (…, k, m). A stored (k, m) is the weight (m, k) of a layer."""
    a, b = call.input(0), call.input(1)
    if b.stored and len(call.shape(1)) <= 2:
        return NodeFacts(Kind.LINEAR, (a,), (_reversed(b, call.shape(1)),))
    if a.stored and len(call.shape(0)) <= 2:
        return NodeFacts(Kind.LINEAR, (b,), (_as_matrix(a, call.shape(0)),))
    if a.source is None:  # rows of the transposed product, so that the inner size stays last
        a, b = _turned(b, call.shape(1)), _turned(a, call.shape(0))
    return NodeFacts(Kind.MATMUL, (a, b))


def gemm(call: NodeCall) -> NodeFacts | None:
    """a·b with a bias vector as one layer. b must be stored, so that its factors and transpositions
    are computed ahead. None for any other use."""
    a, b, bias = call.input(0), call.input(1), call.optional(2)
    if not b.stored:
        return None
    if call.attribute("transA", 0):
        a = a._replace(shape=call.shape(0)[::-1])
    matrix = b if call.attribute("transB", 0) else _reversed(b, call.shape(1))
    features = (matrix.shape or (0,))[0]
    if bias is not None and (not bias.stored or bias.shape not in ((features,), (1, features))):
        return None
    return NodeFacts(Kind.LINEAR, (a,), (matrix, bias))


def _apart(call: NodeCall, draft: Draft) -> list[Tensor] | None:
    """Gemm as alpha·(a·b) + beta·c, if it is more than one layer."""
    call.shape(0), call.shape(1)
    if gemm(call) is not None:
        return None
    a, b, c = call.input(0), call.input(1), call.optional(2)
    a = draft("Transpose", a, perm=[1, 0]) if call.attribute("transA", 0) else a
    b = draft("Transpose", b, perm=[1, 0]) if call.attribute("transB", 0) else b
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    y = draft("MatMul", a, b)
    y = draft("Mul", y, draft.scalar(alpha)) if alpha != 1 else y
    if c is None or beta == 0:
        return [y]
    scaled = beta != 1 and not c.stored
    return [draft("Add", y, draft("Mul", c, draft.scalar(beta)) if scaled else c)]


def einsum(call: NodeCall) -> NodeFacts | None:
    """Einsum as a matmul, with the letters in the order of a matmul; None if the equation is not a
    product."""
    if (found := product_of(call)) is None:
        return None
    batch, rows, inner, columns = (elements(group) for group in found)
    a, b = call.input(0), call.input(1)
    if b.stored and not found.batch:
        return NodeFacts(Kind.LINEAR, (a,), (b._replace(shape=(columns, inner)),))
    if a.stored and not found.batch:
        return NodeFacts(Kind.LINEAR, (b,), (a._replace(shape=(rows, inner)),))
    if a.source is None:
        a, b, rows, columns = b, a, columns, rows
    left, right = (batch, rows, inner), (batch, inner, columns)
    return NodeFacts(Kind.MATMUL, (a._replace(shape=left), b._replace(shape=right)))


def _reversed(tensor: Tensor, shape: tuple[object, ...]) -> Tensor:
    return _as_matrix(tensor, shape[::-1])


def _as_matrix(tensor: Tensor, shape: tuple[object, ...]) -> Tensor:
    """A stored vector as the matrix of a layer with one output."""
    return tensor._replace(shape=shape if len(shape) == 2 else (1, *shape))


def _turned(tensor: Tensor, shape: tuple[object, ...]) -> Tensor:
    return tensor._replace(shape=(*shape[:-2], shape[-1], shape[-2]))


PRODUCTS: Mapping[str, Expansion] = {"Gemm": _apart}
"""The expansion of products that can be more than one row."""
