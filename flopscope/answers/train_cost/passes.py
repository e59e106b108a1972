"""One pass of a training step: the student forward and backward, and a teacher forward, on a batch
of images of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.answers.counted import Given, counted, image_of
from flopscope.answers.profile import Profile, profile
from flopscope.answers.target import Size, Target
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.answers.train_cost.units import Unit, units_of
from flopscope.answers.training_memory import FLOAT32, TrainingMemory, inputs_at, memory_of
from flopscope.brief import short
from flopscope.errors import FlopscopeError
from flopscope.facts import InputSpec
from flopscope.readings import buffer_bytes, weight_bytes
from flopscope.sizes import Shape


@dataclass(frozen=True)
class Network:
    """A student, what it is given, and its teacher, if it has one."""

    target: Target
    given: Given
    arguments: Mapping[str, Any] | None = None
    teacher: Target | None = None


@dataclass(frozen=True)
class Pass:
    """The MACs of one pass on one device, and what it holds in memory.

    `average` are the bytes of a moving average of the weights, `taught` those of the teacher.
    `missing` are the operators whose cost is unknown, so that counts are lower bounds.
    """

    shapes: tuple[Shape, ...]
    forward: int
    backward: int
    teacher: int
    memory: TrainingMemory
    average: int
    taught: int
    units: tuple[Unit, ...]
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.macs:,} MACs, {self.held:,} bytes")

    @property
    def macs(self) -> int:
        """Of student and teacher."""
        return self.forward + self.backward + self.teacher

    @property
    def parts(self) -> dict[str, int]:
        """The bytes of each part of the memory."""
        return {**self.memory.parts, "average": self.average, "teacher": self.taught}

    @property
    def held(self) -> int:
        """All bytes together."""
        return sum(self.parts.values())


def counted_pass(network: Network, recipe: Recipe, size: Size, batch: int) -> Pass:
    """The pass on a batch of images of this size. Raises BadInput as `profile` does."""
    at = replace(network.given, res=size, batch=batch)
    inputs = inputs_at(network.target, at, network.arguments)
    found = profile(network.target, inputs, network.arguments, at.example, backward=True)
    memory = memory_of(found, inputs, recipe.optimizer)
    mixed = recipe.precision != FLOAT32
    if mixed:
        memory = replace(memory, saved=_kept_mixed(network, inputs, recipe.precision))
    teacher, taught, unknown = _taught(network, found, at)
    forward = found.ledger.filter(lambda row: not row.backward).macs()
    backward = found.ledger.filter(lambda row: row.backward).macs()
    return Pass(
        found.shapes, int(forward), int(backward), teacher, memory,
        memory.weights + memory.buffers if recipe.average else 0, taught,
        () if mixed else units_of(found),
        (*forward.missing, *backward.missing, *unknown),
    )  # fmt: skip


def _kept_mixed(network: Network, inputs: Sequence[InputSpec], precision: str) -> int:
    """The bytes that autograd keeps where torch's autocast chooses types."""
    from flopscope.measured.autocast import saved_bytes

    return saved_bytes(network.target.build(network.arguments), inputs, precision)


def _taught(network: Network, student: Profile, at: Given) -> tuple[int, int, tuple[str, ...]]:
    """The MACs of the teacher's forward pass, the bytes that it stores, and what is unknown of
    it. It sees the images of the student."""
    if network.teacher is None:
        return 0, 0, ()
    size = image_of(student.shapes)
    given = Given(size, at.batch) if size else Given(inputs=at.inputs)
    try:
        rows = counted(network.teacher, given).ledger
    except FlopscopeError as error:
        raise type(error)(f"the teacher does not run on the student's input: {error}") from None
    work = rows.macs()
    stored = int(weight_bytes(rows.rows, FLOAT32).value) + int(buffer_bytes(rows.rows).value)
    return int(work), stored, work.missing
