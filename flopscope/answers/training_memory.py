"""What a training step holds in memory: the tensors that it cannot do without, part by part, and
the most that are held at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given
from flopscope.answers.profile import Profile, profile
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.errors import BadInput, check_name
from flopscope.facts import ELEMENT_BYTES, InputSpec
from flopscope.readings import buffer_bytes, trainable, weight_bytes
from flopscope.readings.training import OPTIMIZERS
from flopscope.sizes import elements

if TYPE_CHECKING:
    from torch import nn

    from flopscope.measured.step_peak import StepPeak

FLOAT32 = "float32"
WIDTH = ELEMENT_BYTES[FLOAT32]

PARTS: Mapping[str, str] = {
    "weights": "Weights",
    "gradients": "Gra-\ndients",
    "state": "Opti-\nmizer",
    "buffers": "Buf-\nfers",
    "inputs": "Inputs",
    "saved": "Saved",
}
"""The parts of the memory of a training step, each with its heading."""


@dataclass(frozen=True)
class TrainingMemory:
    """The bytes of a training step in float32, at a batch.

    weights, buffers: what is stored. gradients: one for each weight that is learnt. state: what the
    optimizer keeps for each of them. inputs: of the network. saved: what autograd keeps of the
    forward pass for the backward pass. `peak` is the most that is held at once, where it was asked
    for and is known; `unknown` says why it is not.
    """

    batch: int
    weights: int
    gradients: int
    state: int
    buffers: int
    inputs: int
    saved: int
    peak: StepPeak | None = None
    unknown: str = ""

    def __repr__(self) -> str:
        return short(self, f"{self.most:,} bytes at batch {self.batch}")

    @property
    def parts(self) -> dict[str, int]:
        """The bytes of each of `PARTS`."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())

    @property
    def most(self) -> int:
        """What the step needs: its peak or, where that is not known, the sum of the parts."""
        return self.total if self.peak is None else self.peak.most


@dataclass(frozen=True)
class Step:
    """The training steps of a network with an optimizer, at any batch."""

    target: Target
    given: Given
    optimizer: str
    arguments: Mapping[str, Any] | None = None

    def parts(self, batch: int) -> TrainingMemory:
        """The parts of the memory, from a trace. Raises as `training_memory` does."""
        return training_memory(self.target, self._at(batch), self.optimizer, self.arguments)

    def peaked(self, held: TrainingMemory) -> TrainingMemory:
        """The parts at a batch with the peak there, from a step of torch on tensors without
        numbers. A network that does not run so has no peak, and `unknown` says why."""
        from flopscope.measured.step_peak import step_peak

        inputs = inputs_at(self.target, self._at(held.batch), self.arguments)
        try:
            return replace(held, peak=step_peak(self._module, inputs, self.optimizer))
        except BadInput as error:
            return replace(held, unknown=str(error))

    def whole(self, batch: int) -> TrainingMemory:
        """The parts with the peak."""
        return self.peaked(self.parts(batch))

    @cached_property
    def _module(self) -> nn.Module:
        return self.target.build(self.arguments)

    def _at(self, batch: int) -> Given:
        return replace(self.given, batch=batch)


def check_optimizer(name: str) -> None:
    """Raises UnknownName for an optimizer whose state is not known."""
    check_name("optimizer", name, OPTIMIZERS)


def training_memory(
    target: Target, given: Given, optimizer: str, arguments: Mapping[str, Any] | None = None
) -> TrainingMemory:
    """The parts of the memory of one training step at a batch, from a trace of both passes. Needs
    torch.

    The parts are those that are there when the backward pass begins, and the gradients in which it
    ends: their sum is an estimate of the peak, which `Step.peaked` adds. Temporary tensors of the
    backward pass and of the optimizer are not among them. Raises UnknownName for another optimizer,
    BadInput for a network that cannot be trained or an ONNX file.

    >>> from flopscope.answers.target import parse_target
    >>> held = training_memory(parse_target("mobilenetv2"), Given(64, 2), "adamw")
    >>> held.weights == held.gradients == held.state // 2 == 4 * 3_504_872
    True
    """
    check_optimizer(optimizer)
    if target.is_graph:
        raise BadInput(
            f"{target.name} is an ONNX file, which has no backward pass; give the network in "
            "PyTorch, or leave training out"
        )
    inputs = inputs_at(target, given, arguments)
    return memory_of(
        profile(target, inputs, arguments, given.example, backward=True), inputs, optimizer
    )


def memory_of(found: Profile, inputs: Sequence[InputSpec], optimizer: str) -> TrainingMemory:
    """The memory of a training step that was traced on these inputs. Raises BadInput where it is
    not known what is kept for the backward pass."""
    if found.saved is None:
        raise BadInput(
            f"what {found.target} keeps for its backward pass is not known at these sizes; give "
            "every size as a number"
        )
    rows = found.ledger.rows
    learnt = WIDTH * int(trainable(rows).value)
    return TrainingMemory(
        int(inputs[0].shape[0]) if inputs and inputs[0].shape else 1,
        weights=int(weight_bytes(rows, FLOAT32).value),
        gradients=learnt,
        state=OPTIMIZERS[optimizer] * learnt,
        buffers=int(buffer_bytes(rows).value),
        inputs=sum(int(elements(i.shape)) * ELEMENT_BYTES[i.dtype] for i in inputs),
        saved=int(found.saved),
    )


def inputs_at(
    target: Target, given: Given, arguments: Mapping[str, Any] | None
) -> Sequence[InputSpec]:
    """The inputs at the batch, which is the leading size of each of them."""
    asked = target.given(given.inputs, given.res, 1, arguments)
    if not given.inputs or not asked:
        return target.inputs(given.res, given.batch, arguments)
    return [replace(each, shape=(given.batch, *each.shape[1:])) for each in asked]
