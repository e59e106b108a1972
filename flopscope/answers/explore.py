"""What a page to explore has: networks in free sizes, with usual values and accuracies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.alphabet import FREE as FREE_NAMES
from flopscope.answers.counted import Given, made
from flopscope.answers.explore_arguments import Made, made_from_symbols
from flopscope.answers.explore_published import (
    Measured,
    Published,
    Scored,
    measured_on,
    published,
    scored,
)
from flopscope.answers.profile import Profile, profile
from flopscope.answers.target import CHANNELS, Source, Target, of_variant, parse_target
from flopscope.brief import number_of, short
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import FREE, Variant, parse
from flopscope.errors import BadInput, FlopscopeError
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.sizes import is_symbolic
from flopscope.symbolic import Symbol, symbol
from flopscope.timing.builtin import device_names, device_of
from flopscope.timing.device import Device

SIDE = 224
"""The side of the image at which a network of one's own begins, where nothing states another."""

Tell = Callable[[int, int], None]
"""What is told how many networks of how many are there."""


@dataclass(frozen=True)
class FreeSize:
    """A size that can be moved, and the value at which it begins."""

    symbol: Symbol
    usual: int | float

    @property
    def name(self) -> str:
        """Its name, as formulas have it."""
        return self.symbol.name


@dataclass(frozen=True)
class Explored:
    """A network of the page. `begins` are the values with which it is chosen at first, if it was
    asked for; `arguments` are those sizes that its constructor takes; `notes` are what must be said
    of it."""

    name: str
    family: str
    source: Source
    origin: str
    ledger: Ledger
    sizes: tuple[FreeSize, ...]
    published: tuple[Published, ...] = ()
    scores: tuple[Scored, ...] = ()
    measured: tuple[Measured, ...] = ()
    begins: Mapping[str, Any] | None = None
    arguments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.name}, free in {', '.join(s.name for s in self.sizes) or '-'}")


@dataclass(frozen=True)
class Exploration:
    """All networks of a page, and the devices on which it predicts times."""

    networks: tuple[Explored, ...] = ()
    devices: tuple[Device, ...] = ()

    def __repr__(self) -> str:
        return short(self, number_of(self.networks, "network"))


def explore(
    targets: Sequence[str | Target] = (),
    given: Given | None = None,
    *,
    devices: Sequence[Device] | None = None,
    only: bool = False,
    tell: Tell = lambda done, of: None,
) -> Exploration:
    """The targets, which the page shows first, and the catalogue, unless `only` they are wanted.

    A network that is not of the catalogue is traced in free sizes of its image, and one of your own
    in arguments of its constructor too, or at numbers where its code cannot take a symbol. `given`
    has their sizes and arguments; `devices` are those that come with flopscope, unless others are
    given; `tell` hears how many networks are done. Raises BadInput where `only` is set without a
    target or two devices have one name, and as `profile` does.
    """
    given = given or Given()
    if only and not targets:
        raise BadInput(
            "the page would be empty: --only leaves the catalogue out, and no target is given; "
            "name one, such as mobilenetv2, or leave --only out"
        )
    known = _distinct([device_of(n) for n in device_names()] if devices is None else devices)
    asked = made([t if isinstance(t, Target) else parse_target(t) for t in targets], given)
    names = [] if only else [name for name in MODELS if name not in _plain(asked)]
    found = []
    for number, target in enumerate([*asked, *map(_of_name, names)], start=1):
        found.append(_explored(target, given, known, chosen=number <= len(asked)))
        tell(number, len(asked) + len(names))
    return Exploration(_merged(found), known)


def _distinct(devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices, each once. Raises BadInput for two different ones of one name."""
    found: dict[str, Device] = {}
    for each in devices:
        if found.setdefault(each.name, each) != each:
            raise BadInput(
                f"two devices have the name {each.name}, by which the page tells them apart; give "
                "one of the files another name"
            )
    return tuple(found.values())


def _of_name(name: str) -> Target:
    return of_variant(parse(name))


def _plain(targets: Iterable[Target]) -> set[str]:
    """The catalogue's names of those targets that its own entries would repeat."""
    return {t.variant.model.id for t in targets if t.variant is not None and not _fixed(t.variant)}


def _merged(found: Sequence[Explored]) -> tuple[Explored, ...]:
    """Each network once, by name; a second one of a name gets a number."""
    taken: dict[str, int] = {}
    kept = []
    for each in found:
        taken[each.name] = count = taken.get(each.name, 0) + 1
        kept.append(each if count == 1 else replace(each, name=f"{each.name} ({count})"))
    return tuple(kept)


def _explored(target: Target, given: Given, devices: Sequence[Device], *, chosen: bool) -> Explored:
    if target.variant is not None:
        return _of_catalog(target.variant, given, devices, chosen=chosen)
    return _of_own(target, given)


# --- the catalogue ----------------------------------------------------------------------------


def _fixed(variant: Variant) -> dict[str, Any]:
    """The options that a formula has no symbol for, where they are not the usual ones."""
    usual = {option.name: option.default for option in variant.model.options}
    return {
        name: value
        for name, value in variant.options
        if name not in (*FREE_NAMES, "rho") and value != usual[name]
    }


def _of_catalog(
    variant: Variant, given: Given, devices: Sequence[Device], *, chosen: bool
) -> Explored:
    model, fixed, stated = variant.model, _fixed(variant), dict(variant.options)
    network = Variant(model, tuple(fixed.items()))
    free = {o.name: o.default for o in model.options if o.name in FREE_NAMES}
    ledger = network.free_ledger(**{name: FREE[name] for name in free})
    begins = None
    if chosen:
        begins = {name: stated[name] for name in free if name in stated}
        height, width = variant.resolution(given.res) or (None, None)
        sides = {} if height is None else {"H": height, "W": width}
        begins |= sides | ({"B": given.batch} if given.batch != 1 else {})
    usual: dict[str, Any] = {"B": 1, "H": model.resolution, "W": model.resolution, **free}
    sizes = [FreeSize(s, usual[s.name]) for s in _symbols(ledger, network.sizes)]
    return Explored(
        str(network), model.family, Source.CATALOG, str(model.paper), ledger, tuple(sizes),
        tuple(published(network)), tuple(scored(network)),
        tuple(measured_on(devices, network)), begins,
    )  # fmt: skip


def _symbols(ledger: Ledger, inputs: Iterable[str]) -> list[Symbol]:
    """The symbols of rows and conditions, the sizes of the input first."""
    found = ledger.symbols().union(*(c.symbols() for c in ledger.conditions))
    order = [*FREE_NAMES, *inputs]
    first = {name: place for place, name in enumerate(dict.fromkeys(order))}
    return sorted(found, key=lambda s: (first.get(s.name, len(first)), s.name))


# --- networks of one's own --------------------------------------------------------------------


def _of_own(target: Target, given: Given) -> Explored:
    found = _traced(target, given)
    example = _numbers(target, given)
    values = {**example, **found.arguments}
    sizes = tuple(
        FreeSize(s, max(values.get(s.name, s.lower), s.lower))
        for s in _symbols(found.ledger, example)
    )
    notes = found.notes
    if not sizes:
        notes += (f"{target.name} has no free size: its sizes are those at which it was traced.",)
    origin = {Source.ONNX: "an ONNX file", Source.OWN: "a network of your own"}
    return Explored(
        target.name,
        "your own",
        target.source,
        origin.get(target.source, f"a network of {target.source.value}"),
        found.ledger,
        sizes,
        begins={s.name: s.usual for s in sizes},
        arguments=tuple(found.arguments),
        notes=notes,
    )


def _traced(target: Target, given: Given) -> Made:
    """The network in free sizes of its image and in arguments of its constructor, else in the sizes
    alone, else at numbers with the reason."""
    if target.is_graph or given.inputs:
        inputs = target.given(given.inputs, given.res, given.batch)
        return _as_made(profile(target, inputs, None, given.example))
    height, width = _side(target, given)
    image = InputSpec(None, (symbol("B"), CHANNELS, symbol("H"), symbol("W")))
    example = {"B": max(given.batch, 2), "H": height, "W": width}
    if found := made_from_symbols(target, image, example):
        return found
    try:
        return _as_made(profile(target, (image,), None, example))
    except FlopscopeError as error:
        numbers = InputSpec(None, (given.batch, CHANNELS, height, width))
        at_numbers = _as_made(profile(target, (numbers,)))
        return at_numbers._replace(
            notes=(f"Its code takes no free sizes: {error}.", *at_numbers.notes)
        )


def _as_made(found: Profile) -> Made:
    return Made(
        found.ledger, {}, tuple(f"A size is a number here: {each}." for each in found.fixed)
    )


def _side(target: Target, given: Given) -> tuple[int, int]:
    size = given.res or target.native() or SIDE
    return size if isinstance(size, tuple) else (size, size)


def _numbers(target: Target, given: Given) -> dict[str, int]:
    """The values at which the free sizes of a network of one's own begin."""
    if target.is_graph or given.inputs:
        named = {str(n) for each in given.inputs if isinstance(each, InputSpec) for n in each.shape
                 if is_symbolic(n)}  # fmt: skip
        return {"B": given.batch, **dict.fromkeys(named, 1), "H": SIDE, "W": SIDE, **given.example}
    height, width = _side(target, given)
    return {"B": given.batch, "H": height, "W": width}
