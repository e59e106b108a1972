"""Several networks side by side, with the readings that a choice needs, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from flopscope.answers.target import CHANNELS, Target, of_variant, parse_target
from flopscope.brief import counted, short
from flopscope.catalog.accuracies import UNASKED, Accuracy, Choice, accuracies, parse_choice
from flopscope.catalog.figures import Figure
from flopscope.catalog.scaling import Scaling, scaled
from flopscope.catalog.variant import ANY_RESOLUTION, Resolution, Variant, check_size
from flopscope.conventions import Convention, convention
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Quantity
from flopscope.sizes import Shape, is_symbolic
from flopscope.symbolic import substitute

if TYPE_CHECKING:
    from torch import nn

    from flopscope.agreement import Agreement
    from flopscope.answers.profile import Profile


@dataclass(frozen=True)
class Entry:
    """One network at one size of its inputs: its ledger, its published figures, and what the
    witnesses say if they are asked. `resolution` is None where it takes anything but one image;
    `shapes` are the inputs of a network that is not of the catalogue, and `expected` the choices
    that depend on its data, as they are taken."""

    target: Target
    resolution: Resolution | None
    batch: int
    ledger: Ledger
    published: tuple[Figure, ...] = ()
    agreement: Agreement | None = None
    shapes: tuple[Shape, ...] = ()
    expected: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {counted(self.ledger, 'row')}")

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
    first entry; `choice` says whose accuracies are taken."""

    entries: tuple[Entry, ...]
    convention: Convention
    by: Level | None = None
    scaling: Scaling | None = None
    choice: Choice = UNASKED

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
) -> Comparison:
    """Count each target: a model of the catalogue from its closed form, any other from its trace or
    graph; with `check`, against fvcore and torch as well.

    Without `res` each is taken at its native resolution; `scaling` multiplies that, or `res`, and
    the coefficients of the catalogue's models. `accuracy` says whose top-1 is taken, as in
    "torchvision"; see `flopscope.catalog.accuracies`. Raises BadInput or UnknownName for a target,
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
    targets = [parse_target(model) for model in models]
    entries = tuple(_counted(target, res, batch, check, scaling) for target in targets)
    return Comparison(entries, counting, by, scaling, choice)


def _refuse_blocks(models: Sequence[str | nn.Module]) -> None:
    from flopscope.analytic.named_blocks import NAMED_BLOCKS

    blocks = [name for name in models if isinstance(name, str) and name in NAMED_BLOCKS]
    if blocks:
        raise BadInput(
            f"{', '.join(blocks)}: a block has no sizes at which it could be checked; "
            "flopscope check --prove proves it for all sizes"
        )


def _counted(
    target: Target,
    res: int | tuple[int, int] | None,
    batch: int,
    check: bool,
    scaling: Scaling | None,
) -> Entry:
    if target.variant is None:
        if scaling:
            raise BadInput(
                f"{target.name} is not a catalogue model and has no coefficients that could be "
                "scaled; leave --scale out, or compare catalogue models alone"
            )
        return _own_entry(target, res, batch, check)
    variant, resolution = target.variant, None
    if scaling:
        variant, resolution = scaled(variant, scaling, res)
    else:
        resolution = variant.resolution(res)
    return entry(variant, resolution, batch, check)


def entry(variant: Variant, resolution: Resolution | None, batch: int, check: bool) -> Entry:
    """A model of the catalogue, counted at one input."""
    ledger = variant.ledger(resolution, batch)
    agreement = _checked(variant, resolution, batch) if check else None
    published = variant.published(resolution)
    return Entry(of_variant(variant), resolution, batch, ledger, published, agreement)


def _own_entry(target: Target, res: int | tuple[int, int] | None, batch: int, check: bool) -> Entry:
    """A network that is traced or read, at one input."""
    from flopscope.answers.profile import profile

    inputs = target.inputs(res, batch)
    found = at_batch(profile(target, inputs), batch)
    agreement = None
    if check:
        from flopscope.answers.counters import counters_agree

        agreement = counters_agree(target, inputs, found.ledger)
    resolution = _image(found.shapes)
    shapes, expected = found.shapes, found.expected
    return Entry(target, resolution, batch, found.ledger, (), agreement, shapes, expected)


def at_batch(found: Profile, batch: int) -> Profile:
    """The profile at numbers, a named batch being this one. Raises BadInput where another size is
    free, or the batch is another number."""
    names = {s for shape in found.shapes for s in shape[:1] if is_symbolic(s)}
    sizes = {str(name): batch for name in names}
    ledger = found.ledger.at(**sizes) if sizes else found.ledger
    shapes = tuple(tuple(substitute(n, sizes) for n in shape) for shape in found.shapes)
    free = {str(n) for shape in shapes for n in shape if is_symbolic(n)}
    free |= {symbol.name for symbol in ledger.symbols()}
    if free:
        raise BadInput(
            f"{found.target} has free sizes, {', '.join(sorted(free))}; give numbers, such as "
            "--res 224, or see its formulas with flopscope profile"
        )
    if shapes and shapes[0][:1] != (batch,):
        stated = " and ".join("×".join(map(str, shape)) for shape in shapes)
        raise BadInput(
            f"{found.target} takes {stated}, which is not a batch of {batch}; "
            f"give its own, such as --batch {shapes[0][0] if shapes[0] else 1}"
        )
    return replace(found, ledger=ledger, shapes=shapes)


def _image(shapes: Sequence[Shape]) -> Resolution | None:
    """Height and width, where the only input is a batch of images."""
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != CHANNELS:
        return None
    return shapes[0][2], shapes[0][3]


def at_any_resolution(entry: Entry) -> Ledger | None:
    """Its ledger at a free height and width; None where it has none, as its code asks for their
    values."""
    if entry.resolution is None:
        return None
    if entry.variant is not None:
        return entry.variant.ledger(ANY_RESOLUTION, entry.batch)
    from flopscope.answers.profile import profile

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
