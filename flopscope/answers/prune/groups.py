"""Which channels of a network can only be removed together.

A convolution makes channels; norms, activations and pools hand them on; an addition ties two sets
of them to each other. So each tensor of a trace has an axis of channels that belong to a group, and
so has each axis of a weight that must be cut with them. A group that meets something that mixes,
splits or moves its channels in another way is kept whole, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flopscope.answers.prune.channels import Axis, Group, Groups
from flopscope.facts import Kind, Operator, Weight
from flopscope.sizes import Shape

CONVOLUTIONS = (Kind.CONVOLUTION,)
NORMS = (Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING)
HANDED_ON = (
    Kind.ACTIVATION, Kind.ELEMENTWISE, Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE,
    Kind.GLOBAL_POOL, Kind.ADAPTIVE_POOL, Kind.RESIZE,
)  # fmt: skip
"""Kinds that treat each channel alone, and keep its place."""
TIED = (Kind.ADD, Kind.MULTIPLY, Kind.DIVIDE, Kind.COMPARE)
"""Kinds that bring several tensors together channel by channel."""


def groups_of(rows: Sequence[Operator]) -> Groups:
    """The groups of a traced forward pass at numbers."""
    found = _Finding()
    for row in rows:
        if row.kind is not Kind.STORED:
            found.take(row)
    read = {tensor for row in rows for tensor in row.reads}
    for row in rows:
        if row.id not in read and row.id in found.outputs:
            found.keep(found.outputs[row.id].group, "the network hands them out")
    return found.result()


@dataclass
class _Made:
    """What is known of a group as it is found."""

    width: int
    rows: list[Operator] = field(default_factory=list)
    whole: str = ""


class _Finding:
    """Walks the rows once and unites groups as they meet."""

    def __init__(self) -> None:
        self.outputs: dict[int, Axis] = {}
        self.inputs: dict[int, tuple[Axis | None, ...]] = {}
        self.weights: dict[tuple[str, int], Axis] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._parent: list[int] = []
        self._made: list[_Made] = []

    def take(self, row: Operator) -> None:
        """Enter one row."""
        given = self._given(row)
        self.inputs[row.id] = given
        self._shapes[row.id] = _sizes(row.output)
        if row.kind in CONVOLUTIONS:
            self._convolution(row, given)
        elif row.kind is Kind.LINEAR:
            self._linear(row, given)
        elif row.kind in NORMS:
            self._norm(row, given)
        elif row.kind in HANDED_ON:
            self._handed_on(row, given)
        elif row.kind in TIED:
            self._tied(row, given)
        else:
            self._mixed(row, given)

    def keep(self, group: int, why: str) -> None:
        """A group stays whole."""
        made = self._made[self._root(group)]
        made.whole = made.whole or why

    def result(self) -> Groups:
        """All that was found, with groups that were united as one."""
        roots = [n for n in range(len(self._made)) if self._root(n) == n]
        number = {root: place for place, root in enumerate(roots)}

        def known(axis: Axis | None) -> Axis | None:
            return axis and axis._replace(group=number[self._root(axis.group)])

        weights: dict[str, tuple[Axis, ...]] = {}
        for (key, _), axis in self.weights.items():
            weights[key] = (
                *weights.get(key, ()),
                axis._replace(group=number[self._root(axis.group)]),
            )
        outputs = {row: known(axis) for row, axis in self.outputs.items()}
        return Groups(
            {number[root]: _group(self._made[root], number[root]) for root in roots},
            {row: tuple(map(known, axes)) for row, axes in self.inputs.items()},
            {row: axis for row, axis in outputs.items() if axis is not None},
            weights,
        )

    # --- one kind of row each ---

    def _convolution(self, row: Operator, given: tuple[Axis | None, ...]) -> None:
        weight, depth = row.weights[0], int(row.groups)
        taken = given[0] if given else None
        if depth == 1:
            made = self._new(int(weight.shape[0]), row)
            if taken is not None:
                self._cut(weight, taken._replace(axis=1), row)
            self._make(row, made)
        elif taken is not None and depth == int(row.inputs[0][1]) and taken.axis == 1:
            often = taken.each * (int(weight.shape[0]) // depth)
            self._cut_all(row.weights, Axis(taken.group, 0, often), row)
            self.outputs[row.id] = Axis(taken.group, 1, often)
            self._made[self._root(taken.group)].rows.append(row)
        else:
            self._mixed(row, given, "a grouped convolution splits them")

    def _linear(self, row: Operator, given: tuple[Axis | None, ...]) -> None:
        weight = row.weights[0]
        taken = given[0] if given else None
        if taken is not None and taken.axis != len(row.inputs[0]) - 1:
            self.keep(taken.group, f"{_named(row)} mixes another axis")
        elif taken is not None:
            self._cut(weight, taken._replace(axis=1), row)
        made = self._new(int(weight.shape[0]), row)
        self._cut_all(row.weights, Axis(made, 0), row)
        self.outputs[row.id] = Axis(made, len(row.output) - 1)

    def _make(self, row: Operator, made: int) -> None:
        self._cut_all(row.weights, Axis(made, 0), row)
        self.outputs[row.id] = Axis(made, 1)

    def _norm(self, row: Operator, given: tuple[Axis | None, ...]) -> None:
        taken = given[0] if given else None
        if taken is None or taken.axis != 1:
            self._mixed(row, given)
            return
        self._cut_all((*row.weights, *row.buffers), taken._replace(axis=0), row)
        self.outputs[row.id] = taken

    def _handed_on(self, row: Operator, given: tuple[Axis | None, ...]) -> None:
        taken = given[0] if given else None
        rank = len(row.output)
        moved = taken is not None and (
            taken.axis >= rank or row.output[taken.axis] != row.inputs[0][taken.axis]
        )
        if taken is None or moved or len(row.inputs) != 1:
            self._mixed(row, given)
            return
        for weight in row.weights:  # such as the slopes of a PReLU, one for each channel
            wide = [axis for axis, size in enumerate(_sizes(weight.shape)) if size > 1]
            if len(wide) == 1:
                self._cut(weight, taken._replace(axis=wide[0]), row)
        self.outputs[row.id] = taken

    def _tied(self, row: Operator, given: tuple[Axis | None, ...]) -> None:
        """Tensors of one shape, or of one that is repeated; and weights along the channels."""
        known = [axis for axis in given if axis is not None]
        axes = {(_from_end(axis, shape), axis.each) for axis, shape in _with(given, row.inputs)}
        if len(axes) != 1 or not known:
            self._mixed(row, given)
            return
        ((from_end, each),) = axes
        width = int(row.output[-from_end])
        for axis, shape in zip(given, row.inputs, strict=True):
            across = int(shape[-from_end]) if len(shape) >= from_end else 1
            if axis is None and across != 1:
                self._mixed(row, given, f"{_named(row)} ties them to what no layer makes")
                return
        first = known[0].group
        for axis, shape in _with(given, row.inputs):
            if int(shape[-from_end]) != width:
                self._mixed(row, given)
                return
            self._unite(first, axis.group)
        for weight in (*row.weights, *row.buffers):
            if len(weight.shape) >= from_end and int(weight.shape[-from_end]) == width > 1:
                self._cut(weight, Axis(first, len(weight.shape) - from_end, each), row)
        self.outputs[row.id] = Axis(first, len(row.output) - from_end, each)

    def _mixed(self, row: Operator, given: tuple[Axis | None, ...], why: str = "") -> None:
        """A row whose channels are not followed: what it takes stays whole."""
        said = why or f"{row.kind.value} of {_named(row)} does not keep channels apart"
        for axis in given:
            if axis is not None:
                self.keep(axis.group, said)
        for weight in (*row.weights, *row.buffers):
            for axis_number in range(len(weight.shape)):
                if (weight.key, axis_number) in self.weights:
                    self.keep(self.weights[weight.key, axis_number].group, said)

    # --- groups ---

    def _given(self, row: Operator) -> tuple[Axis | None, ...]:
        """The channels of each input of a row."""
        if len(row.reads) == len(row.inputs):
            pairs = zip(row.reads, row.inputs, strict=True)
            return tuple(self._seen(tensor, _sizes(shape)) for tensor, shape in pairs)
        for tensor in row.reads:  # it is not known which input is which
            if tensor in self.outputs:
                self.keep(self.outputs[tensor].group, f"{_named(row)} takes more than is followed")
        return (None,) * len(row.inputs)

    def _seen(self, tensor: int, seen: tuple[int, ...]) -> Axis | None:
        """The channels of a tensor as a row sees it, which may be a view."""
        axis = self.outputs.get(tensor)
        if axis is None:
            return None
        made = self._shapes[tensor]
        if made == seen:
            return axis
        after = made[axis.axis + 1 :]
        if axis.axis == 1 and seen[:1] == made[:1]:
            inside = 1
            for size in after:
                inside *= size
            if len(seen) == 2 and seen[1] == made[1] * inside:
                return Axis(axis.group, 1, axis.each * inside)
            if inside == 1 and len(seen) > 1 and seen[1] == made[1] and set(seen[2:]) <= {1}:
                return axis
        self.keep(axis.group, "they are seen in another shape")
        return None

    def _new(self, width: int, row: Operator) -> int:
        self._parent.append(len(self._parent))
        self._made.append(_Made(width, [row]))
        return len(self._made) - 1

    def _root(self, group: int) -> int:
        while self._parent[group] != group:
            group = self._parent[group]
        return group

    def _unite(self, one: int, other: int) -> None:
        one, other = sorted((self._root(one), self._root(other)))
        if one == other:
            return
        self._parent[other] = one
        self._made[one].rows += self._made[other].rows
        self._made[one].whole = self._made[one].whole or self._made[other].whole

    def _cut_all(self, weights: Iterable[Weight], axis: Axis, row: Operator) -> None:
        for weight in weights:
            self._cut(weight, axis, row)

    def _cut(self, weight: Weight, axis: Axis, row: Operator) -> None:
        """A weight is cut along an axis with a group; two layers that share it tie their groups."""
        before = self.weights.setdefault((weight.key, axis.axis), axis)
        if before.each != axis.each or not weight.key:
            self.keep(before.group, f"{_named(row)} shares its weights")
            self.keep(axis.group, f"{_named(row)} shares its weights")
        else:
            self._unite(before.group, axis.group)


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(map(int, shape))


def _with(
    given: Sequence[Axis | None], shapes: Sequence[Shape]
) -> list[tuple[Axis, tuple[int, ...]]]:
    pairs = zip(given, shapes, strict=True)
    return [(axis, _sizes(shape)) for axis, shape in pairs if axis is not None]


def _from_end(axis: Axis, shape: Sequence[int]) -> int:
    return len(shape) - axis.axis


def _named(row: Operator) -> str:
    return row.path or f"the {row.kind.value}"


def _group(made: _Made, number: int) -> Group:
    layers = dict.fromkeys(row.path for row in made.rows)
    makers = dict.fromkeys(row.weights[0].key for row in made.rows if int(row.groups) == 1)
    name = next(iter(layers)) or f"group {number + 1}"
    return Group(name, made.width, tuple(layers), tuple(makers), made.whole)
