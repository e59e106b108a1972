"""What is known of tensors too large to be written out, or of free sizes: one number, or steps.

A mask of ones is the same everywhere, and positions are start + step · i along one axis, whatever
their number. Code that asks whether positions follow each other, or whether a mask hides anything,
gets its answer from that alone, and it holds for every size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from flopscope.tracing.values.known import known

NAME = "_flopscope_pattern"
"""The attribute under which a tensor of a trace carries it."""

FEW = 64
"""Known numbers of up to this many elements are looked at for being one number."""


class Memory:
    """Where a tensor and its views lie; open once something is written there."""

    open = False


@dataclass(frozen=True)
class Pattern:
    """start + step · i, i along `axis`, counted from the last one; `step` 0: everywhere `start`."""

    start: Any
    step: Any
    axis: int
    memory: Memory

    @property
    def uniform(self) -> bool:
        """Is it one number?"""
        return bool(self.step == 0)


def one_number(value: Any) -> Pattern:
    """The pattern of a tensor that is this number everywhere."""
    return Pattern(value, 0, -1, Memory())


def pattern(value: Any) -> Pattern | None:
    """The pattern of a tensor, or of a number that an operator takes; None where it has none."""
    if not isinstance(value, torch.Tensor):
        return one_number(value) if isinstance(value, int | float) else None
    found: Pattern | None = getattr(value, NAME, None)
    if found is None:
        real = known(value)
        return None if real is None else _of_numbers(real)
    return None if found.memory.open else found


def number(tensor: torch.Tensor) -> Any:
    """The number of a tensor of one element, None where it is not known."""
    found = pattern(tensor)
    return None if found is None or not found.uniform else found.start


def _of_numbers(real: torch.Tensor) -> Pattern | None:
    """The pattern of known numbers, where they are all the same."""
    if not 0 < real.numel() <= FEW or real.is_complex():
        return None
    numbers = set(real.reshape(-1).tolist())
    return one_number(numbers.pop()) if len(numbers) == 1 else None
