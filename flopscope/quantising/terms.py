"""The bytes of a quantised network, term by term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

from flopscope.brief import short
from flopscope.quantising.marking import Marked
from flopscope.quantising.steps import Step, Steps, Stored

SCALE = 4
"""Bytes of a scale, which is a float32 number."""
BIAS = 4
"""Bytes of an element of a bias, and of its zero point: both are int32."""
FLOAT = 4


@dataclass(frozen=True)
class Terms:
    """The bytes of the tensors that a quantised file stores.

    `weights` are quantised weights, `scales` and `zero_points` those of weights, biases and
    activations, `biases` quantised biases, and `untouched` all floating-point tensors that stay as
    they are. `constants` are what the graph itself needs, such as shapes, axes and single numbers;
    a closed form does not know them, and an exporter decides how many there are.
    """

    weights: int
    scales: int
    zero_points: int
    biases: int
    untouched: int
    constants: int = 0

    def __repr__(self) -> str:
        return short(self, f"{self.total:,} bytes")

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, each.name) for each in fields(self))


def packed(count: int, bits: int) -> int:
    """The bytes of so many numbers of so many bits, one behind another.

    >>> packed(7, 4), packed(7, 8)
    (4, 7)
    """
    return -(-count * bits // 8)


class Part(NamedTuple):
    """A tensor as it is stored once it is quantised: its own bytes, and those of its scales and
    zero points."""

    bytes: int
    scales: int
    zero_points: int


class Cost(NamedTuple):
    """What a layer takes: its weight and bias as they are, and each quantised."""

    plain: int
    weight: Part
    bias: Part | None

    @property
    def quantised(self) -> int:
        """All that it takes quantised."""
        return sum(self.weight) + sum(self.bias or ())


def layer_cost(layer: Step, bits: int, per_channel: bool) -> Cost:
    """The bytes of a layer: W bits/8 + C (scale and zero point), and for a biased layer 4 C for its
    bias and twice that for the bias's scales and zero points, with C = 1 for the scales of a tensor
    as a whole.

    >>> from flopscope.quantising.steps import Role
    >>> conv = Step("conv", Role.LAYER, ("x",), ("y",), "", Stored("w", 27, 3, 108))
    >>> layer_cost(conv, 8, True).quantised, layer_cost(conv, 8, False).quantised
    (42, 32)
    """
    weight, bias = layer.weight, layer.bias
    assert weight is not None
    channels = weight.channels if per_channel else 1
    quantised = Part(packed(weight.elements, bits), SCALE * channels, packed(channels, bits))
    if bias is None:
        return Cost(weight.bytes, quantised, None)
    added = Part(BIAS * bias.elements, SCALE * channels, BIAS * channels)
    return Cost(weight.bytes + bias.bytes, quantised, added)


def terms(network: Steps, found: Marked, bits: Callable[[str], int], per_channel: bool) -> Terms:
    """The bytes of a network of which this is quantised. `bits` are those of a layer's weight."""
    weights: dict[str, Part] = {}
    biases: list[Part] = []
    for layer in found.layers:  # layers may share a weight; a bias has the scale of each input
        cost = layer_cost(layer, bits(layer.name), per_channel)
        assert layer.weight is not None
        weights[layer.weight.key] = cost.weight
        if cost.bias is not None:
            biases.append(cost.bias)
    parts = [*weights.values(), *biases]
    return Terms(
        weights=sum(part.bytes for part in weights.values()),
        scales=sum(part.scales for part in parts) + SCALE * len(found.activations),
        zero_points=sum(part.zero_points for part in parts) + len(found.activations),
        biases=sum(part.bytes for part in biases),
        untouched=sum(held.bytes for held in _untouched(network, found)),
        constants=sum(_constants(network, found).values()),
    )


def _untouched(network: Steps, found: Marked) -> list[Stored]:
    held = [each for layer in found.layers for each in (layer.weight, layer.bias)]
    quantised = {each.key for each in held if each is not None}
    kept: dict[str, Stored] = {}
    for step in found.left:
        kept |= {held.key: held for held in (step.weight, step.bias) if held is not None}
    for step in network.steps:
        kept |= {held.key: held for held in step.stays}
    return [held for key, held in kept.items() if key not in quantised]


def _constants(network: Steps, found: Marked) -> dict[str, int]:
    """The graph's constants that some step still reads."""
    gone = {id(step) for step in found.folded}
    read = {name for step in network.steps if id(step) not in gone for name in step.settings}
    return {name: size for name, size in network.constants.items() if name in read}


def plain_bytes(network: Steps) -> int:
    """The bytes of all stored numbers before they are quantised, norms folded."""
    kept: dict[str, int] = {}
    for step in network.steps:
        held = (step.weight, step.bias, *step.stays)
        kept |= {each.key: each.bytes for each in held if each is not None}
    return sum(kept.values())
