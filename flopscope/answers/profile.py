"""A user's own network, traced: its ledger at numbers, or formulas at free sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flopscope.arguments import parse_input
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.extras import require_onnx, require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.readings import Reading
from flopscope.sizes import Size


@dataclass(frozen=True)
class Profile:
    """What a target does on inputs of these shapes. The ledger's conditions say where that holds.
    `fixed` are free sizes that became numbers, each with the line of code that asked for the
    number. `saved` is what is kept for the backward pass, if that ran too. `expected` says how
    choices were taken that depend on data and change the total."""

    target: str
    shapes: tuple[tuple[Size, ...], ...]
    ledger: Ledger
    fixed: tuple[str, ...]
    saved: Reading | None = None
    expected: tuple[str, ...] = ()

    @property
    def backward(self) -> bool:
        """Is this a training step, which has both passes?"""
        return any(row.backward for row in self.ledger)

    def unknown(self, convention: str) -> tuple[str, ...]:
        """The paths of the operators whose count under the convention is unknown. If there are any,
        totals are lower bounds."""
        return self.ledger.flops(convention).missing


def profile(
    target: str,
    inputs: Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    rules: str | None = None,
    backward: bool = False,
) -> Profile:
    """Trace a target on inputs such as '1,3,224,224', 'B,3,H,W' or 'ids=B,T:int64'. A name stands
    for a free size.

    A target is a catalogue model or what `flopscope.tracing.loading.targets.load` takes; `rules`
    names a mapping of the reader's own in the same way. With `backward` it is a training step.
    Needs torch. An ONNX file needs onnx instead, has inputs of its own, and takes `example` as the
    values of its named sizes. Raises BadInput for a target that cannot be made or run, and for an
    input that cannot be read; UnknownName for a name that does not exist.
    """
    given = [parse_input(text) for text in inputs]
    if is_onnx(target):
        return _profile_graph(target, given, bool(arguments or rules or backward), example)
    require_witnesses()
    from flopscope.measured import without_memory
    from flopscope.tracing import trace
    from flopscope.tracing.inputs import tensors_for
    from flopscope.tracing.loading.extensions import with_torchvision
    from flopscope.tracing.loading.refusals import refusing
    from flopscope.tracing.loading.targets import load, load_rules
    from flopscope.tracing.loading.usercode import importable

    with importable(target):  # the network may import more while it runs
        if target.partition(":")[0] in MODELS:
            refuse_arguments(target, arguments)
            module = without_memory(parse(target).build)
        else:
            module = load(target, arguments)
        own = load_rules(rules) if rules else None
        positional, named = tensors_for(given)
        with refusing(target, module, " and ".join(inputs), positional, named):
            traced = with_torchvision(
                lambda: trace(
                    module, *positional, example=example, rules=own, backward=backward, **named
                )
            )
    saved = None if traced.saved is None else traced.saved.bytes()
    shapes = tuple(i.shape for i in given)
    return Profile(target, shapes, traced.ledger, traced.fixed, saved, traced.expected)


def refuse_arguments(model: str, *given: Any) -> None:
    """Raises BadInput where a catalogue model is given arguments: only a reader's own network takes
    them."""
    if any(given):
        raise BadInput(
            f"{model} is a catalogue model; its options follow a colon, as in "
            "mobilenetv2:width=1.4, and --arg and --example are for a network of your own"
        )


def is_onnx(target: str) -> bool:
    """Does the target name an ONNX file?"""
    return target.endswith(".onnx")


def _profile_graph(
    target: str, given: Sequence[InputSpec], python: bool, sizes: Mapping[str, int] | None
) -> Profile:
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
    return Profile(target, tuple(graph.inputs.values()), graph.ledger, ())
