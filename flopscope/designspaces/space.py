"""A design space: its slots, and the network that a design gives, as a closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.analytic.tape import Feature, record
from flopscope.brief import number_of, short
from flopscope.designspaces.slots import FREE, NONE, Design, Move, Slot, State
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn

Choices: TypeAlias = Mapping[str, str]
"""The option of each slot, by the name of the slot."""


@dataclass(frozen=True)
class DesignSpace:
    """Networks that differ in choices.

    `network` is written like every closed form, and takes the choices beside its input; the rows of
    a slot have the slot's name in their path. `source` cites where the space is defined. `res` and
    `channels` are the side and the channels of its image. `encoded` says what its authors write
    down for each network, where that is more than the network. `module` names the file of
    `reference_models` whose function `network` makes the same in PyTorch. `keys` names the blocks
    of a design, by slot, in tables of latencies at a resolution. `measured` is a file of published
    accuracies that comes with the space. `canonical` gives the one design that stands for those
    that are the same network.
    """

    name: str
    network: Callable[[Feature, Choices], Any]
    slots: tuple[Slot, ...]
    source: str
    res: int = 224
    channels: int = 3
    encoded: str = ""
    module: str = ""
    keys: Callable[[Choices, int], Mapping[str, str]] | None = None
    measured: Path | None = None
    canonical: Callable[[Design], Design] = field(default=lambda design: design)

    def __post_init__(self) -> None:
        names = [slot.name for slot in self.slots]
        if not names:
            raise BadInput(f"the design space {self.name} has no slots; give it at least one")
        if len(set(names)) < len(names):
            raise BadInput(f"the design space {self.name} has two slots of one name")
        if not self.networks:
            raise BadInput(
                f"no design of the space {self.name} reaches its last slot; check the states in "
                "which its moves begin"
            )

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {number_of(self.slots, 'slot')}")

    # --- how many there are ---

    @cached_property
    def networks(self) -> int:
        """The number of distinct networks."""
        return self.paths(0)[0].get(FREE, 0)

    @cached_property
    def encodings(self) -> int:
        """The number of ways in which its authors write networks down."""
        return self.paths(1)[0].get(FREE, 0)

    def paths(self, power: int) -> list[dict[State, int]]:
        """For each slot, and after the last one, the designs of the rest by the state before it,
        each counted `ways` to this power times."""
        ends = {move.after for move in self.slots[-1].moves}
        rest: list[dict[State, int]] = [dict.fromkeys(ends, 1)]
        for slot in reversed(self.slots):
            here: dict[State, int] = {}
            for move in slot.moves:
                more = move.ways**power * rest[0].get(move.after, 0)
                here[move.before] = here.get(move.before, 0) + more
            rest.insert(0, here)
        return rest

    @cached_property
    def stages(self) -> tuple[tuple[str, tuple[Slot, ...]], ...]:
        """The slots by the first part of their names."""
        grouped = groupby(self.slots, key=lambda slot: slot.stage)
        return tuple((stage, tuple(slots)) for stage, slots in grouped)

    # --- designs ---

    def moves(self, design: Design) -> tuple[Move, ...]:
        """The moves of a design. Raises BadInput for a design that is not of this space."""
        if len(design) != len(self.slots):
            raise BadInput(
                f"a design of {self.name} has {len(self.slots)} choices, and this one has "
                f"{len(design)}"
            )
        state, found = FREE, []
        for slot, option in zip(self.slots, design, strict=True):
            move = slot.move(state, option)
            if move is None:
                raise self._refusal(slot, state, option)
            found.append(move)
            state = move.after
        return tuple(found)

    def _refusal(self, slot: Slot, state: State, option: str) -> Exception:
        known = [move.option for move in slot.moves if move.before == state]
        if option not in slot.options:
            return UnknownName(f"option of {slot.name}", option, slot.options)
        return BadInput(
            f"{slot.name} cannot be {option} here, after the choices before it; it can be "
            f"{', '.join(known)}"
        )

    def open(self, index: int, state: State) -> list[Move]:
        """The moves that a slot offers in a state, and from which the last slot can be reached."""
        rest = self._rest[index + 1]
        moves = self.slots[index].moves
        return [move for move in moves if move.before == state and rest.get(move.after)]

    def random(self, rng: Random) -> Design:
        """A design drawn uniformly from all networks."""
        return self._drawn(rng, self._rest)

    @cached_property
    def _rest(self) -> list[dict[State, int]]:
        return self.paths(0)

    def _drawn(self, rng: Random, rest: list[dict[State, int]]) -> Design:
        state, design = FREE, []
        for slot, after in zip(self.slots, rest[1:], strict=True):
            moves = [move for move in slot.moves if move.before == state]
            left = rng.randrange(sum(after.get(move.after, 0) for move in moves))
            for move in moves:
                left -= after.get(move.after, 0)
                if left < 0:
                    break
            design.append(move.option)
            state = move.after
        return tuple(design)

    def all(self) -> Iterator[Design]:
        """Every design, in order. Domain: spaces that are small enough to be listed."""

        def further(index: int, state: State) -> Iterator[Design]:
            if index == len(self.slots):
                yield ()
                return
            for move in self.open(index, state):
                for rest in further(index + 1, move.after):
                    yield (move.option, *rest)

        return further(0, FREE)

    # --- texts ---

    @cached_property
    def _compact(self) -> bool:
        return all(len(option) == 1 for slot in self.slots for option in slot.options)

    def text(self, design: Design) -> str:
        """A design in one line: the options of a stage with commas between them, stages apart; one
        word where every option is a single letter. What is left out is not written."""
        if self._compact:
            return "".join(design)
        parts, rest = [], list(design)
        for _, slots in self.stages:
            options, rest = rest[: len(slots)], rest[len(slots) :]
            parts.append(",".join(each for each in options if each != NONE) or NONE)
        return " ".join(parts)

    def design(self, text: str) -> Design:
        """The design that a text writes, in the order that tells networks apart. Raises BadInput or
        UnknownName for any other text."""
        text = text.strip()
        design = tuple(text) if self._compact else self._by_stage(text)
        design = self.canonical(design)
        self.moves(design)
        return design

    def _by_stage(self, text: str) -> Design:
        parts = text.split()
        if len(parts) != len(self.stages):
            raise BadInput(
                f"a design of {self.name} has {len(self.stages)} stages with blanks between them, "
                f"and '{text}' has {len(parts)}; one is '{self.example}'"
            )
        design: list[str] = []
        for part, (stage, slots) in zip(parts, self.stages, strict=True):
            options = [] if part == NONE else part.split(",")
            if len(options) > len(slots):
                raise BadInput(
                    f"{stage} of {self.name} has at most {len(slots)} choices, and '{part}' has "
                    f"{len(options)}"
                )
            design += [*options, *[NONE] * (len(slots) - len(options))]
        return tuple(design)

    @cached_property
    def example(self) -> str:
        """A design, as text."""
        return self.text(next(self.all()))

    def choices(self, design: Design) -> dict[str, str]:
        """The options by the names of their slots."""
        return {slot.name: option for slot, option in zip(self.slots, design, strict=True)}

    # --- networks ---

    def ledger(self, design: Design, res: int | None = None, batch: int = 1) -> Ledger:
        """The ledger of a design for images of this side, which is the space's own unless given.
        Raises BadInput for a design that is not of this space, OutsideDomain where the network does
        not exist."""
        self.moves(design)
        side = self.res if res is None else res
        choices = self.choices(design)
        return record(lambda x: self.network(x, choices), (batch, self.channels, side, side))

    def build(self, design: Design) -> nn.Module:
        """The PyTorch network of a design, with random weights. Raises BadInput where the space has
        no PyTorch twin, and where torch cannot be imported."""
        from importlib import import_module

        from flopscope.extras import require_witnesses

        if not self.module:
            raise BadInput(f"{self.name} has no PyTorch twin; its closed forms alone are known")
        self.moves(design)
        require_witnesses()
        made: nn.Module = import_module(f"reference_models.{self.module}").network(
            self.choices(design)
        )
        return made
