"""The networks of a table of measured latencies: each is found by its name, and its rows are those
at the batch with which it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flopscope.answers.counted import Given, counted
from flopscope.answers.profile import profile
from flopscope.answers.target import CHANNELS, Source, Target, parse_target
from flopscope.brief import number_of
from flopscope.catalog.names import TIMM, catalog_name
from flopscope.errors import BadInput, FlopscopeError
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.timing.measurement import Latency

TIMM_SOURCE = "huggingface/pytorch-image-models"
"""The source of tables whose names are timm's, whatever the catalogue has under the same names."""

SHOWN = 8
"""The most networks that a message names."""

Progress = Callable[[int, int], None]
Traces: TypeAlias = MutableMapping[tuple[str, tuple[int, int]], Ledger | None]
"""Ledgers with a free batch by the name of the target and the size of its image; None for a network
whose code needs to know its batch."""


@dataclass(frozen=True)
class Found:
    """A measured network and its rows."""

    latency: Latency
    target: Target
    rows: tuple[Operator, ...]


@dataclass(frozen=True)
class Networks:
    """The networks that were found, and the sentence for each one that was left out."""

    found: tuple[Found, ...]
    left_out: Mapping[str, str]


def networks(
    latencies: Sequence[Latency],
    *,
    skip_unknown: bool = False,
    progress: Progress = lambda done, of: None,
    traces: Traces | None = None,
) -> Networks:
    """The rows of every measured network.

    Models of the catalogue are counted from their closed forms, others are traced, once for each
    input size. Traces are taken from `traces`, if there are any, and added to it. Raises BadInput,
    which names them, for networks that nobody knows or that cannot be traced, unless those are
    skipped.
    """
    targets = _targets(latencies)
    unknown = {name: said for name, said in targets.items() if isinstance(said, str)}
    if not skip_unknown:
        _refuse(unknown, len(targets), "cannot be found")
    failed: dict[str, str] = {}
    tracer = _Tracer({} if traces is None else traces)
    found = []
    for done, latency in enumerate(latencies):
        progress(done, len(latencies))
        target = targets[_name(latency)]
        if isinstance(target, str):
            continue
        try:
            found.append(Found(latency, target, tracer.rows(target, latency)))
        except FlopscopeError as error:
            failed[_name(latency)] = str(error)
    if not skip_unknown:
        _refuse(failed, len(targets), "cannot be counted")
    return Networks(tuple(found), unknown | failed)


def _refuse(named: Mapping[str, str], of: int, what: str) -> None:
    """Raises BadInput that names these networks of so many, if there are any."""
    if not named:
        return
    some = ", ".join(list(named)[:SHOWN])
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    raise BadInput(
        f"of {number_of(range(of), 'network')} in the table {len(named)} {what}, {some}{more}: "
        f"{next(iter(named.values()))}; write targets such as mobilenetv2 or timm:resnet18, or "
        "give --skip-unknown to leave them out"
    )


def _name(latency: Latency) -> str:
    """The name by which a network of a table is looked up."""
    if latency.catalogue:
        return latency.catalogue
    if latency.source == TIMM_SOURCE:
        return TIMM.get(latency.model, f"timm:{latency.model}")
    if ":" in latency.model or catalog_name(latency.model):
        return latency.model
    return f"timm:{latency.model}"


def _targets(latencies: Sequence[Latency]) -> dict[str, Target | str]:
    """The target of each name, or the sentence that says why there is none."""
    found: dict[str, Target | str] = {}
    for name in dict.fromkeys(map(_name, latencies)):
        try:
            found[name] = _known(parse_target(name))
        except FlopscopeError as error:
            found[name] = str(error)
    return found


def _known(target: Target) -> Target:
    """The target, if its library has it. Raises UnknownName otherwise, BadInput without torch."""
    if target.source in (Source.TIMM, Source.TORCHVISION):
        target.native()
    return target


class _Tracer:
    """Traces each network once at each size of its image, with a batch that is free."""

    def __init__(self, traces: Traces) -> None:
        self._traced = traces

    def rows(self, target: Target, latency: Latency) -> tuple[Operator, ...]:
        """The rows of the run that was measured. Raises BadInput where it cannot be traced."""
        batch = latency.batch or 1
        if target.variant is not None or target.is_graph:
            return counted(target, Given(latency.resolution, batch)).ledger.rows
        size = latency.resolution or target.native()
        if size is None:
            raise BadInput(f"{target.name} does not state the size of its input; give a resolution")
        key = (target.name, size)
        if key not in self._traced:
            self._traced[key] = self._with_free_batch(target, size)
        free = self._traced[key]
        if free is not None:
            return free.at(B=batch).rows
        return _traced(target, str(batch), size).rows

    def _with_free_batch(self, target: Target, size: tuple[int, int]) -> Ledger | None:
        """The ledger with a free batch; None for a network whose code needs to know it."""
        try:
            found = _traced(target, "B", size)
        except BadInput:
            return None
        return found if {symbol.name for symbol in found.symbols()} == {"B"} else None


def _traced(target: Target, batch: str, size: tuple[int, int]) -> Ledger:
    """The trace at this input size. A network whose size is an argument of its maker gets it."""
    given = [f"{batch},{CHANNELS},{size[0]},{size[1]}"]
    first: BadInput | None = None
    for arguments in _arguments(target, size):
        try:
            return profile(target, given, arguments).ledger
        except BadInput as error:
            first = first or error
    assert first is not None
    raise first


def _arguments(target: Target, size: tuple[int, int]) -> Iterator[dict[str, object]]:
    yield {}
    if target.source is Source.TIMM:
        yield {"img_size": size}
