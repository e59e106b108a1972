"""The bytes of a network once it is quantised, predicted term by term before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flopscope.answers.counted import Given, counted, made
from flopscope.answers.making import target_of
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.quantising.from_rows import steps_of
from flopscope.quantising.marking import Marked, marked
from flopscope.quantising.scheme import Scheme
from flopscope.quantising.steps import Steps
from flopscope.quantising.terms import Terms, layer_cost, plain_bytes, terms

if TYPE_CHECKING:
    from flopscope.answers.quantised.run import Run

GRAPH_BYTES = 2000
"""Bytes of nodes and names for each quantised activation: about the median of 29 reference models,
for each of which the file of onnxruntime 1.32 had between 0.7 and 1.5 times as many."""


class Layer(NamedTuple):
    """A layer with a weight: its bits, None where it stays in float32, the bytes that it takes,
    and by how many the file would grow if it alone were left in float32 too."""

    name: str
    operator: str
    bits: int | None
    elements: int
    channels: int
    bytes: int
    skipping: int


@dataclass(frozen=True)
class Quantised:
    """The answer. `terms` are the tensors' bytes, `plain` those of the same network in float32 with
    its norms folded, `graph` about those of nodes and names. `left` has the kinds of operators that
    store numbers and stay in float32, with their bytes. `run` is what really quantising it gave."""

    target: Target
    shapes: tuple[tuple[int, ...], ...]
    scheme: Scheme
    terms: Terms
    plain: int
    activations: int
    layers: tuple[Layer, ...]
    left: Mapping[str, int]
    run: Run | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.target.name}, {self.terms.total:,} bytes")

    @property
    def graph(self) -> int:
        """About the bytes of nodes and names in the file."""
        return GRAPH_BYTES * self.activations

    @property
    def holds(self) -> bool:
        """Is every term of the file as the formula says, where there is a file?"""
        return self.run is None or self.run.planned == self.run.stored


def quantize(
    given: Any,
    scheme: Scheme | None = None,
    at: Given | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Quantised:
    """The bytes of a target of any kind under a scheme. A model of the catalogue needs no torch.

    Raises BadInput for a graph that is quantised already, for a network without a layer that can
    be quantised, and as `counted` does; UnknownName for a pattern that no layer matches.

    >>> found = quantize("mobilenetv2")
    >>> found.terms.total, found.plain
    (3777037, 13951264)
    """
    scheme, at = scheme or Scheme(), at or Given()
    (target,) = made([target_of(given)], at)
    refuse_quantised(target)
    network = counted(target, at, arguments)
    return predicted(target, network.shapes, steps_of(network.ledger.rows), scheme)


def predicted(
    target: Target, shapes: Sequence[tuple[int, ...]], steps: Steps, scheme: Scheme
) -> Quantised:
    """The answer for these steps. Raises as `quantize`."""
    names = [layer.name for layer in steps.layers]
    if not names:
        raise BadInput(
            f"{target.name} has no convolution or linear layer with a stored weight, which is what "
            "is quantised; give a network that has one"
        )
    found = marked(steps, scheme.skipped(names))
    _check(target, found, scheme)
    return Quantised(
        target, tuple(shapes), scheme,
        terms=terms(steps, found, scheme.bits_of, scheme.per_channel),
        plain=plain_bytes(steps),
        activations=len(found.activations),
        layers=layers_of(steps, found, scheme),
        left=_left(steps, found),
    )  # fmt: skip


def _check(target: Target, found: Marked, scheme: Scheme) -> None:
    if not found.layers:
        raise BadInput(
            f"--skip leaves no layer of {target.name} to be quantised; name fewer of them"
        )
    first: dict[str, str] = {}
    for layer in found.layers:
        assert layer.weight is not None
        other = first.setdefault(layer.weight.key, layer.name)
        if scheme.bits_of(other) != scheme.bits_of(layer.name):
            raise BadInput(
                f"{other} and {layer.name} share one weight, which has one number of bits, and not "
                f"both {scheme.bits_of(other)} and {scheme.bits_of(layer.name)}; name both layers"
            )


def layers_of(steps: Steps, found: Marked, scheme: Scheme) -> tuple[Layer, ...]:
    """Each layer with its bytes. What it would cost to skip it counts the scales of activations
    too, which neighbours may need all the same."""
    quantised = {layer.name for layer in found.layers}
    skipped = {layer.name for layer in steps.layers} - quantised
    whole = terms(steps, found, scheme.bits_of, scheme.per_channel).total
    layers = []
    for step in steps.layers:
        assert step.weight is not None
        bits = scheme.bits_of(step.name)
        cost = layer_cost(step, bits, scheme.per_channel)
        is_quantised = step.name in quantised
        without = marked(steps, skipped | {step.name}) if is_quantised else found
        grown = terms(steps, without, scheme.bits_of, scheme.per_channel).total - whole
        layers.append(
            Layer(
                step.name,
                step.operator,
                bits if is_quantised else None,
                step.weight.elements,
                step.weight.channels,
                cost.quantised if is_quantised else cost.plain,
                grown,
            )
        )
    return tuple(layers)


def _left(steps: Steps, found: Marked) -> dict[str, int]:
    """The bytes that stay in float32, by kind of operator."""
    known: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for step in (*found.left, *(s for s in steps.steps if s.stays)):
        held = (step.weight, step.bias, *step.stays)
        fresh = {each.key: each.bytes for each in held if each is not None}
        fresh = {key: size for key, size in fresh.items() if key not in known}
        known |= fresh
        if fresh:
            kinds[step.operator] = kinds.get(step.operator, 0) + sum(fresh.values())
    return kinds


def refuse_itself(target: Target, path: str | Path) -> None:
    """Raises BadInput where the quantised network would be written over the network itself."""
    if any(Path(own).resolve() == Path(path).resolve() for own in target.files):
        raise BadInput(
            f"'{path}' is the network that is quantised; write the quantised one to another file"
        )


def refuse_quantised(target: Target) -> None:
    """Raises BadInput for an ONNX file that is quantised already."""
    if not target.is_graph:
        return
    from flopscope.extras import require_onnx

    require_onnx()
    from flopscope.onnxgraph.quantised import quantised_operator

    found = quantised_operator(Path(target.place))
    if found is not None:
        raise BadInput(
            f"{target.name} is quantised already: it has {found}; give the network in float32, or "
            f"see what it costs with: flopscope profile {target.name}"
        )
