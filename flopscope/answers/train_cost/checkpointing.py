"""Checkpoints: which stretches of units to run again in the backward pass, so that what is kept
fits, at the least work.

Without checkpoints all units keep what they keep until the backward pass reaches them. A checkpoint
keeps the input of its stretch alone; when the backward pass reaches the stretch, it runs again and
keeps its inner tensors for as long. The search below goes from the first unit to the last and
remembers, at each place, the choices that no other beats in both bytes and work, so its answer is
the least work of all choices of stretches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from flopscope.answers.train_cost.units import Unit, kept_in_full
from flopscope.brief import short

Stretch: TypeAlias = tuple[int, int]
"""The first unit and the one behind the last."""


@dataclass(frozen=True)
class Plan:
    """The stretches that are run again, the most bytes that are kept at once for the backward pass,
    and the MACs of running them again, once in each step."""

    units: tuple[Unit, ...]
    stretches: tuple[Stretch, ...]
    kept: int
    macs: int

    def __repr__(self) -> str:
        return short(self, f"{len(self.stretches)} checkpoints, {self.kept:,} bytes")

    @property
    def names(self) -> list[str]:
        """The stretches by the modules that they begin and end with."""
        paths = [path for unit in self.units for path in {unit.first, unit.last}]
        found = []
        for first, end in self.stretches:
            one, other = self.units[first], self.units[end - 1]
            begin = _whole(one, paths) or one.first
            last = _whole(other, paths) or other.last
            found.append(begin if begin == last else f"{begin} to {last}")
        return found


def _whole(unit: Unit, paths: Sequence[str]) -> str:
    """The path of the module that the unit is all of; '' where there is none."""
    common = []
    for one, other in zip(unit.first.split("."), unit.last.split("."), strict=False):
        if one != other:
            break
        common.append(one)
    path = ".".join(common)
    inside = sum(f"{each}.".startswith(f"{path}.") for each in paths)
    return path if path and inside == len({unit.first, unit.last}) else ""


class _Choice(NamedTuple):
    """What was chosen up to a unit: the bytes that are held, the work, the most bytes so far, and
    the stretches, as a linked list."""

    held: int
    macs: int
    most: int
    stretches: tuple[Stretch, object] | None


def peak(units: Sequence[Unit], stretches: Sequence[Stretch]) -> int:
    """The most bytes that are kept at once, where these stretches are run again.

    >>> chain = [Unit("a", "a", 5, 0, 8), Unit("b", "b", 5, 2, 8, True), Unit("c", "c", 5, 2, 8)]
    >>> peak(chain, []), peak(chain, [(0, 1), (1, 3)]), peak(chain, [(0, 3)])
    (26, 18, 26)
    """
    return _walked(units, stretches).most


def held_after(units: Sequence[Unit], stretches: Sequence[Stretch]) -> int:
    """The bytes that are kept when the forward pass has ended."""
    return _walked(units, stretches).held


def _walked(units: Sequence[Unit], stretches: Sequence[Stretch]) -> _Choice:
    begins, choice, unit, result_held = dict(stretches), _Choice(0, 0, 0, None), 0, False
    while unit < len(units):
        end = begins.get(unit)
        if end is None:
            choice, result_held = _plain(units, unit, choice, result_held)
            unit += 1
        else:
            choice, result_held = _again(units, (unit, end), choice, result_held), False
            unit = end
    return choice


def _plain(
    units: Sequence[Unit], unit: int, before: _Choice, result_held: bool
) -> tuple[_Choice, bool]:
    one = units[unit]
    more = one.given if one.keeps_given and not result_held else 0
    result = units[unit + 1].given if one.keeps_result and unit + 1 < len(units) else 0
    held = before.held + more + one.inner + result
    return before._replace(held=held, most=max(before.most, held)), one.keeps_result


def _again(units: Sequence[Unit], stretch: Stretch, before: _Choice, result_held: bool) -> _Choice:
    first, end = stretch
    held = before.held + (0 if result_held else units[first].given)
    return _Choice(
        held,
        before.macs + sum(unit.macs for unit in units[first:end]),
        max(before.most, held + kept_within(units, stretch)),
        (stretch, before.stretches),
    )


def kept_within(units: Sequence[Unit], stretch: Stretch) -> int:
    """The bytes that a stretch keeps beside its input, while it runs again."""
    first, end = stretch
    inner = kept_in_full([units[first]._replace(given=0), *units[first + 1 : end]])
    handed_on = units[end - 1].keeps_result and end < len(units)
    return inner + (units[end].given if handed_on else 0)


def without_checkpoints(units: Sequence[Unit]) -> Plan:
    """The plan that runs nothing again."""
    return Plan(tuple(units), (), kept_in_full(units), 0)


def best_plan(units: Sequence[Unit], limit: int) -> Plan | None:
    """The stretches to run again so that at most so many bytes are kept, at the least work, and
    among equal ones with the fewest bytes; None where no choice keeps the limit.

    >>> chain = [Unit("a", "a", 5, 0, 8), Unit("b", "b", 5, 2, 8, True), Unit("c", "c", 5, 2, 8)]
    >>> [best_plan(chain, limit) and best_plan(chain, limit).names for limit in (26, 20, 12, 9)]
    [[], ['a'], ['a', 'b'], None]
    """
    if kept_in_full(units) <= limit:
        return without_checkpoints(units)
    total = len(units)
    fronts: list[dict[bool, list[_Choice]]] = [{} for _ in range(total + 1)]
    fronts[0] = {False: [_Choice(0, 0, 0, None)]}
    for unit in range(total):
        within = [kept_within(units, (unit, end)) for end in range(unit + 1, total + 1)]
        work = [sum(u.macs for u in units[unit:end]) for end in range(unit + 1, total + 1)]
        for result_held, choices in fronts[unit].items():
            for choice in _unbeaten(choices):
                plain, keeps = _plain(units, unit, choice, result_held)
                if plain.held <= limit:
                    fronts[unit + 1].setdefault(keeps, []).append(plain)
                held = choice.held + (0 if result_held else units[unit].given)
                for end, kept, macs in zip(range(unit + 1, total + 1), within, work, strict=True):
                    if held + kept > limit:
                        break  # a longer stretch keeps no less
                    stretches = ((unit, end), choice.stretches)
                    most = max(choice.most, held + kept)
                    again = _Choice(held, choice.macs + macs, most, stretches)
                    fronts[end].setdefault(False, []).append(again)
    ended = [choice for choices in fronts[total].values() for choice in choices]
    if not ended:
        return None
    best = min(ended, key=lambda choice: (choice.macs, choice.most))
    return Plan(tuple(units), tuple(_listed(best)), best.most, best.macs)


def least_kept(units: Sequence[Unit]) -> Plan:
    """The plan that keeps the fewest bytes, at the least work among those that do."""
    total = len(units)
    within = {
        (first, end): kept_within(units, (first, end))
        for first in range(total)
        for end in range(first + 1, total + 1)
    }
    low, high = 0, kept_in_full(units)
    while low < high:
        middle = (low + high) // 2
        if _fits(units, within, middle):
            high = middle
        else:
            low = middle + 1
    return best_plan(units, high) or without_checkpoints(units)


def _fits(units: Sequence[Unit], within: Mapping[Stretch, int], limit: int) -> bool:
    """Does any choice of stretches keep the limit? Only the fewest bytes held count for that."""
    total = len(units)
    least: list[dict[bool, int]] = [{} for _ in range(total + 1)]
    least[0] = {False: 0}
    for unit in range(total):
        for result_held, held in least[unit].items():
            plain, keeps = _plain(units, unit, _Choice(held, 0, 0, None), result_held)
            if plain.held <= limit:
                least[unit + 1][keeps] = min(plain.held, least[unit + 1].get(keeps, plain.held))
            again = held + (0 if result_held else units[unit].given)
            for end in range(unit + 1, total + 1):
                if again + within[unit, end] > limit:
                    break
                least[end][False] = min(again, least[end].get(False, again))
    return bool(least[total])


def _unbeaten(choices: Sequence[_Choice]) -> list[_Choice]:
    """The choices of which no other has as little of both bytes and work."""
    found: list[_Choice] = []
    for choice in sorted(choices, key=lambda c: (c.macs, c.held, c.most)):
        if not found or choice.held < found[-1].held:
            found.append(choice)
    return found


def _listed(choice: _Choice) -> list[Stretch]:
    found: list[Stretch] = []
    node = choice.stretches
    while node is not None:
        found.append(node[0])
        node = node[1]  # type: ignore[assignment]
    return found[::-1]
