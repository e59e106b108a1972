"""Packed sequences with known lengths, which are numbers or sizes, and what recurrent layers read
from them.

A recurrent layer works on all elements of a packed batch at once, and their number is the sum of
the lengths. Of the numbers of sequences at each step, layers only ask for the first, which is the
batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller
from flopscope.tracing.node import size_value
from flopscope.tracing.special.repeated import Repeated
from flopscope.tracing.values.known import META, has_free_size, knowing, known

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder

LENGTHS = "_flopscope_lengths"
"""The attribute under which a tensor of lengths carries them, ints or symbolic sizes."""

ORDER = "_flopscope_order_of"
"""The attribute under which the order of lengths carries their number."""

BATCH = "_flopscope_lengths_of"
"""The attribute under which a packed batch's steps carry the lengths that they come from."""


def _made(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A tensor from a list of whole numbers, which may be symbolic sizes."""
    numbers = args[0] if args else kwargs.get("data")
    if isinstance(numbers, Repeated) and len(numbers.items) == 1 and _is_size(numbers.items[0]):
        made = torch.empty(numbers.times, dtype=kwargs.get("dtype") or torch.int64, device=META)
        return _with(made, LENGTHS, Equal(numbers.items[0], numbers.times))
    if not isinstance(numbers, list | tuple) or not numbers or not all(map(_is_size, numbers)):
        return NotImplemented
    if not has_free_size(numbers):
        return NotImplemented
    made = torch.empty(len(numbers), dtype=kwargs.get("dtype") or torch.int64, device=META)
    return _with(made, LENGTHS, list(numbers))


def _filled(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """torch.full of one dimension: a number of equal lengths."""
    shape, number = args if len(args) == 2 else (None, None)
    if not isinstance(shape, list | tuple) or len(shape) != 1 or not _is_size(number):
        return NotImplemented
    if not has_free_size((*shape, number)):
        return NotImplemented
    made = torch.empty(tuple(shape), dtype=kwargs.get("dtype") or torch.int64, device=META)
    return _with(made, LENGTHS, Equal(number, shape[0]))


class Equal:
    """Equal lengths, one for each sequence of a batch. The length and the batch may be free."""

    def __init__(self, length: Any, count: Any) -> None:
        self.length, self.count = length, count


def _same(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The same lengths, or their order, in another place."""
    for name in (LENGTHS, ORDER):
        if hasattr(args[0], name):
            return _with(function(*args, **kwargs), name, getattr(args[0], name))
    return NotImplemented


def _sorted(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    lengths = getattr(args[0], LENGTHS, None)
    if lengths is None:
        return NotImplemented
    values, order = function(*args, **kwargs)
    return _with(values, LENGTHS, lengths), _with(order, ORDER, _count(lengths))


def _ordered(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Sequences in another order, such as that of their lengths. The order must have as many
    entries."""
    if len(args) != 3 or not has_free_size(args[0]):
        return NotImplemented
    count = getattr(args[2], ORDER, None)
    if count is None and (numbers := known(args[2])) is not None and numbers.numel():
        count = int(numbers.max()) + 1
    if count is not None and args[0].shape[args[1]] < count:
        raise RuntimeError(f"index {size_value(count)} - 1 is out of range")
    return NotImplemented


def _padded_alone(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """pad_sequence: sequences side by side, each as long as the longest."""
    sequences = args[0]
    if not has_free_size(sequences):
        return NotImplemented
    longest = sequences[0].shape[0]
    for other in sequences[1:]:
        longest = other.shape[0] if other.shape[0] > longest else longest
    batch_first = args[1] if len(args) > 1 else kwargs.get("batch_first", False)
    axes = (len(sequences), longest) if batch_first else (longest, len(sequences))
    x = sequences[0]
    return torch.empty((*axes, *x.shape[1:]), dtype=x.dtype, device=META)


def _count(lengths: Any) -> Any:
    return lengths.count if isinstance(lengths, Equal) else len(lengths)


def _pack(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    x, given, batch_first = args
    lengths = _lengths(given)
    if isinstance(lengths, Equal):
        batch, longest, total = lengths.count, lengths.length, lengths.count * lengths.length
    else:
        lengths = sorted(lengths, key=_at_example, reverse=True)
        batch, longest, total = len(lengths), lengths[0], sum(lengths[1:], lengths[0])
    _check(x, batch, longest, lengths, batch_first)
    data = torch.empty((total, *x.shape[2:]), dtype=x.dtype, device=META)
    recorder.shows(x, data)
    steps = torch.empty(longest, dtype=torch.int64, device=META)
    if not isinstance(lengths, Equal) and not has_free_size(lengths):
        _know(steps, [sum(1 for n in lengths if n > step) for step in range(longest)])
    return data, _with(steps, BATCH, lengths)


def _check(x: torch.Tensor, batch: Any, longest: Any, lengths: Any, batch_first: bool) -> None:
    own, steps = (x.shape[0], x.shape[1]) if batch_first else (x.shape[1], x.shape[0])
    if own != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {size_value(batch)} "
            f"(batch_size={size_value(own)})"
        )
    shortest = lengths.length if isinstance(lengths, Equal) else lengths[-1]
    if shortest <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0")
    if longest > steps:
        raise RuntimeError(
            f"Expected no length above the {size_value(steps)} steps of the input, but got "
            f"{size_value(longest)}"
        )


def _padded(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    data, steps, batch_first, _, longest = args
    lengths = getattr(steps, BATCH, None)
    if lengths is None:
        return NotImplemented
    equal = isinstance(lengths, Equal)
    batch = _count(lengths)
    longest = longest if longest > 0 else lengths.length if equal else lengths[0]
    axes = (batch, longest) if batch_first else (longest, batch)
    out = torch.empty((*axes, *data.shape[1:]), dtype=data.dtype, device=META)
    recorder.shows(data, out)
    each = torch.empty(batch, dtype=torch.int64, device=META)
    if not equal and not has_free_size(lengths):
        _know(each, lengths)
    return out, _with(each, LENGTHS, lengths)


def _know(tensor: torch.Tensor, numbers: Sequence[int]) -> None:
    """Let the tensor carry these numbers, which do not depend on data."""
    with _disable_current_modes():
        knowing(tensor, torch.tensor(numbers, dtype=torch.int64, device="cpu"))


def _entry(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The first number of a packed batch's steps, which is the number of its sequences."""
    lengths = getattr(args[0], BATCH, None)
    if lengths is None or args[1] != 0:
        return NotImplemented
    return _count(lengths)


def _lengths(tensor: torch.Tensor) -> Any:
    lengths = getattr(tensor, LENGTHS, None)
    if lengths is not None:
        return lengths
    numbers = known(tensor)
    if numbers is None:
        raise BadInput(
            f"the lengths of the sequences packed at {caller()} are values that a trace does not "
            "have; give them as a list of numbers or of sizes"
        )
    return [int(n) for n in numbers.tolist()]


def _is_size(value: Any) -> bool:
    return isinstance(value, int | torch.SymInt) and not isinstance(value, bool)


def _at_example(length: Any) -> int:
    return int(length.node.example()) if isinstance(length, torch.SymInt) else int(length)


def _with(tensor: torch.Tensor, name: str, value: Any) -> torch.Tensor:
    setattr(tensor, name, value)
    return tensor


RULES: Mapping[Any, Callable[..., Any]] = {
    torch.tensor: _made,
    torch.as_tensor: _made,
    torch.full: _filled,
    torch.sort: _sorted,
    torch.Tensor.sort: _sorted,
    torch.Tensor.cpu: _same,
    torch.Tensor.to: _same,
    torch.Tensor.long: _same,
    torch.Tensor.int: _same,
    torch.Tensor.index_select: _ordered,
    torch._C._nn.pad_sequence: _padded_alone,
    torch.Tensor.__getitem__: _entry,
    torch._VF._pack_padded_sequence: _pack,
    torch._VF._pad_packed_sequence: _padded,
}
"""The rules by torch's function, which are applied before the dispatcher."""
