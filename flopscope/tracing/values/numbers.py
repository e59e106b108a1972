"""The numbers in tensors that do not depend on any input, which are known beside their shapes.

Positions, tables of strides, masks of ones and stored constants do not depend on the data, so code
may read them. A known tensor of a trace carries its numbers as a small real tensor, and an operator
on known tensors runs on these too. A tensor is no longer known once data, weights without numbers
or random draws are written into it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.tracing.schemas import is_mutable, is_random, is_view, written_arguments
from flopscope.tracing.values.following import follow_patterns
from flopscope.tracing.values.known import (
    CPU,
    META,
    NAME,
    as_shape,
    close_memory,
    flat,
    forget,
    has_free_size,
    is_in_order,
    knowing,
    known,
    mapped,
    open_memory,
)
from flopscope.tracing.values.patterns import number

MOST_ELEMENTS = 2**20
"""The most elements of a tensor whose numbers are known. Code reads no larger ones, and computing
them takes time."""

MOST_COPIED, MOST_LEARNT = 2**18, 2**12
"""The most elements of a user's tensor, and of a parameter, for its numbers to be copied."""

SHAPE_ALONE = frozenset(
    "new_empty new_empty_strided new_full new_ones new_zeros empty_like full_like ones_like "
    "zeros_like".split()
)
"""Operators that only use the shape and type of a tensor."""

UNFILLED = frozenset("empty empty_like empty_strided new_empty new_empty_strided".split())
"""Operators whose results are known only after they have been filled completely."""

FILLING = frozenset({"fill_", "zero_", "copy_"})

READS_VALUES: Mapping[str, str] = {
    "_local_scalar_dense": ".item(), .tolist() or a condition",
    "nonzero": "nonzero or a boolean mask",
    "masked_select": "masked_select",
    "_unique": "unique",
    "_unique2": "unique",
    "unique_dim": "unique",
    "unique_consecutive": "unique_consecutive",
    "equal": "torch.equal",
    "bincount": "bincount",
    "nms": "nms",
    "repeat_interleave.Tensor": "repeat_interleave with a tensor of repeats",
}
"""Operators whose result is a number or a shape that depends on the values of a tensor, and how
code writes them; with the overload if only one overload does."""


def is_small(tensor: torch.Tensor, most: int = MOST_ELEMENTS) -> bool:
    """Has it few enough elements to be known?"""
    count: Any = tensor.numel()
    return isinstance(count, int) and count <= most


def run(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run the call on the numbers of its tensors; None if they are not all known.

    It returns real tensors. Operators that draw random numbers give None.
    """
    if is_random(function) or has_free_size((args, kwargs)):
        return None
    name, looks = function._opname, is_view(function)
    filled = args[0] if name in FILLING and _fills(args[0]) else None

    def numbers(tensor: torch.Tensor) -> torch.Tensor | None:
        carried: torch.Tensor | None = getattr(tensor, NAME, None)
        return carried if looks or tensor is filled else known(tensor)

    if name not in SHAPE_ALONE and any(numbers(t) is None for t in _tensors((args, kwargs))):
        return None

    def real(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            found = numbers(value)
            return value.new_empty(value.shape, device=CPU) if found is None else found
        return CPU if isinstance(value, torch.device) else value

    with torch.no_grad():
        result = function(*mapped(real, args), **mapped(real, dict(kwargs)))
    if filled is not None:
        close_memory(getattr(filled, NAME))
    return result


def how_read(function: Any, args: Sequence[Any]) -> str | None:
    """How a call reads values; None if it does not. A boolean index reads them too, because it
    selects as many elements as are true."""
    name = function._opname
    if name == "index" and any(i is not None and i.dtype in TRUTHS for i in args[1]):
        return "a boolean mask"
    return READS_VALUES.get(name) or READS_VALUES.get(f"{name}.{function._overloadname}")


def read_values(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What such a call returns, with tensors of a trace; None if its tensors are not known."""
    if function._opname == "_local_scalar_dense":
        found = number(args[0])
        if found is not None:
            return found
    result = run(function, args, kwargs)
    return mapped(lambda v: as_shape(v) if isinstance(v, torch.Tensor) else v, result)


def follow(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
    """Give the results of a call on shapes their numbers, if its tensors have numbers."""
    leaves = _tensors(result)
    written = _written(function, args, kwargs)
    follow_patterns(function, args, kwargs, result)
    numbers = None
    if all(is_small(t) for t in leaves):
        try:
            numbers = run(function, args, kwargs)
        except Exception:  # without a kernel for these types, the numbers are not known
            numbers = None
    if numbers is None:
        for tensor in written:
            forget(tensor)
        return
    for shape_only, real in zip(leaves, _tensors(numbers), strict=True):
        if shape_only.device == META and not any(shape_only is t for t in written):
            knowing(shape_only, real)
            if function._opname in UNFILLED:
                open_memory(real)


def _tensors(values: Any) -> list[torch.Tensor]:
    return [t for t in flat(values) if isinstance(t, torch.Tensor)]


def _written(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Collection[torch.Tensor]:
    """The tensors that a call writes into, by the operator's schema."""
    if not is_mutable(function):
        return ()
    given = [
        args[place] if place < len(args) else kwargs.get(name)
        for place, name in written_arguments(function)
    ]
    return _tensors(given)


def _fills(tensor: torch.Tensor) -> bool:
    """Is the tensor all of its memory, so that filling it leaves nothing open?"""
    real = getattr(tensor, NAME, None)
    if not isinstance(real, torch.Tensor):
        return False
    whole = real.untyped_storage().nbytes() == real.numel() * real.element_size()
    return whole and real.is_contiguous()


TRUTHS = (torch.bool, torch.uint8)


ENTRIES = "_flopscope_entries"
"""The attribute under which a sparse tensor of a trace carries the vector of its entries."""

SPARSE = frozenset(
    {torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc}
)


def pattern_of(value: torch.Tensor) -> torch.Tensor:
    """A sparse tensor in a trace: its full shape, and as many entries as are stored."""
    with _disable_current_modes():
        coordinates = value.layout == torch.sparse_coo
        count = (value._values() if coordinates else value.values()).numel()
    shape = torch.empty(tuple(value.shape), dtype=value.dtype, device=META)
    setattr(shape, ENTRIES, torch.empty(count, dtype=value.dtype, device=META))
    return shape


def memory_of(tensor: torch.Tensor) -> torch.Tensor:
    """The stored part of a tensor of a trace: all of it, or the entries of a sparse one."""
    entries: torch.Tensor | None = vars(tensor).get(ENTRIES)
    return tensor if entries is None else entries


class Copies:
    """Copies of the numbers of a user's tensors, made before anything is written. Tensors that
    share memory share it in the copies."""

    def __init__(self) -> None:
        self._memory: dict[int, torch.Tensor] = {}
        self._alive: list[Any] = []

    def shape_of(self, value: torch.Tensor) -> torch.Tensor:
        """The tensor of a trace for a user's tensor, with its numbers if they are few."""
        if value.layout in SPARSE:
            return pattern_of(value)
        own = type(value) not in (torch.Tensor, torch.nn.Parameter)  # a kind with rules of its own
        free = any(isinstance(size, torch.SymInt) for size in value.shape)
        plain = value.layout is torch.strided and not value.is_quantized
        if own or free or (plain and is_in_order(value)):
            shape = torch.empty(tuple(value.shape), dtype=value.dtype, device=META)
        else:
            shape = torch.empty_like(value, device=META, requires_grad=False)
        numbers = known(value)
        if numbers is None or not is_plain(numbers):
            return shape
        return knowing(shape, self._copy(numbers.detach()))

    def _copy(self, value: torch.Tensor) -> torch.Tensor:
        memory = value.untyped_storage()
        if memory._cdata not in self._memory:
            self._alive.append(memory)
            whole = torch.empty(0, dtype=value.dtype, device=value.device)
            whole.set_(memory)
            self._memory[memory._cdata] = whole.to(CPU, copy=True)
        own = torch.empty(0, dtype=value.dtype)
        own.set_(
            self._memory[memory._cdata].untyped_storage(),
            value.storage_offset(),
            value.shape,
            value.stride(),
        )
        return own


def is_plain(value: torch.Tensor) -> bool:
    """Can its numbers be copied? They can if they are few, in memory of that size, and of a plain
    tensor."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.layout != torch.strided:
        return False
    most = MOST_LEARNT if isinstance(value, torch.nn.Parameter) else MOST_COPIED
    if value.is_quantized or not is_small(value, most):
        return False
    return value.untyped_storage().nbytes() <= 8 * MOST_COPIED
