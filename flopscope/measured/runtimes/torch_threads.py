"""What PyTorch runtimes share: the inputs as tensors, the number of threads, and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from time import process_time, thread_time
from typing import Any

import torch
from torch import Tensor, nn

from flopscope.measured.runtimes import Array, Asked, Clock, Network, Refused


@contextmanager
def torch_settings(threads: int) -> Iterator[None]:
    """While active, torch computes with this many threads, without gradients, and rounds numbers
    below the normal range to zero.

    Untrained weights may let activations shrink into that range, in which a processor is slow;
    those of trained networks do not.
    """
    before = torch.get_num_threads()
    flushes = torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(before)
        if flushes:
            torch.set_flush_denormal(False)


@dataclass(frozen=True)
class Call:
    """A module with its inputs on their device, and what runs it once."""

    module: nn.Module
    given: tuple[Tensor, ...]
    named: dict[str, Tensor]
    mixed: Callable[[], AbstractContextManager[Any]]

    def run(self, module: Callable[..., Any] | None = None) -> Any:
        """One run, of the module or of what stands for it."""
        with torch.no_grad(), self.mixed():
            return (self.module if module is None else module)(*self.given, **self.named)

    @property
    def on_gpu(self) -> bool:
        """Does a GPU run it?"""
        return any(tensor.is_cuda for tensor in (*self.given, *self.named.values()))


def call_of(network: Network, asked: Asked) -> Call:
    """The module on the device and in the type of numbers that are asked for. A module that is
    neither on it nor of it is copied, so that the one that was given stays as it is. Raises
    Refused."""
    assert network.module is not None
    dtype = None if asked.dtype == "amp" else getattr(torch, asked.dtype)
    module = _placed(network.module, asked.place, dtype or torch.float32)
    to = partial(_tensor, place=asked.place, dtype=dtype or torch.float32)
    # Mixed precision is float16 on a GPU and bfloat16 on a processor, as torch chooses.
    mixed = nullcontext if dtype else partial(torch.autocast, asked.place)
    given = tuple(to(array) for array in network.inputs)
    return Call(module, given, {name: to(value) for name, value in network.named.items()}, mixed)


def clock_of(call: Call, asked: Asked) -> Clock | None:
    """Processor time of this thread, or of all of them; none where a GPU computes."""
    if call.on_gpu:
        return None
    return thread_time if asked.threads == 1 else process_time


def finish_of(call: Call) -> Callable[[], None]:
    """What waits until the device has done all that was started."""
    return torch.cuda.synchronize if call.on_gpu else _nothing


def arrays(result: Any) -> list[Array]:
    """The tensors of a result, in whatever it nests them, as arrays of float32 and integers."""
    if isinstance(result, Tensor):
        plain = result.detach().to("cpu")
        return [(plain.float() if plain.is_floating_point() else plain).numpy()]
    if isinstance(result, Mapping):
        result = tuple(result.values())
    if isinstance(result, tuple | list):
        return [array for each in result for array in arrays(each)]
    return []


def said(error: BaseException) -> Refused:
    """What an error of a runtime says, as a refusal."""
    text = " ".join(str(error).split()) or type(error).__name__
    return Refused(f"{text[:400]} …" if len(text) > 400 else text)


def _nothing() -> None:
    """The processor has done everything when it returns."""


def _tensor(array: Array, place: str, dtype: torch.dtype) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.to(place, dtype) if tensor.is_floating_point() else tensor.to(place)


def _placed(module: nn.Module, place: str, dtype: torch.dtype) -> nn.Module:
    tensors = [*module.parameters(), *module.buffers()]
    fits = all(
        tensor.device.type == place and (tensor.dtype == dtype or not tensor.is_floating_point())
        for tensor in tensors
    )
    if fits:
        return module
    from copy import deepcopy

    try:
        return deepcopy(module).to(place, dtype)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise said(error) from error
