"""Functions of torch that ask for a tensor's device, return its numbers, or make a tensor from
numbers.

They are handled before the dispatcher, because shapes have no device that a network's code would
expect, and a tensor of literal numbers would lose them on the meta device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller
from flopscope.tracing.values.known import CPU, META, known


def _answer(value: Any) -> Callable[..., Any]:
    return lambda function, args, kwargs: value


def _numbers(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Copies of a tensor's numbers, if they are known."""
    numbers = known(args[0].detach())  # of a user's tensor, its copy's
    if numbers is None:
        raise BadInput(
            f"the network reads the values of a tensor (.tolist() or .numpy()) at {caller()}; "
            "a trace has shapes only, so give it a form that depends on shapes alone"
        )
    with _disable_current_modes():
        return function(numbers.clone(), *args[1:], **kwargs)


def _literal(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A tensor made from numbers in code. They are known unless free sizes or data are among
    them."""
    data = args[0] if args else kwargs.get("data")
    if isinstance(data, torch.Tensor):
        return function(*args, **kwargs)
    unknown = [v for v in pytree.tree_leaves(data) if _is_unknown(v)]
    if not unknown:
        return function(*args, **{**kwargs, "device": CPU})
    plain = pytree.tree_map(lambda v: _stand_in(v) if _is_unknown(v) else v, data)
    with _disable_current_modes():
        shape = torch.tensor(plain, dtype=kwargs.get("dtype"), device=CPU)
    return torch.empty(shape.shape, dtype=shape.dtype, device=META)


def _is_unknown(value: Any) -> bool:
    symbolic = isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool)
    return symbolic or (isinstance(value, torch.Tensor) and known(value) is None)


def _stand_in(value: Any) -> Any:
    """A number of the same kind."""
    if isinstance(value, torch.Tensor):
        return torch.ones(value.shape, dtype=value.dtype, device=CPU).tolist()
    return 1 if isinstance(value, torch.SymInt) else isinstance(value, torch.SymBool) or 1.0


MET: Mapping[Any, Callable[..., Any]] = {
    torch.Tensor.device.__get__: _answer(CPU),
    torch.Tensor.is_meta.__get__: _answer(False),  # type: ignore[attr-defined]
    torch.Tensor.is_cpu.__get__: _answer(True),  # type: ignore[attr-defined]
    torch.Tensor.get_device: _answer(-1),
    **dict.fromkeys([torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.__array__], _numbers),
    torch.Tensor.__format__: _numbers,
    **dict.fromkeys([torch.tensor, torch.as_tensor, torch.asarray], _literal),
}
"""What is done instead, by torch's function."""
