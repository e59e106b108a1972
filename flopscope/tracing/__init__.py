"""The tracing engine: a real module on symbolic or plain sizes, as a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from flopscope.errors import UnboundSymbols
from flopscope.ledger import Ledger
from flopscope.sizes import Size, is_symbolic
from flopscope.tracing.node import free_size
from flopscope.tracing.recorder import Recorder, paths
from flopscope.tracing.trail import Trail

EXAMPLES = {"B": 3, "H": 264, "W": 328}
"""Sizes to branch on: generic on purpose. At multiples of large powers of two many networks take
special cases that hold almost nowhere else."""


@dataclass(frozen=True)
class Trace:
    """A ledger and the trail that says where it holds."""

    ledger: Ledger
    trail: Trail

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Answers that only the example gave, and sizes that became numbers."""
        answers = [f"{question} is {answer}" for question, answer in self.trail.answers.items()]
        return (
            *answers,
            *(f"{f.value} = {f.number} at {f.where}" for f in self.trail.fixed.values()),
        )


def trace(
    module: nn.Module, *shapes: Sequence[Size], example: Mapping[str, int] | None = None
) -> Trace:
    """Run `module` on meta tensors of these shapes and record what it does.

    Sizes are ints or polynomials over free symbols; `example` gives the sizes to branch on. The
    module may live anywhere: its parameters and buffers are replaced by shapes for the run, no
    arithmetic is done, and the module is left as it was, also after an error.
    """
    free = {s for shape in shapes for n in shape if is_symbolic(n) for s in n.symbols()}
    values = EXAMPLES | dict(example or {})
    if missing := [s.name for s in free if s.name not in values]:
        raise UnboundSymbols(
            f"no example value for {', '.join(sorted(missing))}; give one to branch on"
        )
    trail = Trail({s.name: values[s.name] for s in free})
    tensors = [_tensor(trail, shape) for shape in shapes]
    state = _shapes_only(module)
    recorder = Recorder(state, [name for name, _ in module.named_parameters()], tensors)
    with (
        inference(module),
        torch.no_grad(),
        torch.device("meta"),
        paths(recorder, module),
        recorder,
    ):
        functional_call(module, state, tuple(tensors), tie_weights=True)
    return Trace(recorder.ledger(), trail)


def _shapes_only(module: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer as a meta tensor, by its first name; shared tensors stay
    shared."""
    stored = [*module.named_parameters(), *module.named_buffers()]
    return {
        name: t if t.device.type == "meta" else torch.empty_like(t, device="meta")
        for name, t in stored
    }


@contextmanager
def inference(module: nn.Module) -> Iterator[None]:
    """The module and its parts in evaluation mode, put back as they were afterwards."""
    training = [part for part in module.modules() if part.training]
    try:
        module.eval()
        yield
    finally:
        for part in training:
            part.training = True


def _tensor(trail: Trail, shape: Sequence[Any]) -> torch.Tensor:
    sizes = [free_size(trail, n) if is_symbolic(n) else n for n in shape]
    return torch.empty(sizes, device="meta")
