"""Budgets solved backwards: the largest design of a network that keeps them all.

Along one axis a network's cost is a staircase, for widths round to channels and sizes to grids. The
answer is the last step below the budget, found on the staircase itself; beside it stands the
solution of the idealised law, whose roundings are dropped. Along several axes the answer is a
frontier: for tidy values of all but one, the largest of the last. It is found for all values at
once where the last axis has stairs of its own (`frontier`), as in every network of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import log

from flopscope.answers.target import variant_of
from flopscope.brief import short
from flopscope.catalog.variant import Resolution, Variant, check_size
from flopscope.errors import BadInput
from flopscope.quantities import Quantity
from flopscope.search.axes import Axis, chosen
from flopscope.search.budgets import Budget
from flopscope.search.designs import Design, Designs, Sizes, counted, depends
from flopscope.search.frontier import PATIENCE, frontier
from flopscope.search.staircase import Staircase


@dataclass(frozen=True)
class Solution:
    """`designs` are those that keep `budgets`, in the order of the outer axes.

    `beyond` is the next design along a single free axis, the first that breaks a budget; None if
    there is no larger design. `least` is the smallest design, if none keeps the budgets.
    """

    variant: Variant
    axes: tuple[Axis, ...]
    resolution: Resolution | None
    batch: int
    budgets: tuple[Budget, ...]
    designs: tuple[Design, ...]
    beyond: Design | None = None
    least: Design | None = None

    def __repr__(self) -> str:
        budgets = " and ".join(map(str, self.budgets))
        return short(self, f"{self.variant}: {len(self.designs)} within {budgets}")

    @property
    def quantities(self) -> list[Quantity]:
        """The quantities in which the designs are counted."""
        return counted([budget.quantity for budget in self.budgets])

    def share(self, design: Design) -> Fraction:
        """The share that it uses of the budget that it comes nearest to using up."""
        return max(Fraction(design.counts[b.quantity], b.limit) for b in self.budgets)

    def nearest(self, number: int) -> tuple[Design, ...]:
        """The designs nearest to the published network, by the logarithms of their sizes.

        Most designs of a frontier are one-sided: very wide on tiny inputs, or the reverse.
        """
        published = {axis.name: axis.published(self.variant) for axis in self.axes}

        def distance(design: Design) -> float:
            return sum(log(value / published[name]) ** 2 for name, value in design.sizes.items())

        # Layers are rounded too, so neighbouring depths may give the same network, which is shown
        # once.
        different = {tuple(d.counts.values()): d for d in sorted(self.designs, key=distance)[::-1]}
        near = sorted(different.values(), key=distance)[:number]
        return tuple(design for design in self.designs if design in near)


def solve(
    model: str,
    budgets: Sequence[Budget],
    free: Sequence[str],
    *,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    step: int | None = None,
) -> Solution:
    """The largest designs of a catalogue model that keep every budget.

    `free` names axes: res (a square input), width, depth, batch, classes. Resolutions beside
    another free axis are multiples of `step`, which is 32 unless given; depths are then multiples
    of 0.1.

    Raises BadInput if there is no budget or two bound the same quantity, for a size that is given
    and free at once, and for an axis along which the budgets do not bind; UnknownName for a model
    or axis that does not exist.

    >>> from flopscope.search.budgets import Budget
    >>> (largest,) = solve("mobilenetv2", [Budget("macs", 300_774_272)], ["res"]).designs
    >>> largest.sizes["res"], largest.counts["macs"]
    (224, 300774272)
    """
    variant = variant_of(model)
    axes = chosen(variant, free, step)
    check_budgets(budgets)
    for name, given in (("res", res), ("batch", batch)):
        if name in free and given is not None:
            raise BadInput(f"{name} is given and free at once; leave one of them out")
    batch = 1 if batch is None else batch
    check_size("batch", batch, "such as 1")
    asked = [budget.quantity for budget in budgets]
    designs = Designs(variant, axes, variant.resolution(res), batch, asked)
    _require_binding(designs, budgets)
    found = _largest(designs, budgets)
    beyond = least = None
    if not found:
        least = _least(designs, axes, {})
    elif len(axes) == 1:
        beyond = Staircase(designs, budgets, axes[0], {}).after(found[0])
    return Solution(variant, axes, designs.resolution, batch, tuple(budgets), found, beyond, least)


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
    for tried, value in enumerate(first.tidy(), start=1):
        part = list(_frontier(designs, budgets, inner, {**fixed, first.name: value}))
        yield from part
        # Costs grow along every axis, so no design after the first that breaks the budgets keeps
        # them.
        if not part and (found or tried == PATIENCE):
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
