"""A network taken apart, from its closed form where that answers, else as it runs or reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import fitting
from flopscope.answers.epoch import Epoch, check_epoch, epoch_of
from flopscope.answers.profile import Profile, closed, profile, with_batch
from flopscope.answers.target import Size, Target, of_variant, refuse_arguments
from flopscope.catalog.scaling import Scaling, scaled
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.sizes import Shape

if TYPE_CHECKING:
    from flopscope.tracing.calls import Rule

Check = Callable[[Sequence[Shape]], None]
"""It raises where an answer at these shapes could not be laid out."""


@dataclass(frozen=True)
class Question:
    """What is asked about one network.

    `given` are the inputs that it runs on, none where they are its own; they are `stated` if the
    reader wrote them down one by one, else `res` and `batch` say what they are. With `backward` it
    is a training step, of which an `epoch` of so many images can be asked.
    """

    network: Target
    given: tuple[InputSpec, ...] = ()
    stated: bool = False
    res: Size = None
    batch: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, int] = field(default_factory=dict)
    rules: str | Mapping[str, Rule] | None = None
    backward: bool = False
    epoch: int | None = None


def in_size(network: Target, scaling: Scaling | None, res: Size) -> tuple[Target, Size]:
    """The network scaled, and its size. Raises BadInput for one that is no catalogue model."""
    if scaling is None:
        return network, res
    if network.variant is None:
        raise BadInput(
            f"{network.name} is not a catalogue model and has no coefficients that could be "
            "scaled; leave --scale out, or name a catalogue model"
        )
    variant, size = scaled(network.variant, scaling, res)
    return of_variant(variant), size


def traced(asked: Question, check: Check) -> tuple[Profile, Epoch | None]:
    """The network as it runs, or its file as it reads. The shapes are checked before and after.
    Raises as `profile` and `check_epoch` do."""
    network = asked.network
    if not network.is_graph:  # whose sizes are in the file
        check([one.shape for one in asked.given])
    if asked.epoch is not None and not (network.is_graph and asked.backward):
        check_epoch(network.read(asked.given, asked.arguments), backward=asked.backward)
    found = _counted(asked, asked.given)
    if network.is_graph and asked.batch is not None and not asked.stated:
        found = with_batch(found, asked.batch)
    check(found.shapes)
    if asked.epoch is None:
        return found, None
    inputs = network.read(asked.given, asked.arguments)
    return found, epoch_of(found, inputs, asked.epoch, lambda on: _counted(asked, on))


def shown(asked: Question, check: Check) -> tuple[Profile, Epoch | None]:
    """A model of the catalogue by its closed form, unless it has to run; any other network as
    `traced` has it, with a batch of 1 where the batch has a name."""
    variant, batch = asked.network.variant, asked.batch or 1
    runs = asked.rules is not None or asked.backward or asked.epoch is not None
    if variant is None or runs:
        return traced(replace(asked, batch=batch), check)
    refuse_arguments(asked.network.name, asked.arguments, asked.example)
    own = (variant.resolution(asked.res), batch)
    found = closed(asked.network, *(fitting(variant, asked.given) if asked.stated else own))
    check(found.shapes)
    return found, None


def _counted(asked: Question, on: Sequence[InputSpec]) -> Profile:
    return profile(asked.network, on, asked.arguments, asked.example, asked.rules, asked.backward)
