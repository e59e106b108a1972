"""What a training step holds in memory: the tensors that it cannot do without, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.answers.counted import Given
from flopscope.answers.profile import Profile, profile
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.errors import BadInput, check_name
from flopscope.facts import ELEMENT_BYTES, InputSpec
from flopscope.readings import buffer_bytes, trainable, weight_bytes
from flopscope.readings.training import OPTIMIZERS
from flopscope.sizes import elements

FLOAT32 = "float32"
WIDTH = ELEMENT_BYTES[FLOAT32]

PARTS: Mapping[str, str] = {
    "weights": "Weights",
    "gradients": "Gra-\ndients",
    "state": "Optimizer\nstate",
    "buffers": "Buffers",
    "inputs": "Inputs",
    "saved": "Saved",
}
"""The parts of the memory of a training step, each with its heading."""


@dataclass(frozen=True)
class TrainingMemory:
    """The bytes of a training step in float32, at a batch.

    weights, buffers: what is stored. gradients: one for each weight that is learnt. state: what the
    optimizer keeps for each of them. inputs: of the network. saved: what autograd keeps of the
    forward pass for the backward pass.
    """

    batch: int
    weights: int
    gradients: int
    state: int
    buffers: int
    inputs: int
    saved: int

    def __repr__(self) -> str:
        return short(self, f"{self.total:,} bytes at batch {self.batch}")

    @property
    def parts(self) -> dict[str, int]:
        """The bytes of each of `PARTS`."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> int:
        """All bytes together."""
        return sum(self.parts.values())


def check_optimizer(name: str) -> None:
    """Raises UnknownName for an optimizer whose state is not known."""
    check_name("optimizer", name, OPTIMIZERS)


def training_memory(
    target: Target, given: Given, optimizer: str, arguments: Mapping[str, Any] | None = None
) -> TrainingMemory:
    """The memory of one training step at a batch, from a trace of both passes. Needs torch.

    The parts are those that are there when the backward pass begins, and the gradients in which it
    ends: their sum is an estimate of the peak. Temporary tensors of the backward pass and of the
    optimizer are not counted. Raises UnknownName for another optimizer, BadInput for a network that
    cannot be trained or an ONNX file.

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
