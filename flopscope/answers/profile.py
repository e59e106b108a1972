"""A user's own network, traced: its ledger at numbers, or formulas at free sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flopscope.answers.target import Target, parse_target
from flopscope.brief import number_of, short, sizes_text
from flopscope.catalog.variant import Resolution
from flopscope.errors import BadInput
from flopscope.extras import require_onnx, require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.readings import Reading
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import substitute

if TYPE_CHECKING:
    from torch import nn

    from flopscope.readings.training import Saved
    from flopscope.tracing.calls import Rule


@dataclass(frozen=True)
class Profile:
    """What a target does on inputs of these shapes. The ledger's conditions say where that holds.
    `fixed` are free sizes that became numbers, each with the line of code that asked for the
    number. `saved` is what is kept for the backward pass, if that ran too, and `kept` has it tensor
    by tensor. `expected` says how choices were taken that depend on data and change the total. A
    profile is `native` if its shapes are the target's own. `network` is the target as it was
    read."""

    target: str
    shapes: tuple[tuple[Size, ...], ...]
    ledger: Ledger
    fixed: tuple[str, ...]
    saved: Reading | None = None
    expected: tuple[str, ...] = ()
    native: bool = False
    network: Target | None = None
    kept: Saved | None = None

    def __repr__(self) -> str:
        on = " and ".join(map(sizes_text, self.shapes))
        return short(self, f"{self.target} on {on}, {number_of(self.ledger, 'row')}")

    @property
    def backward(self) -> bool:
        """Is this a training step, which has both passes?"""
        return any(row.backward for row in self.ledger)

    def unknown(self, convention: str) -> tuple[str, ...]:
        """The paths of the operators whose count under the convention is unknown. If there are any,
        totals are lower bounds."""
        return self.ledger.flops(convention).missing


def profile(
    target: str | nn.Module | Target,
    inputs: Sequence[str | InputSpec] = (),
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    rules: str | Mapping[str, Rule] | None = None,
    backward: bool = False,
) -> Profile:
    """Trace a target on inputs such as '1,3,224,224', 'B,3,H,W' or 'ids=B,T:int64'. A name stands
    for a free size. Without inputs the input is the image that the target is made for.

    A target is what `parse_target` reads; `rules` is a mapping of the reader's own, or names
    one as `file.py:RULES`. With `backward` it is a training step. Needs torch. An ONNX file needs
    onnx instead, has inputs of its own, and takes `example` as the values of its named sizes.
    Raises BadInput for a target that cannot be made or run, and for an input that cannot be read;
    UnknownName for a name that does not exist.
    """
    network = target if isinstance(target, Target) else parse_target(target)
    given = network.read(inputs, arguments)
    if network.is_graph:
        return _profile_graph(network, given, bool(arguments or rules or backward), example)
    require_witnesses()
    from flopscope.tracing import trace
    from flopscope.tracing.inputs import tensors_for
    from flopscope.tracing.loading.extensions import with_torchvision
    from flopscope.tracing.loading.refusals import refusing
    from flopscope.tracing.loading.targets import load_rules
    from flopscope.tracing.loading.usercode import importable

    with importable(network.place):  # the network may import more while it runs
        module = network.build(arguments)
        own = load_rules(rules) if isinstance(rules, str) else rules
        positional, named = tensors_for(given)
        with refusing(network.name, module, said(given), positional, named):
            traced = with_torchvision(
                lambda: trace(
                    module, *positional, example=example, rules=own, backward=backward, **named
                )
            )
    saved = None if traced.saved is None else traced.saved.bytes()
    shapes = tuple(i.shape for i in given)
    return Profile(
        network.name, shapes, traced.ledger, traced.fixed, saved, traced.expected, not inputs,
        network, traced.saved,
    )  # fmt: skip


def said(inputs: Sequence[InputSpec]) -> str:
    """The inputs as a command line has them: '1,3,224,224', 'ids=B,T:int64 and mask=B,T'."""
    return " and ".join(
        (f"{given.keyword}=" if given.keyword else "")
        + ",".join(map(str, given.shape))
        + (f":{given.dtype}" if given.dtype != InputSpec.dtype else "")
        for given in inputs
    )


def _profile_graph(
    network: Target, given: Sequence[InputSpec], python: bool, sizes: Mapping[str, int] | None
) -> Profile:
    target = network.name
    if python:
        raise BadInput(
            f"{target} is an ONNX file and takes no --arg, --rules or --backward; leave them out"
        )
    if types := {i.dtype for i in given} - {InputSpec.dtype}:
        raise BadInput(f"{target} states the types of its inputs; leave :{', :'.join(types)} out")
    require_onnx()
    from flopscope.onnxgraph import read

    positional = [i.shape for i in given if i.keyword is None]
    graph = read(target, positional, sizes, {i.keyword: i.shape for i in given if i.keyword})
    shapes = tuple(graph.inputs.values())
    return Profile(target, shapes, graph.ledger, (), network=network)


def closed(network: Target, resolution: Resolution | None, batch: Size) -> Profile:
    """A model of the catalogue by its closed form, which needs no torch."""
    assert network.variant is not None
    shapes = tuple(given.shape for given in network.variant.inputs(resolution, batch))
    ledger = network.variant.ledger(resolution, batch)
    return Profile(network.name, shapes, ledger, (), network=network)


def with_batch(found: Profile, batch: int) -> Profile:
    """The profile with this batch where its batch has a name; other free sizes stay free."""
    names = {s for shape in found.shapes for s in shape[:1] if is_symbolic(s)}
    sizes = {str(name): batch for name in names}
    ledger = found.ledger.at(**sizes) if sizes else found.ledger
    shapes = tuple(tuple(substitute(n, sizes) for n in shape) for shape in found.shapes)
    return replace(found, ledger=ledger, shapes=shapes)
