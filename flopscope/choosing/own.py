"""Networks of one's own with their accuracies, as they are given for a frontier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from flopscope.answers.making import target_of
from flopscope.answers.target import Target
from flopscope.choosing.points import Own
from flopscope.errors import BadInput
from flopscope.numerals import number

if TYPE_CHECKING:
    from torch import nn


def own_points(
    targets: Sequence[str | nn.Module | Callable[..., nn.Module] | Target],
    accuracies: Sequence[str | float],
    option: str = "--top1",
) -> list[Own]:
    """Each target with its top-1 in per cent; `option` names accuracies in messages.

    Raises BadInput for more or fewer accuracies than targets, and for one that is no percentage.

    >>> [(own.target.name, float(own.top1)) for own in own_points(["mobilenetv2"], ["71.9"])]
    [('mobilenetv2', 71.9)]
    """
    if len(targets) != len(accuracies):
        raise BadInput(
            f"{option} is {_given(len(accuracies))}, but {_targets(len(targets))}; give it "
            "once for each target, in their order"
            if targets
            else f"{option} is the accuracy of a target, and none is given; name one, such as "
            "net.py:Net"
        )
    made = [target_of(target) for target in targets]
    found = [Own(t, _top1(text, option)) for t, text in zip(made, accuracies, strict=True)]
    if found and all(own.top1 <= 1 for own in found):
        raise BadInput(f"{option} {accuracies[0]} is a share of 1; give it in per cent, as in 71.3")
    return found


def _given(times: int) -> str:
    return {0: "not given", 1: "given once", 2: "given twice"}.get(times, f"given {times} times")


def _targets(number: int) -> str:
    return f"there {'is 1 target' if number == 1 else f'are {number} targets'}"


def _top1(given: str | float, option: str) -> Fraction:
    value = number(str(given))
    if value is None or not 0 < value <= 100:
        raise BadInput(f"{option} {given} is not a percentage above 0 and up to 100, such as 71.3")
    return value
