"""What autograd keeps of a forward pass in mixed precision, by torch's own autocast and hooks.

The tensors are fake ones of a CPU, with shapes and types and no numbers, so that a pass of any size
takes neither memory nor arithmetic. Autocast decides by operator what runs in 16 bits, as its list
for CPUs has it; weights stay in float32, and the copies of them that autocast makes are kept too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.measured.fakes import fake_input, faked, put_back

DTYPES: Mapping[str, torch.dtype | None] = {
    "float32": None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
"""The types in which autocast runs what may be in 16 bits; None runs without it."""


def saved_bytes(module: nn.Module, inputs: Sequence[InputSpec], precision: str) -> int:
    """The bytes of all storages that are kept for the backward pass, each once; those of
    parameters, buffers and inputs are apart. The module is left as it was.

    Raises BadInput for a module that does not run so.

    >>> net = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> [saved_bytes(net, [InputSpec(None, (16, 8))], name) for name in DTYPES]
    [256, 400, 400]
    """
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    with put_back(module), FakeTensorMode(allow_non_fake_inputs=True):
        stored = {key: faked(tensor) for key, tensor in state.items()}
        given = [fake_input(each) for each in inputs]
        named = {i.keyword: t for i, t in zip(inputs, given, strict=True) if i.keyword}
        placed = tuple(t for i, t in zip(inputs, given, strict=True) if not i.keyword)
        apart = {t.untyped_storage()._cdata for t in (*stored.values(), *given)}
        kept: dict[int, int] = {}
        alive: list[Any] = []

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            alive.append(tensor)  # so that no storage takes the place of another
            kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
            return tensor

        dtype = DTYPES[precision]
        cast = torch.autocast("cpu", dtype=dtype, enabled=dtype is not None)
        try:
            with (
                _Statistics(), sdpa_kernel(SDPBackend.MATH), saved_tensors_hooks(keep, lambda t: t),
                cast,
            ):  # fmt: skip
                alive.append(torch.func.functional_call(module, stored, placed, named))
        except Exception as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(
                f"{type(module).__name__} does not run in {precision} by torch's autocast: "
                f"{said[0]}"
            ) from None
    return sum(size for at, size in kept.items() if at not in apart)


class _Statistics(TorchDispatchMode):
    """Gives the means and deviations of norms the type that they have on a real CPU, float32 also
    where what is normalised has 16 bits; fake tensors would have 16 there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in NORMS:
            return (out[0], *(each.float() for each in out[1:3]), *out[3:])
        return out


NORMS = (
    "native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update",
    "native_layer_norm", "native_group_norm",
)  # fmt: skip
"""Operators that hand out their statistics behind their result."""
