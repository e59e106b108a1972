"""What is known of tensors that are too large to be written out or have free sizes: that all
elements are one number, or grow in steps.

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
"""The attribute under which a tensor of a trace carries its pattern."""

FEW = 64
"""Up to this many known numbers are checked for being all the same."""


class Memory:
    """The memory of a tensor and its views, which is open once something is written there."""

    open = False


@dataclass(frozen=True)
class Pattern:
    """start + step · i, with i along `axis`, which is counted from the last one. With `step` 0
    every element is `start`."""

    start: Any
    step: Any
    axis: int
    memory: Memory

    @property
    def uniform(self) -> bool:
        """Is it one number?"""
        return bool(self.step == 0)


def one_number(value: Any) -> Pattern:
    """The tensor with the pattern that it is this number everywhere."""
    return Pattern(value, 0, -1, Memory())


def pattern(value: Any) -> Pattern | None:
    """The pattern of a tensor, or of a number that an operator takes; None if it has none."""
    if not isinstance(value, torch.Tensor):
        return one_number(value) if isinstance(value, int | float) else None
    found: Pattern | None = getattr(value, NAME, None)
    if found is None:
        real = known(value)
        return None if real is None else _of_numbers(real)
    return None if found.memory.open else found


def number(tensor: torch.Tensor) -> Any:
    """The number of a tensor with one element; None if it is not known."""
    found = pattern(tensor)
    return None if found is None or not found.uniform else found.start


def _of_numbers(real: torch.Tensor) -> Pattern | None:
    """The pattern of known numbers that are all the same; None for others."""
    if not 0 < real.numel() <= FEW or real.is_complex():
        return None
    numbers = set(real.reshape(-1).tolist())
    return one_number(numbers.pop()) if len(numbers) == 1 else None
