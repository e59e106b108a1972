"""Functions that torch composes of others while it asks about memory layout, on free sizes.

Each is composed here of the same operators, so a ledger has the same rows at numbers and at free
sizes, and the domain has only the conditions under which the function itself is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from flopscope.tracing.functions.einsum import einsum
from flopscope.tracing.functions.pools import POOLS, pooled
from flopscope.tracing.shapes.fitting import (
    axis,
    broadcast,
    demand,
    is_number,
    is_size,
    larger,
    tensor_text,
    text,
)
from flopscope.tracing.special.recurrent import gru_cell, lstm_cell
from flopscope.tracing.values.known import has_free_size

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def composed(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The result, or NotImplemented if the function, or this use of it, is left to torch."""
    if function in POOLS:
        result = pooled(recorder, POOLS[function], *args, **kwargs)
    else:
        result = COMPOSITES[function](*args, **kwargs) if function in COMPOSITES else None
    return NotImplemented if result is None else result


def _matmul_into(a: Any, b: Any, *, out: Any = None, **_: Any) -> Any:
    """matmul with `out=`, into which torch would write through a view."""
    if out is None:
        return None
    result = torch.matmul(a, b)
    return out.resize_(result.shape).copy_(result)


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
    return x.gather(at, indices % x.shape[at])


def _broadcast_tensors(*tensors: Any) -> Any:
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], Sequence) else tensors
    shape = broadcast(*(x.shape for x in given))
    return [x.expand(shape) for x in given]


def _tensor_split(x: torch.Tensor, sections: Any = None, dim: int = 0, **named: Any) -> Any:
    """tensor_split into a number of parts, the first of which are larger by 1 where there is a
    rest."""
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


# --- norms, pools, grids ------------------------------------------------------------------------


def _group_norm(
    input: torch.Tensor,
    num_groups: Any,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
) -> torch.Tensor:
    """F.group_norm, for which torch asks in which order a map's axes are in memory."""
    for stored in (weight, bias):
        if stored is not None:
            _a_number_each(stored, input)
    batch, channels, *grid = input.shape
    if not batch * channels // num_groups * prod(grid) >= 2:
        raise ValueError(
            "Expected more than 1 value per channel when training, "
            f"got input of {tensor_text(input)}"
        )
    norm = torch.ops.aten.native_group_norm.default
    sizes = batch, channels, prod(grid), num_groups
    result: torch.Tensor = norm(input, weight, bias, *sizes, eps)[0]
    return result


def _a_number_each(stored: torch.Tensor, x: torch.Tensor) -> None:
    demand(
        stored.dim() == 1 and is_size(stored.shape[0], x.shape[1]),
        lambda: (
            f"expected weight and bias to be vectors of size {text(x.shape[1])}, "
            f"but got {tensor_text(stored)}"
        ),
    )


def _mean_of_line(x: torch.Tensor, output_size: Any = None) -> Any:
    """Pooling a line to one position."""
    sizes = output_size if isinstance(output_size, Sequence) else (output_size,)
    if not all(is_number(size, 1) for size in sizes):
        return None
    return x.unsqueeze(-2).mean((-1, -2), keepdim=True).squeeze(-2)


def _distances(
    x1: torch.Tensor, x2: torch.Tensor, p: float = 2.0, compute_mode: str | None = None
) -> Any:
    """cdist; for many points it is a product of matrices."""
    mode = (compute_mode or "use_mm_for_euclid_dist_if_necessary").partition("_mm")[0]
    if p != 2.0 or mode == "donot_use":
        return None
    always = compute_mode is not None and not compute_mode.endswith("if_necessary")
    if not (always or x1.shape[-2] > MANY_POINTS or x2.shape[-2] > MANY_POINTS):
        return torch.ops.aten._cdist_forward.default(x1, x2, p, None)
    stack = broadcast(x1.shape[:-2], x2.shape[:-2])
    first, second = (
        x.expand(*stack, *x.shape[-2:]).reshape(prod(stack), *x.shape[-2:]) for x in (x1, x2)
    )
    found = torch.ops.aten._euclidean_dist.default(first, second)
    return found.reshape(*stack, x1.shape[-2], x2.shape[-2])


MANY_POINTS = 25
"""Up to this many points, torch subtracts point from point."""


def _is_contiguous(x: torch.Tensor, memory_format: Any = torch.contiguous_format) -> Any:
    """Tensor.is_contiguous, which is true for every tensor on free sizes."""
    if not has_free_size(x):
        return None
    return memory_format in (torch.contiguous_format, torch.preserve_format)


# --- made of sizes ------------------------------------------------------------------------------


def _one_hot(tensor: torch.Tensor, num_classes: Any = -1) -> Any:
    if is_number(num_classes, -1):
        return None
    return (tensor.unsqueeze(-1) == torch.arange(num_classes)).to(torch.int64)


def _upper_places(row: Any, col: Any, offset: int = 0, **options: Any) -> Any:
    """triu_indices of a square, from its diagonal or a higher one on."""
    return _triangle(row, offset, options) if offset >= 0 and is_size(row, col) else None


def _lower_places(row: Any, col: Any, offset: int = 0, **options: Any) -> Any:
    return _triangle(row, -offset, options) if offset <= 0 and is_size(row, col) else None


def _triangle(side: Any, apart: int, options: Mapping[str, Any]) -> torch.Tensor:
    side = larger(side - apart, 0)
    dtype = options.get("dtype") or torch.int64
    return torch.empty((2, side * (side + 1) // 2), dtype=dtype)


def _stft(
    input: torch.Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: torch.Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Any:
    """torch.stft: spectra of windows that overlap."""
    if not all(isinstance(n, int | None) for n in (n_fft, hop_length, win_length)):
        return None
    x = input if input.dim() > 1 else input.unsqueeze(0)
    if center:
        x = F.pad(x.unsqueeze(0), (n_fft // 2, n_fft // 2), mode=pad_mode).squeeze(0)
    hop, length = hop_length or n_fft // 4, x.shape[1]
    demand(
        length >= n_fft,
        lambda: f"stft: expected 0 < n_fft <= {text(length)}, but got {n_fft}",
    )
    x = x.as_strided((x.shape[0], 1 + (length - n_fft) // hop, n_fft), (length, hop, 1))
    if window is not None or (win_length or n_fft) < n_fft:
        x = x * torch.empty((n_fft,), dtype=input.dtype if window is None else window.dtype)
    one = not x.is_complex() if onesided is None else onesided
    if x.is_complex():
        spectra = torch.ops.aten._fft_c2c.default(x, [2], int(normalized), True)
    else:
        spectra = torch.ops.aten._fft_r2c.default(x, [2], int(normalized), one)
    spectra = spectra.transpose(1, 2)
    spectra = spectra if input.dim() > 1 else spectra.squeeze(0)
    return spectra if return_complex else torch.view_as_real(spectra)


COMPOSITES: Mapping[Any, Callable[..., Any]] = {
    torch.matmul: _matmul_into,
    torch.take_along_dim: _take_along,
    torch.Tensor.take_along_dim: _take_along,
    torch.broadcast_tensors: _broadcast_tensors,
    torch.tensor_split: _tensor_split,
    torch.Tensor.tensor_split: _tensor_split,
    torch.unsafe_chunk: torch.chunk,
    torch.kron: _kron,
    torch.Tensor.kron: _kron,
    torch.tensordot: _tensordot,
    torch.einsum: einsum,
    F.group_norm: _group_norm,
    torch.adaptive_avg_pool1d: _mean_of_line,
    torch.cdist: _distances,
    torch.Tensor.is_contiguous: _is_contiguous,
    F.one_hot: _one_hot,
    torch.triu_indices: _upper_places,
    torch.tril_indices: _lower_places,
    torch.stft: _stft,
    torch.Tensor.stft: _stft,
    torch.lstm_cell: lstm_cell,
    torch.gru_cell: gru_cell,
}
"""The compositions by torch's function. One that returns None leaves this use to torch."""
