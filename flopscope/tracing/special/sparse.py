"""Sparse matrices: shapes with as many entries as are stored, and their products with dense
matrices.

The number of entries of a stored matrix is known. A matrix that a network makes from indices and
values has as many entries as values. In a trace it is a tensor of its full shape that carries a
vector of its entries. Functions other than products with dense matrices and similar ones are
refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing.callers import caller
from flopscope.tracing.calls import Facts
from flopscope.tracing.node import size_value
from flopscope.tracing.values.known import META, known
from flopscope.tracing.values.numbers import ENTRIES, SPARSE

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def sparse(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What the function returns if a tensor is sparse or becomes sparse; else NotImplemented."""
    given = [recorder.shape_for(a) if _is_stored(a) else a for a in args]
    if function not in MAKERS and not any(_entries(a) is not None for a in given):
        return NotImplemented
    return RULES[function](recorder, function, given, kwargs)


def _entries(value: Any) -> torch.Tensor | None:
    return vars(value).get(ENTRIES) if isinstance(value, torch.Tensor) else None


def is_pattern(value: Any) -> bool:
    """Is it a sparse tensor of a trace?"""
    return _entries(value) is not None


def _is_stored(value: Any) -> bool:
    """Is it a real tensor with a sparse layout?"""
    return isinstance(value, torch.Tensor) and value.layout in SPARSE


def on_pattern(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a function without a rule for sparse tensors returns. Raises BadInput if that is a
    tensor."""
    name = getattr(function, "__name__", str(function))
    if name == "__get__":
        return NotImplemented
    result = function(*args, **kwargs)
    if isinstance(result, torch.Tensor):
        raise BadInput(
            f"{name} of a sparse tensor at {caller()} is not known; products with dense matrices, "
            "sums with them and multiplications by numbers are"
        )
    return result


def _pattern(shape: Sequence[Any], entries: torch.Tensor) -> torch.Tensor:
    made = torch.empty(tuple(shape), dtype=entries.dtype, device=META)
    setattr(made, ENTRIES, entries)
    return made


# --- products ---------------------------------------------------------------------------------


def _product(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    a, b = args[:2]
    return _multiplied(recorder, b, a) if function in TURNED else _multiplied(recorder, a, b)


def _linear(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    x, weight = args[:2]
    bias = args[2] if len(args) > 2 else kwargs.get("bias")
    turned = _swapped(weight) if is_pattern(weight) else weight.mT
    result = _multiplied(recorder, x, turned)
    return result if bias is None else result + bias


def _added(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    """beta·x + alpha·a·b."""
    x, a, b = args[:3]
    result = _multiplied(recorder, a, b)
    if kwargs.get("alpha", 1) != 1:
        result = result * kwargs["alpha"]
    beta = kwargs.get("beta", 1)
    return result if beta == 0 else result + (x if beta == 1 else x * beta)


def _multiplied(recorder: Recorder, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The product as one row: each entry is multiplied once for each vector of the dense
    operand."""
    first, second = _entries(a), _entries(b)
    if first is not None and second is not None:
        raise BadInput(
            f"a product of two sparse matrices at {caller()} depends on which of their entries "
            "meet; make one of them dense"
        )
    if a.shape[-1] != b.shape[-2 if b.dim() > 1 else -1]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({_text(a)} and {_text(b)})")
    if first is not None:
        entries, dense = first, b
        vectors = b.shape[-1] if b.dim() > 1 else 1
        shape = (*a.shape[:-1], *b.shape[-1:]) if b.dim() > 1 else a.shape[:-1]
    else:
        assert second is not None
        entries, dense = second, a
        vectors = prod(a.shape[:-1])
        shape = (*a.shape[:-1], b.shape[-1])
    result = torch.empty(tuple(shape), dtype=dense.dtype, device=META)
    count = size_value(entries.shape[0]) * size_value(vectors)
    facts = Facts(Kind.SPARSE_MATMUL, (entries, dense), groups=count)
    recorder.append("sparse matmul", facts, (), (result,))
    return result


def _text(x: torch.Tensor) -> str:
    return "×".join(str(size_value(size)) for size in x.shape)


# --- the same entries ---------------------------------------------------------------------------


def _kept(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return args[0]


def _transposed(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    return _swapped(args[0])


def _swapped(x: torch.Tensor) -> torch.Tensor:
    entries = _entries(x)
    assert entries is not None
    return _pattern((*x.shape[:-2], x.shape[-1], x.shape[-2]), entries)


def _scaled(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A multiplication or division by a number."""
    x, number = args
    entries = _entries(x)
    if entries is None or (isinstance(number, torch.Tensor) and number.dim() > 0):
        return on_pattern(function, args, kwargs)
    return _pattern(x.shape, function(entries, number))


def _dense(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> torch.Tensor:
    return torch.empty(args[0].shape, dtype=args[0].dtype, device=META)


def _parts(which: str) -> Callable[..., Any]:
    def rule(
        recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        x, entries = args[0], _entries(args[0])
        assert entries is not None
        count = entries.shape[0]
        shapes = {"indices": (x.dim(), count), "rows": (x.shape[-2] + 1,), "columns": (count,)}
        if which == "count":
            return count
        if which == "values":
            return entries
        return torch.empty(shapes[which], dtype=torch.int64, device=META)

    return rule


# --- makers -------------------------------------------------------------------------------------


def _made(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A sparse tensor made from indices and values."""
    at = 1 if function is torch.sparse_coo_tensor else 2
    values = args[at] if len(args) > at else kwargs.get("values")
    shape = args[at + 1] if len(args) > at + 1 else kwargs.get("size")
    if not isinstance(values, torch.Tensor):
        values = torch.as_tensor(values)
    if shape is None:
        raise BadInput(
            f"the size of the sparse tensor made at {caller()} depends on its indices; "
            "give its size"
        )
    return _pattern(shape, values)


def _thinned(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A tensor that is made sparse. One that is sparse stays as it is; of any other, the numbers
    must be known."""
    if _entries(args[0]) is not None:
        return args[0]
    numbers = known(args[0])
    if numbers is None:
        raise BadInput(
            f"the tensor made sparse at {caller()} has as many entries as its values say, which a "
            "trace does not have; store it sparse, or make it of indices and values"
        )
    with _disable_current_modes():
        count = int(torch.count_nonzero(numbers).item())
    return _pattern(args[0].shape, torch.empty(count, dtype=args[0].dtype, device=META))


def _layout(of_what: Any) -> Callable[..., Any]:
    return lambda recorder, function, args, kwargs: of_what


TURNED = frozenset({torch.Tensor.__rmatmul__})
"""Functions that take the right operand of the product first."""

MAKERS: Mapping[Any, Callable[..., Any]] = {
    **dict.fromkeys(
        [torch.sparse_coo_tensor, torch.sparse_csr_tensor, torch.sparse_csc_tensor], _made
    ),
    **dict.fromkeys(
        [
            torch.Tensor.to_sparse,
            torch.Tensor.to_sparse_coo,
            torch.Tensor.to_sparse_csr,
            torch.Tensor.to_sparse_csc,
        ],
        _thinned,
    ),
}

RULES: Mapping[Any, Callable[..., Any]] = {
    **MAKERS,
    **dict.fromkeys(
        [
            *(torch.mm, torch.matmul, torch.bmm, torch.mv, torch.spmm, torch.smm, torch.dsmm),
            *(torch.Tensor.mm, torch.Tensor.matmul, torch.Tensor.bmm, torch.Tensor.mv),
            *(torch.Tensor.__matmul__, torch.Tensor.__rmatmul__, torch.Tensor.smm),
            torch.sparse.mm,
        ],
        _product,
    ),
    F.linear: _linear,
    **dict.fromkeys([torch.addmm, torch.Tensor.addmm, torch.sparse.addmm], _added),
    **dict.fromkeys(
        [
            *(torch.Tensor.coalesce, torch.Tensor.detach, torch.Tensor.clone, torch.Tensor.to),
            *(torch.Tensor.float, torch.Tensor.cpu, torch.Tensor.cuda, torch.Tensor.contiguous),
            *(torch.clone, torch.detach, torch.Tensor.requires_grad_),
        ],
        _kept,
    ),
    **dict.fromkeys(
        [
            *(torch.t, torch.Tensor.t, torch.transpose, torch.Tensor.transpose),
            *(torch.Tensor.T.__get__, torch.Tensor.mT.__get__),  # type: ignore[attr-defined]
        ],
        _transposed,
    ),
    **dict.fromkeys(
        [
            *(torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__),
            *(torch.div, torch.Tensor.div, torch.Tensor.__truediv__),
        ],
        _scaled,
    ),
    torch.Tensor.to_dense: _dense,
    **dict.fromkeys([torch.Tensor.values, torch.Tensor._values], _parts("values")),
    **dict.fromkeys([torch.Tensor.indices, torch.Tensor._indices], _parts("indices")),
    torch.Tensor.crow_indices: _parts("rows"),
    torch.Tensor.col_indices: _parts("columns"),
    torch.Tensor._nnz: _parts("count"),
    torch.Tensor.layout.__get__: _layout(torch.sparse_coo),  # type: ignore[attr-defined]
    torch.Tensor.is_sparse.__get__: _layout(True),  # type: ignore[attr-defined]
}
"""The rules by torch's function."""
