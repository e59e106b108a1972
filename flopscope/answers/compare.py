"""Several networks side by side, with the readings that a choice needs, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from flopscope.answers.counted import Counted, Given, check_batch, counted, made, sizes_of
from flopscope.answers.profile import profile
from flopscope.answers.target import CHANNELS, Target, of_variant, parse_target
from flopscope.answers.timed import TimeQuantity, latency_on
from flopscope.brief import number_of, short
from flopscope.catalog.accuracies import UNASKED, Accuracy, Choice, accuracies, parse_choice
from flopscope.catalog.figures import Figure
from flopscope.catalog.metrics import Score
from flopscope.catalog.scaling import Scaling, scaled
from flopscope.catalog.variant import ANY_RESOLUTION, Resolution, Variant, check_size
from flopscope.conventions import Convention, convention
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Quantity
from flopscope.sizes import Shape
from flopscope.timing.device import Device

if TYPE_CHECKING:
    from torch import nn

    from flopscope.agreement import Agreement


@dataclass(frozen=True)
class Entry:
    """One network at one size of its inputs: its ledger, its published figures, and what the
    witnesses say if they are asked. `resolution` is None where it takes anything but one image;
    `shapes` are the inputs of a network that is not of the catalogue, and `expected` the choices
    that depend on its data, as they are taken. `scores` are published by other metrics than top-1.
    """

    target: Target
    resolution: Resolution | None
    batch: int
    ledger: Ledger
    published: tuple[Figure, ...] = ()
    agreement: Agreement | None = None
    shapes: tuple[Shape, ...] = ()
    expected: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {number_of(self.ledger, 'row')}")

    @property
    def name(self) -> str:
        """The text that asks for the network."""
        return self.target.name

    @property
    def variant(self) -> Variant | None:
        """The model of the catalogue, if it is one."""
        return self.target.variant

    @property
    def accuracies(self) -> tuple[Accuracy, ...]:
        """The published accuracies, in the order in which they are taken."""
        return accuracies(self.published)

    @property
    def family(self) -> str:
        """The catalogue's family, or where the network comes from."""
        return self.target.source.value if self.variant is None else self.variant.model.family

    def count(self, name: str) -> int:
        """The work under a named convention."""
        return int(self.ledger.flops(name))


@dataclass(frozen=True)
class Comparison:
    """Entries under one convention, either all scaled in the same way or none. Ratios are to the
    first entry; `choice` says whose accuracies are taken. `times` are predicted latencies, each on
    a device."""

    entries: tuple[Entry, ...]
    convention: Convention
    by: Level | None = None
    scaling: Scaling | None = None
    choice: Choice = UNASKED
    times: tuple[TimeQuantity, ...] = ()

    def __repr__(self) -> str:
        return short(self, ", ".join(entry.name for entry in self.entries))

    @property
    def agrees(self) -> bool:
        """Do the witnesses agree for every entry that was checked?"""
        return all(entry.agreement is None or bool(entry.agreement) for entry in self.entries)

    def ratio(self, quantity: Quantity, entry: Entry) -> Fraction | None:
        """What the entry has of a quantity over what the first entry has of it; None where either
        is only a lower bound, or the first has none."""
        first, other = (quantity.read(each.ledger) for each in (self.entries[0], entry))
        if not (first.complete and other.complete and int(first)):
            return None
        return Fraction(int(other), int(first))

    def accuracy(self, entry: Entry) -> Accuracy | None:
        """The published accuracy that is taken for an entry."""
        return self.choice.of(entry.accuracies)

    @property
    def mixed(self) -> bool:
        """Is any of the networks not of the catalogue?"""
        return any(entry.variant is None for entry in self.entries)


def compare(
    models: Sequence[str | nn.Module],
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    convention_name: str = "macs",
    accuracy: str | None = None,
    by: Level | None = None,
    check: bool = False,
    scaling: Scaling | None = None,
    inputs: Sequence[str | InputSpec] = (),
    pairs: Sequence[str] = (),
    example: Mapping[str, int] | None = None,
    devices: Sequence[Device] = (),
) -> Comparison:
    """Count each target: a model of the catalogue from its closed form, any other from its trace or
    graph; with `check`, against fvcore and torch as well.

    Without `res` or `inputs` each is taken at its native resolution; `scaling` multiplies that, or
    `res`, and the coefficients of the catalogue's models. `pairs`, such as 'width=24', are
    arguments of the reader's own networks. `accuracy` says whose top-1 is taken, as in
    "torchvision"; see `flopscope.catalog.accuracies`. On each of the `devices` the latency is
    predicted. Raises BadInput or UnknownName for a target,
    option, size, convention or accuracy that does not exist.

    >>> [e.count("macs") for e in compare(["mobilenetv1", "mobilenetv2"], res=224).entries]
    [568740352, 300774272]
    """
    if not models:
        raise BadInput("no model to compare; name at least one, such as mobilenetv2")
    if check:
        _refuse_blocks(models)
    check_size("batch", batch, "such as 1")
    counting, choice = convention(convention_name), parse_choice(accuracy)
    given = Given(res, batch, tuple(inputs), tuple(pairs), example or {})
    targets = made([parse_target(model) for model in models], given)
    entries = tuple(_entry(target, given, check, scaling) for target in targets)
    _check_one_batch(entries)
    times = tuple(map(latency_on, devices))
    if len({each.name_of_device for each in times}) < len(times):
        raise BadInput("a device is given twice; give each once")
    several = tuple(each.named_after_device() for each in times)
    return Comparison(
        entries, counting, by, scaling, choice, several if len(several) > 1 else times
    )


def _refuse_blocks(models: Sequence[str | nn.Module]) -> None:
    from flopscope.analytic.named_blocks import NAMED_BLOCKS

    blocks = [name for name in models if isinstance(name, str) and name in NAMED_BLOCKS]
    if blocks:
        raise BadInput(
            f"{', '.join(blocks)}: a block has no sizes at which it could be checked; "
            "flopscope check --prove proves it for all sizes"
        )


def _check_one_batch(entries: Sequence[Entry]) -> None:
    first = entries[0]
    for other in entries:
        if other.batch != first.batch:
            raise BadInput(
                f"{other.name} is counted on a batch of {other.batch} and {first.name} on a batch "
                f"of {first.batch}; give one for all, such as --batch {other.batch}"
            )


def _entry(target: Target, given: Given, check: bool, scaling: Scaling | None) -> Entry:
    if target.variant is not None and scaling:
        if given.inputs:
            raise BadInput(
                "--scale multiplies the size of the input, which --input states as it is; give "
                "--res, or leave one of them out"
            )
        variant, resolution = scaled(target.variant, scaling, given.res)
        return entry(variant, resolution, given.batch, check)
    if scaling:
        raise BadInput(
            f"{target.name} is not a catalogue model and has no coefficients that could be "
            "scaled; leave --scale out, or compare catalogue models alone"
        )
    if target.variant is not None:
        return entry(target.variant, *sizes_of(target.variant, given), check)
    found = counted(target, given)
    if not (given.inputs or given.example):
        check_batch(target.name, found.shapes, given.batch)
    agreement = _counted_by_others(target, found) if check else None
    return replace(of_counted(found), agreement=agreement)


def of_counted(found: Counted) -> Entry:
    """A network that is counted, without its published figures."""
    return Entry(
        found.target, found.resolution, found.batch, found.ledger,
        shapes=found.shapes, expected=found.expected,
    )  # fmt: skip


def _counted_by_others(target: Target, found: Counted) -> Agreement:
    from flopscope.answers.counters import counters_agree

    return counters_agree(target, found.inputs, found.ledger)


def entry(variant: Variant, resolution: Resolution | None, batch: int, check: bool) -> Entry:
    """A model of the catalogue, counted at one input."""
    ledger = variant.ledger(resolution, batch)
    agreement = _checked(variant, resolution, batch) if check else None
    published, scores = variant.published(resolution), variant.scores(resolution)
    return Entry(
        of_variant(variant), resolution, batch, ledger, published, agreement, scores=scores
    )


def at_any_resolution(entry: Entry) -> Ledger | None:
    """Its ledger at a free height and width; None where it has none, as its code asks for their
    values."""
    if entry.resolution is None:
        return None
    if entry.variant is not None:
        return entry.variant.ledger(ANY_RESOLUTION, entry.batch)
    image = InputSpec(None, (entry.batch, CHANNELS, *ANY_RESOLUTION))
    try:
        found = profile(entry.target, [image])
    except FlopscopeError:
        return None
    return None if found.fixed else found.ledger


def _checked(variant: Variant, resolution: Resolution | None, batch: int) -> Agreement:
    """The agreement with the witnesses. Raises BadInput where torch or fvcore is not installed."""
    require_witnesses()
    from flopscope.agreement import check_variant

    return check_variant(variant, resolution, batch)
