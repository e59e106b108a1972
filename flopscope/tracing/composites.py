"""Functions that torch composes of others with questions about its own layout, on free sizes.

Each is composed here of the same operators, so a ledger has the same rows at numbers and at free
sizes, and the domain has only the conditions under which the function itself is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch

from flopscope.tracing.einsum import einsum
from flopscope.tracing.fitting import axis, broadcast, demand, is_number, is_size, text


def composed(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result, or NotImplemented where the function, or this use of it, is left to torch."""
    if function not in COMPOSITES:
        return NotImplemented
    result = COMPOSITES[function](*args, **kwargs)
    return NotImplemented if result is None else result


def _matmul_into(a: Any, b: Any, *, out: Any = None, **_: Any) -> Any:
    """matmul with `out=`, into which torch would write through a view."""
    if out is None:
        return None
    product = torch.matmul(a, b)
    return out.resize_(product.shape).copy_(product)


def _take_along(x: torch.Tensor, indices: torch.Tensor, dim: int | None = None) -> Any:
    if dim is None:
        return x.reshape(-1).gather(0, indices.reshape(-1))
    if x.dim() != indices.dim():
        return None
    at = axis(x, dim)
    shape = broadcast(*([1 if d == at else n for d, n in enumerate(t.shape)] for t in (x, indices)))
    x, indices = (
        t.expand([t.shape[at] if d == at else n for d, n in enumerate(shape)]) for t in (x, indices)
    )
    return x.gather(at, indices)


def _tensor_split(x: torch.Tensor, sections: Any = None, dim: int = 0, **named: Any) -> Any:
    """Into so many pieces, of which the first ones are larger by 1 where there is a rest."""
    if not isinstance(sections, int) or named or sections < 1:
        return None
    whole = x.shape[axis(x, dim)]
    sizes = [(whole + sections - 1 - n) // sections for n in range(sections)]
    return torch.split(x, sizes, dim)


def _kron(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    rank = max(a.dim(), b.dim())
    first, second = ([1] * (rank - x.dim()) + list(x.shape) for x in (a, b))
    wide = a.reshape([n for size in first for n in (size, 1)])
    tall = b.reshape([n for size in second for n in (1, size)])
    return (wide * tall).reshape([m * n for m, n in zip(first, second, strict=True)])


def _tensordot(a: torch.Tensor, b: torch.Tensor, dims: Any = 2, out: Any = None) -> Any:
    if out is not None or isinstance(dims, torch.Tensor):
        return None
    if isinstance(dims, int):
        left, right = [*range(a.dim() - dims, a.dim())], [*range(dims)]
    else:
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    left, right = [axis(a, d) for d in left], [axis(b, d) for d in right]
    for m, n in zip(left, right, strict=True):  # sizes of 1 are stretched
        if is_number(b.shape[n], 1) or b.shape[n] == 1:
            a = a.sum(m, keepdim=True)
        elif is_number(a.shape[m], 1) or a.shape[m] == 1:
            b = b.sum(n, keepdim=True)
        _contracted(a.shape[m], b.shape[n])
    rows, columns = (
        [d for d in range(x.dim()) if d not in own] for x, own in ((a, left), (b, right))
    )
    summed = prod(a.shape[d] for d in left)
    shape = [*(a.shape[d] for d in rows), *(b.shape[d] for d in columns)]
    first = a.permute(rows + left).reshape(prod(shape[: len(rows)]), summed)
    second = b.permute(right + columns).reshape(summed, prod(shape[len(rows) :]))
    return torch.mm(first, second).reshape(shape)


def _contracted(a: Any, b: Any) -> None:
    demand(
        is_size(a, b),
        lambda: (
            f"contracted dimensions need to match, but first has size {text(a)} and second "
            f"has size {text(b)}"
        ),
    )


COMPOSITES: Mapping[Any, Callable[..., Any]] = {
    torch.matmul: _matmul_into,
    torch.take_along_dim: _take_along,
    torch.Tensor.take_along_dim: _take_along,
    torch.tensor_split: _tensor_split,
    torch.Tensor.tensor_split: _tensor_split,
    torch.unsafe_chunk: torch.chunk,
    torch.kron: _kron,
    torch.Tensor.kron: _kron,
    torch.tensordot: _tensordot,
    torch.einsum: einsum,
}
"""By torch's function. One that returns None leaves this use to torch."""
