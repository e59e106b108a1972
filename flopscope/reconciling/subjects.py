"""The network and input for which a number was reported, and how they may have differed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeAlias

from flopscope.answers.counted import Counted, Given, counted, made
from flopscope.answers.profile import profile
from flopscope.answers.target import Target, parse_target
from flopscope.brief import number_of, short
from flopscope.catalog.options import CLASSES, Choice
from flopscope.catalog.variant import Resolution, Variant, check_size
from flopscope.catalog.variant import parse as parse_variant
from flopscope.errors import BadInput, OutsideDomain
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.reconciling.amounts import CountedTerm
from flopscope.reconciling.tools import Unmodelled
from flopscope.reconciling.writing import A_GRAPH, Writing
from flopscope.sizes import Shape

SIZES = (96, 112, 128, 160, 192, 224, 240, 256, 260, 288, 299, 300, 320, 331, 380, 384, 416, 448,
         456, 480, 512, 528, 600)  # fmt: skip
"""The sides of square inputs at which networks are published."""

OUTPUTS = (1001, 10, 100, 21841, 21843)
"""Numbers of classes other than ImageNet's 1000: with a background class, CIFAR's, and
ImageNet-21k's."""

MODULE_STEPS, SIZE_STEPS, CLASSES_STEPS = 2, 3, 3


@dataclass(frozen=True)
class Version:
    """A ledger to count. `said` names how it differs from the network as asked, and is "" for that
    network itself."""

    said: str
    steps: int
    ledger: Ledger

    def __repr__(self) -> str:
        return short(self, f"{self.said or 'as asked'}, {number_of(self.ledger, 'row')}")


Versions: TypeAlias = Callable[[], Iterator[Version]]


def _none() -> Iterator[Version]:
    return iter(())


Answers: TypeAlias = Callable[[str], tuple[CountedTerm, ...] | Unmodelled]


@dataclass(frozen=True)
class Subject:
    """`near` are other forms and recipes of the network, `far` other numbers of classes, and
    `elsewhere` other inputs, with which any number fits more easily. `answer` gives what a tool
    says of the network as it is written; only the reader's own networks have it."""

    name: str
    shapes: tuple[Shape, ...]
    asked: Version
    near: Versions = field(default=_none)
    far: Versions = field(default=_none)
    elsewhere: Versions = field(default=_none)
    answer: Answers | None = None

    def __repr__(self) -> str:
        return short(self, self.name)


def of_variant(variant: Variant, resolution: Resolution | None, batch: int = 1) -> Subject:
    """A catalogue model, from its closed form."""

    def version(said: str, steps: int, other: Variant, at: Resolution | None) -> Iterator[Version]:
        try:
            # another form may take an image although the one that was asked for takes none
            at = other.resolution() if other.takes_image and at is None else at
            yield Version(said, steps, other.ledger(at, batch))
        except OutsideDomain:
            return

    def near() -> Iterator[Version]:
        for option in variant.model.options:
            if not isinstance(option, Choice):
                continue
            given = dict(variant.options).get(option.name, option.default)
            for choice in option.choices:
                if choice != given:
                    other = _with(variant, option.name, choice)
                    said = f"{option.name}={option.text(choice)}"
                    yield from version(said, MODULE_STEPS, other, resolution)

    def elsewhere() -> Iterator[Version]:
        for side in SIZES if resolution is not None else ():
            if (side, side) != resolution:
                said = f"input {side}×{side}"
                yield from version(said, SIZE_STEPS, variant, (side, side))

    def far() -> Iterator[Version]:
        for classes in OUTPUTS if CLASSES in variant.model.options else ():
            if dict(variant.options).get(CLASSES.name, CLASSES.default) != classes:
                other = _with(variant, CLASSES.name, classes)
                yield from version(f"classes={classes}", CLASSES_STEPS, other, resolution)

    shapes = tuple(given.shape for given in variant.inputs(resolution, batch))
    asked = Version("", 0, variant.ledger(resolution, batch))
    return Subject(str(variant), shapes, asked, near, far, elsewhere)


def of_target(
    target: str | Target,
    inputs: Sequence[str | InputSpec] = (),
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
) -> Subject:
    """A network of the reader's own, traced as by `flopscope profile`. Needs torch, or onnx.

    Raises BadInput for a target that cannot be made or run, or an input with free sizes.
    """
    network = target if isinstance(target, Target) else parse_target(target)
    asked = Given(inputs=tuple(inputs), example=example or {})
    made([network], asked)
    return of_counted(counted(network, asked, arguments), arguments)


def of_counted(found: Counted, arguments: Mapping[str, Any] | None = None) -> Subject:
    """A network that is counted at one input, from its trace or graph."""
    network, given = found.target, found.inputs

    def elsewhere() -> Iterator[Version]:
        if len(given) == 1 and not network.is_graph and len(given[0].shape) == 4:
            yield from _at_other_sizes(network, given[0].shape, arguments)

    def answer(tool: str) -> tuple[CountedTerm, ...] | Unmodelled:
        if network.is_graph:
            return Unmodelled(tool, "", "", A_GRAPH)
        return Writing(network, given, arguments).answer(tool)

    asked = Version("", 0, found.ledger)
    return Subject(network.name, found.shapes, asked, elsewhere=elsewhere, answer=cache(answer))


def _at_other_sizes(
    target: Target, shape: tuple[Any, ...], arguments: Mapping[str, Any] | None
) -> Iterator[Version]:
    """Versions at other sizes, from one trace with free height and width, if the network has such a
    trace."""
    batch, channels, *grid = shape
    try:
        free = profile(target, [f"{batch},{channels},H,W"], arguments)
    except BadInput:
        return
    if free.fixed:
        return
    for side in SIZES:
        if [side, side] == grid:
            continue
        try:
            ledger = free.ledger.at(H=side, W=side)
        except OutsideDomain:
            continue
        yield Version(f"input {side}×{side}", SIZE_STEPS, ledger)


def of_catalog(name: str, res: int | tuple[int, int] | None = None, batch: int = 1) -> Subject:
    """A catalogue model by its name, at its native input unless another is given. Raises
    UnknownName or BadInput as `parse` does."""
    check_size("batch", batch, "such as 1")
    variant = parse_variant(name)
    return of_variant(variant, variant.resolution(res), batch)


def _with(variant: Variant, name: str, value: Any) -> Variant:
    return replace(variant, options=tuple({**dict(variant.options), name: value}.items()))
