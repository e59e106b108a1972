"""Budgets solved backwards: the largest design of a network that keeps them all.

Along one axis a network's cost is a staircase, for widths round to channels and sizes to grids. The
answer is the last step below the budget, found on the staircase itself; beside it stands the
solution of the idealised law, whose roundings are dropped. Along several axes the answer is a
frontier: for tidy values of all but one, the largest of the last. It is found for all values at
once where the last axis has stairs of its own (`frontier`), as in every network of the catalogue.
A network of one's own, and axes that all have values, are counted at every design (`tried`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from flopscope.answers.counting import Tell
from flopscope.answers.making import target_of
from flopscope.answers.ranges import Free, read_ranges
from flopscope.answers.spaces import CatalogSpace, Fixed, space_of
from flopscope.answers.target import Target
from flopscope.catalog.variant import check_size
from flopscope.choosing.axes import Axis, axis_of, in_order
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Design, Designs, Sizes, depends
from flopscope.choosing.frontier import PATIENCE, frontier
from flopscope.choosing.solution import Solution
from flopscope.choosing.staircase import Staircase
from flopscope.choosing.tried import tried
from flopscope.errors import BadInput
from flopscope.facts import InputSpec

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Solution", "check_budgets", "solve"]


def solve(
    model: str | nn.Module | Callable[..., nn.Module] | Target,
    budgets: Sequence[Budget],
    free: Free,
    *,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    step: int | None = None,
    inputs: Sequence[str | InputSpec] = (),
    arguments: Mapping[str, Any] | None = None,
    examples: Mapping[str, int] | None = None,
    tell: Tell = lambda _, __: None,
) -> Solution:
    """The largest designs of a network that keep every budget.

    `free` names axes: res (a square input), batch, and options of a catalogue model or arguments of
    the constructor of a network of one's own, with values or without, as in "width=0.25:2:0.05".
    Resolutions beside another free axis are multiples of `step`, which is 32 unless given; depths
    of the catalogue are then multiples of 0.1. `inputs`, `arguments` and `examples` are those of a
    target; `tell` hears how many designs are counted.

    Raises BadInput if there is no budget or two bound the same quantity, for a size that is given
    and free at once, and for an axis along which the budgets do not bind; UnknownName for a model
    or axis that does not exist.

    >>> from flopscope.choosing.budgets import Budget
    >>> (largest,) = solve("mobilenetv2", [Budget("macs", 300_774_272)], ["res"]).designs
    >>> largest.sizes["res"], largest.counts["macs"]
    (224, 300774272)
    """
    target = target_of(model)
    fixed = Fixed(res, batch, tuple(inputs), arguments or {}, examples or {})
    space = space_of(target, fixed)
    ranges = in_order(space.checked(read_ranges(free)))
    check_budgets(budgets)
    if step is not None:
        check_size("step", step, "such as 32")
    if isinstance(space, CatalogSpace) and not all(each.values for each in ranges):
        return _closed(space, budgets, tuple(axis_of(each, step) for each in ranges))
    return tried(space, budgets, ranges, step, tell)


def _closed(space: CatalogSpace, budgets: Sequence[Budget], axes: tuple[Axis, ...]) -> Solution:
    """The largest designs by the closed form."""
    variant = space.variant
    asked = [budget.of for budget in budgets]
    designs = Designs(variant, axes, space.shape, space.batch or 1, asked)
    _require_binding(designs, budgets)
    found = _largest(designs, budgets)
    beyond = least = None
    if not found:
        least = _least(designs, axes, {})
    elif len(axes) == 1:
        beyond = Staircase(designs, budgets, axes[0], {}).after(found[0])
    usual = {axis.name: space.usual(axis.name) for axis in axes}
    words = space.words(usual)
    return Solution(
        space.target, axes, designs.resolution, space.batch, words, tuple(budgets), found, usual,
        beyond, least,
    )  # fmt: skip


def check_budgets(budgets: Sequence[Budget]) -> None:
    """Raises BadInput if there is no budget, or if two bound the same quantity."""
    if not budgets:
        raise BadInput("no budget is given; give one, such as --macs 150M")
    bounded = [budget.quantity for budget in budgets]
    for quantity in bounded:
        if bounded.count(quantity) > 1:
            raise BadInput(f"{quantity} has two budgets; give the smaller one")


def _require_binding(designs: Designs, budgets: Sequence[Budget]) -> None:
    """Raises BadInput for an axis on which nothing that is bounded depends."""
    for axis in designs.axes:
        formulas = (designs.formulas[b.quantity] for b in budgets)
        if not any(depends(formula, axis) for formula in formulas):
            bounded = " and ".join(b.of.noun for b in budgets)
            raise BadInput(
                f"{bounded} of {designs.variant} do not depend on {axis.name}, so that no budget "
                "bounds it; bound another quantity, or leave it out"
            )


def _largest(designs: Designs, budgets: Sequence[Budget]) -> tuple[Design, ...]:
    """The designs that keep the budgets: all at once, or one by one where that is not possible."""
    at_once = frontier(designs, budgets) if len(designs.axes) > 1 else None
    if at_once is not None:
        return tuple(at_once.found())
    return tuple(_frontier(designs, budgets, designs.axes, {}))


def _frontier(
    designs: Designs, budgets: Sequence[Budget], axes: Sequence[Axis], fixed: Sizes
) -> Iterator[Design]:
    """The largest design along the last axis, for each round value of the outer axes."""
    first, *inner = axes
    if not inner:
        largest = Staircase(designs, budgets, first, fixed).largest()
        if largest is not None:
            yield largest
        return
    found = False
    for place, value in enumerate(first.tidy(), start=1):
        part = list(_frontier(designs, budgets, inner, {**fixed, first.name: value}))
        yield from part
        # Costs grow along every axis, so no design after the first that breaks the budgets keeps
        # them.
        if not part and (found or place == PATIENCE):
            return
        found = found or bool(part)


def _least(designs: Designs, axes: Sequence[Axis], fixed: Sizes) -> Design:
    """The design at the least round values, and the least value of the last axis, for which there
    is one.

    Raises BadInput if there is none at the first round values.
    """
    first, *inner = axes
    if not inner:
        return Staircase(designs, (), first, fixed).first()
    for value in islice(first.tidy(), PATIENCE):
        try:
            return _least(designs, inner, {**fixed, first.name: value})
        except BadInput:
            continue
    raise BadInput(f"{designs.variant} has no design at any {first.name} that was tried")
