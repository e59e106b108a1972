"""The bytes of a quantised network, term by term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

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


@dataclass(frozen=True)
class Cost:
    """What a layer takes: its weight and bias as they are, and quantised, with what both need
    besides."""

    plain: int
    weight: int
    scales: int
    zero_points: int
    bias: int

    @property
    def quantised(self) -> int:
        """All that it takes quantised."""
        return self.weight + self.scales + self.zero_points + self.bias

    @property
    def saved(self) -> int:
        """What keeping the layer in float32 would cost in bytes, activations apart."""
        return self.plain - self.quantised


def layer_cost(layer: Step, bits: int, per_channel: bool) -> Cost:
    """The bytes of a layer: W bits/8 + C (scale and zero point), and for a biased layer 4 C for its
    bias and twice that for the bias's scales and zero points, with C = 1 for the scales of a tensor
    as a whole.

    >>> conv = Step("conv", Role.LAYER, ("x",), ("y",), "", Stored("w", 27, 3, 108))
    >>> layer_cost(conv, 8, True).quantised, layer_cost(conv, 8, False).quantised
    (42, 32)
    """
    weight, bias = layer.weight, layer.bias
    assert weight is not None
    channels = weight.channels if per_channel else 1
    biased = bias is not None
    return Cost(
        plain=weight.bytes + (bias.bytes if bias is not None else 0),
        weight=packed(weight.elements, bits),
        scales=SCALE * channels * (1 + biased),
        zero_points=packed(channels, bits) + BIAS * channels * biased,
        bias=BIAS * bias.elements if bias is not None else 0,
    )


def terms(network: Steps, found: Marked, bits: Callable[[str], int], per_channel: bool) -> Terms:
    """The bytes of a network of which this is quantised. `bits` are those of a layer's weight."""
    costs = {}
    for layer in found.layers:
        assert layer.weight is not None
        costs[layer.weight.key] = layer_cost(layer, bits(layer.name), per_channel)
    return Terms(
        weights=sum(cost.weight for cost in costs.values()),
        scales=sum(c.scales for c in costs.values()) + SCALE * len(found.activations),
        zero_points=sum(c.zero_points for c in costs.values()) + len(found.activations),
        biases=sum(cost.bias for cost in costs.values()),
        untouched=sum(held.bytes for held in _untouched(network, found)),
        constants=sum(_constants(network, found).values()),
    )


def _untouched(network: Steps, found: Marked) -> list[Stored]:
    quantised = {layer.weight.key for layer in found.layers if layer.weight is not None}
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
