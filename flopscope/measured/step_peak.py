"""The most bytes that tensors hold at once in a training step, as torch itself runs it.

The step runs on fake tensors of a CPU, which have shapes and types and no numbers, so that it takes
neither memory nor arithmetic. Every storage counts from the operator that makes it until the last
tensor in it goes: temporary tensors of the backward pass and of the optimizer are seen, and what
kernels take for themselves and give back is not.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.measured.fakes import fake_input, faked, put_back

OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda learnt, **how: torch.optim.SGD(learnt, momentum=0.9, **how),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": lambda learnt, **how: torch.optim.RMSprop(learnt, momentum=0.9, **how),
}
"""torch's own optimizers, by the names of `readings.training.OPTIMIZERS`."""


class StepPeak(NamedTuple):
    """The most bytes that are held at once in each phase of a step: weights, buffers, inputs, the
    optimizer's state, gradients and all else.

    `optimizer` takes one parameter after another, as torch does on a CPU. `foreach` takes all of
    them together, as torch does on a GPU unless it is told otherwise.
    """

    forward: int
    backward: int
    optimizer: int
    foreach: int

    def peak(self, *, foreach: bool = False) -> int:
        """The most of the whole step."""
        return max(self.forward, self.backward, self.foreach if foreach else self.optimizer)

    @property
    def most(self) -> int:
        """The most of the whole step, whichever way the optimizer takes the parameters."""
        return max(self)


def step_peak(
    module: nn.Module, inputs: Sequence[InputSpec], optimizer: str, *, again: bool = False
) -> StepPeak:
    """The peak of a step that is not the first, in float32: the optimizer's state is there. The
    step begins without gradients or, with `again`, with those of a pass before. The loss
    is the sum of the outputs, which keeps nothing. The module is left as it was.

    Raises BadInput for a module that does not run so.

    >>> step_peak(nn.Linear(8, 4, bias=False), [InputSpec(None, (16, 8))], "momentum")
    StepPeak(forward=1024, backward=1032, optimizer=896, foreach=896)
    """
    with put_back(module), FakeTensorMode(allow_non_fake_inputs=True):
        module.train()
        state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        stored = {key: faked(tensor) for key, tensor in state.items()}
        given = [fake_input(each) for each in inputs]
        named = {i.keyword: t for i, t in zip(inputs, given, strict=True) if i.keyword}
        placed = tuple(t for i, t in zip(inputs, given, strict=True) if not i.keyword)
        try:
            return _phases(lambda: torch.func.functional_call(module, stored, placed, named),
                           stored.values(), given, optimizer, again)  # fmt: skip
        except Exception as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(
                f"{type(module).__name__} does not run a training step on tensors without numbers: "
                f"{said[0]}"
            ) from None


def _phases(
    forward: Callable[[], Any],
    stored: Iterable[torch.Tensor],
    given: Sequence[torch.Tensor],
    optimizer: str,
    again: bool,
) -> StepPeak:
    """The peaks of a step. The state is made after the backward pass and added to what is held in
    the passes, which do not read it."""
    learnt = [tensor for tensor in stored if tensor.requires_grad]
    steps = OPTIMIZERS[optimizer]
    if again:
        _backward(forward())
    with Held((*stored, *given, *(t.grad for t in learnt if t.grad is not None))) as held:
        outputs = [forward()]
        at_forward = held.peak
        _backward(outputs.pop())
        at_backward = held.peak
    peaks = []
    for foreach in (False, True):
        stepper = steps(learnt, foreach=foreach)
        stepper.step()
        state = [v for s in stepper.state.values() for v in s.values() if torch.is_tensor(v)]
        with Held((*stored, *given, *(t.grad for t in learnt if t.grad is not None))) as held:
            before = held.now
            for tensor in state:
                held.see(tensor)
            kept = held.now - before
            stepper.step()
        peaks.append((held.peak, kept))
    (plain, kept), (together, _) = peaks
    return StepPeak(at_forward + kept, at_backward + kept, plain, together)


def _backward(outputs: Any) -> None:
    """Run autograd from the sum of the outputs, which keeps nothing, to the weights' gradients."""
    ends = [t for t in pytree.tree_leaves(outputs) if torch.is_tensor(t) and t.requires_grad]
    del outputs
    loss = torch.stack([end.sum() for end in ends]).sum()
    ends.clear()
    loss.backward()


class Held(TorchDispatchMode):
    """Counts the bytes of all storages that live, `now` and at the `peak`, while it is entered:
    those of some tensors from the start, and of each that an operator makes, fake or real."""

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._sizes: dict[int, int] = {}
        for tensor in tensors:
            self.see(tensor)

    def see(self, tensor: torch.Tensor) -> None:
        """Count the storage of a tensor, once, until it goes."""
        storage = tensor.untyped_storage()
        at = storage._cdata
        if at not in self._sizes:
            self._sizes[at] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, at)

    def _gone(self, at: int) -> None:
        self.now -= self._sizes.pop(at)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for each in pytree.tree_leaves(out):
            if isinstance(each, torch.Tensor):
                self.see(each)
        return out
