"""How the axes of a tensor lie in memory, as far as that decides whether elements must move.

A layout names the axes from the outermost in memory to the innermost, so it is the same for all
sizes, free ones too. An axis that happens to have size 1 is treated as any other, because a batch
of one is counted as a batch of many is; torch does without some copies at such sizes. Only axes of
size 1 that a network makes itself lie nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flopscope.facts import Movement
from flopscope.sizes import Shape, Size, is_symbolic
from flopscope.symbolic import substitute

BREAK = None
"""Stands between two axes where the memory has elements that the tensor leaves out."""

Order: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True)
class Layout:
    """The axes of a tensor in memory, outermost first. `spread` are axes along which the same
    elements are seen again. An axis in neither has one position only, and lies nowhere."""

    rank: int
    order: Order
    spread: frozenset[int] = frozenset()

    @property
    def axes(self) -> list[int]:
        """The axes that lie in memory, outermost first."""
        return [axis for axis in self.order if axis is not BREAK]

    @property
    def contiguous(self) -> bool:
        """Do the elements lie in the order of the axes, without gaps?"""
        return not self.spread and BREAK not in self.order and self.axes == sorted(self.axes)

    @property
    def plain(self) -> bool:
        """Is it contiguous, and is nothing known of axes with one position only?"""
        return len(self.order) == self.rank and self.contiguous

    @property
    def movement(self) -> Movement:
        """What writing the elements densely in the order of the axes does."""
        if self.spread:
            return Movement.REPEAT
        return Movement.SLICE if self.axes == sorted(self.axes) else Movement.PERMUTE

    @property
    def written(self) -> Layout:
        """The layout of a new tensor whose axes lie in the same order."""
        return Layout(self.rank, tuple(self.axes))

    @property
    def in_order(self) -> Layout:
        """The layout of a new contiguous tensor of its shape."""
        return Layout(self.rank, tuple(sorted({*self.axes, *self.spread})))

    def merges(self, axes: Sequence[int]) -> bool:
        """Can these neighbouring axes be seen as one?"""
        lying = [axis for axis in axes if axis in self.order or axis in self.spread]
        if len(lying) < 2 or set(lying) <= self.spread:
            return True
        if self.spread.intersection(lying):
            return False
        start = self.order.index(lying[0])
        return list(self.order[start : start + len(lying)]) == lying


def dense(rank: int) -> Layout:
    """The layout of a contiguous tensor."""
    return Layout(rank, tuple(range(rank)))


def settled(order: Sequence[int | None], rank: int, spread: frozenset[int]) -> Layout:
    """A layout without breaks that change nothing: the first, and one after another."""
    kept: list[int | None] = []
    for axis in order:
        if axis is not BREAK or (kept and kept[-1] is not BREAK):
            kept.append(axis)
    return Layout(rank, tuple(kept), spread)


def _renumbered(layout: Layout, rank: int, number: Callable[[int], int]) -> Layout:
    order = tuple(axis if axis is BREAK else number(axis) for axis in layout.order)
    return Layout(rank, order, frozenset(map(number, layout.spread)))


def permuted(layout: Layout, axes: Sequence[int]) -> Layout:
    """Axis n of the result is axis `axes[n]`."""
    places = {axis % layout.rank: n for n, axis in enumerate(axes)}
    return _renumbered(layout, layout.rank, places.__getitem__)


def with_axis(layout: Layout, at: int) -> Layout:
    """A new axis of one position."""
    return _renumbered(layout, layout.rank + 1, lambda axis: axis + (axis >= at))


def without(layout: Layout, axis: int, *, gap: bool) -> Layout:
    """One position of an axis, which is no axis of the result. Others are left out where it leaves
    a gap."""
    order: list[int | None] = []
    for other in layout.order:
        if other != axis:
            order.append(other if other is BREAK or other < axis else other - 1)
        elif gap:
            order.append(BREAK)
    spread = frozenset(other - (other > axis) for other in layout.spread if other != axis)
    return settled(order, layout.rank - 1, spread)


def sliced(layout: Layout, axis: int, *, step: bool = False) -> Layout:
    """A part of an axis; with a step, elements between its positions are left out too."""
    order: list[int | None] = []
    for other in layout.order:
        order += [other] if other != axis else [BREAK, axis, BREAK] if step else [BREAK, axis]
    return settled(order, layout.rank, layout.spread)


def spread_over(layout: Layout, rank: int, axes: Sequence[int]) -> Layout:
    """An expanded tensor: new axes stand first, and these axes of the result are spread."""
    new = rank - layout.rank
    moved = _renumbered(layout, rank, lambda axis: axis + new)
    order = [axis for axis in moved.order if axis not in axes]
    return settled(order, rank, moved.spread | frozenset(axes))


def in_windows(layout: Layout, axis: int, *, one: bool, whole: bool) -> Layout:
    """Windows along an axis, whose positions are a new last axis; `one` if there is one only, which
    may be the `whole` axis."""
    order: list[int | None] = []
    for other in layout.order:
        if other != axis:
            order.append(other)
        elif one:
            order += [layout.rank] if whole else [BREAK, layout.rank]
        else:
            order += [BREAK, axis, BREAK, layout.rank]
    return settled(order, layout.rank + 1, layout.spread)


def together(operands: Sequence[tuple[Shape, Layout]], output: Shape) -> Layout:
    """The layout of what is computed element by element from operands that are broadcast. As in
    torch's TensorIterator, two axes lie as in the first operand that has an order of them.

    Source: torch aten/src/ATen/TensorIterator.cpp, reorder_dimensions.
    """
    rank = len(output)
    depths = [_depths(shape, layout, output) for shape, layout in operands]
    axes = list(range(rank))[::-1]  # innermost first
    for start in range(1, rank):
        here = start
        for inner in range(start - 1, -1, -1):
            swap = _compared(depths, axes[inner], axes[here])
            if swap < 0:
                break
            if swap > 0:
                axes[inner], axes[here] = axes[here], axes[inner]
                here = inner
    lying = {axis for depth in depths for axis in depth}
    return Layout(rank, tuple(axis for axis in reversed(axes) if axis in lying))


def _depths(shape: Shape, layout: Layout, output: Shape) -> dict[int, int]:
    """How deep each axis of the result lies in an operand that has it."""
    new = len(output) - len(shape)
    return {
        axis + new: depth
        for depth, axis in enumerate(layout.axes)
        if _is_equal(shape[axis], output[axis + new])
    }


def _compared(depths: Sequence[Mapping[int, int]], inner: int, outer: int) -> int:
    """Whether two axes lie as they are named, −1, or the other way, 1; 0 if no operand says."""
    for depth in depths:
        if inner in depth and outer in depth:
            return -1 if depth[inner] > depth[outer] else 1
    return 0


def _is_equal(a: Size, b: Size) -> bool:
    return bool(a is b or a == b)


def viewed(layout: Layout, before: Shape, after: Shape) -> Layout | None:
    """The layout of a tensor seen in another shape; None where no view of its elements has it."""
    order, spread = list(layout.order), set[int]()
    placed: dict[int, list[int]] = {}
    for old, new in _blocks(before, after):
        if not layout.merges(old):
            return None
        lying = [axis for axis in old if axis in layout.order]
        if lying:
            placed[lying[0]] = new
            order = [axis for axis in order if axis not in lying[1:]]
        elif layout.spread.intersection(old):
            spread.update(new)
    found: list[int | None] = []
    for axis in order:
        found += [BREAK] if axis is BREAK else placed[axis]
    return settled(found, len(after), frozenset(spread))


def _blocks(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]]:
    """Axes before and after that have as many elements, in the smallest blocks."""
    blocks: list[tuple[list[int], list[int]]] = []
    old: list[int] = []
    new: list[int] = []
    i = j = 0
    left: Size = 1
    right: Size = 1  # the elements on both sides of the open block
    while i < len(before) or j < len(after):
        if i < len(before) and (not old or j == len(after) or (new and _is_less(left, right))):
            left, old, i = left * before[i], [*old, i], i + 1
        else:
            right, new, j = right * after[j], [*new, j], j + 1
        if old and new and left == right:
            blocks.append((old, new))
            old, new, left, right = [], [], 1, 1
    if (old and new) or not blocks:
        blocks.append((old, new))
    else:  # axes of size 1 that are left over
        blocks[-1] = (blocks[-1][0] + old, blocks[-1][1] + new)
    return blocks


MANY = 2**10 * 3**3 * 5**2 * 7
"""Stands for every free size where it matters which of two products of sizes is smaller."""


def _is_less(left: Size, right: Size) -> bool:
    return _number(left) < _number(right)


def _number(size: Size) -> int:
    if not is_symbolic(size):
        return int(size)
    return int(substitute(size, {symbol.name: MANY for symbol in size.symbols()}))
