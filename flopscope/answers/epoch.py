"""What an epoch of training costs: every full batch, and the batch that the rest makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from flopscope.answers.profile import Profile, said
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.sizes import is_symbolic


class Step(NamedTuple):
    """A training step on a batch of this size, and how often it is done in an epoch."""

    batch: int
    times: int
    profile: Profile


@dataclass(frozen=True)
class Epoch:
    """Every image of a set once, in steps of one size and a last one on what remains."""

    images: int
    steps: tuple[Step, ...]

    @property
    def times(self) -> int:
        """How many steps it has."""
        return sum(step.times for step in self.steps)


def epoch_of(
    found: Profile,
    inputs: Sequence[InputSpec],
    images: int,
    again: Callable[[Sequence[InputSpec]], Profile],
) -> Epoch:
    """The epoch of so many images, in steps as the profile has counted one on these inputs. `again`
    counts the step on other inputs, which the last batch needs if it is smaller. Raises BadInput as
    `check_epoch` does."""
    batch = check_epoch(inputs, backward=found.backward)
    full, rest = divmod(images, batch)
    steps = [Step(batch, full, found)] if full else []
    if rest:
        steps.append(Step(rest, 1, again([_with_batch(given, rest) for given in inputs])))
    return Epoch(images, tuple(steps))


def check_epoch(inputs: Sequence[InputSpec], *, backward: bool) -> int:
    """The batch of a step. Raises BadInput where the step is not one of training, and where the
    inputs do not all begin with one batch that is a number."""
    if not backward:
        raise BadInput("--epoch counts training steps; add --backward")
    sizes = {given.shape[0] if given.shape else None for given in inputs}
    if len(sizes) != 1 or any(size is None or is_symbolic(size) for size in sizes):
        raise BadInput(
            f"--epoch needs the batch as a number, first in every input, and {said(inputs)} does "
            "not have it; give --batch, or an input such as --input 128,3,224,224"
        )
    (batch,) = sizes
    return int(batch)  # type: ignore[arg-type]


def _with_batch(given: InputSpec, batch: int) -> InputSpec:
    return replace(given, shape=(batch, *given.shape[1:]))
