"""The ledger: what a network does, row by row. It states facts, from which counts are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope import readings
from flopscope.brief import aligned, brief, number_of, short, sizes_text
from flopscope.domain import Condition, check_bindings, check_conditions
from flopscope.domain.given import Given, check_given, in_both, with_more
from flopscope.errors import check_name
from flopscope.extras import require_frames
from flopscope.facts import Arithmetic, Kind, Operator, Weight
from flopscope.quantities import Place, standing
from flopscope.readings import Reading
from flopscope.readings.liveness import forwarded
from flopscope.sizes import Shape, Size, is_symbolic
from flopscope.symbolic import Symbol, substitute

if TYPE_CHECKING:
    import pandas as pd

    from flopscope.timing.device import Device
    from flopscope.timing.roofline import Time


class Level(Enum):
    """What rows are grouped by: the leading parts of their paths, or the kind of operator."""

    STAGE = "stage"
    BLOCK = "block"
    LAYER = "layer"
    KIND = "kind"

    @classmethod
    def named(cls, name: str) -> Level:
        """The level of this name. Raises UnknownName for any other."""
        levels = {level.value: level for level in cls}
        check_name("level", name, levels)
        return levels[name]

    def key(self, row: Operator) -> str:
        """The group that a row belongs to."""
        if self is Level.KIND:
            return kind_name(row)
        if self is Level.LAYER:
            return row.path
        stage, *inner = row.path.split(".")
        # a layer straight below its stage (the stem's convolution) is in no block of its own
        return f"{stage}.{inner[0]}" if self is Level.BLOCK and len(inner) > 1 else stage


@dataclass(frozen=True)
class Ledger:
    """Rows in execution order, and the conditions under which they exist. `given` are the sizes
    that were replaced in them.

    Rows are immutable; every method returns a new ledger or a reading.
    """

    rows: tuple[Operator, ...]
    conditions: tuple[Condition, ...] = ()
    given: Given = field(default=(), compare=False)

    def __repr__(self) -> str:
        sizes = ", ".join(sorted(s.name for s in self.symbols()))
        said = f"free in {sizes}" if sizes else f"{self.params()}, {self.macs()}"
        return short(self, f"{number_of(self.rows, 'row')}, {said}")

    def __str__(self) -> str:
        headings = ("path", "kind", "output", "params", "MACs")
        rows = [
            (row.path, kind_name(row), sizes_text(row.output), *self._counts((row,)))
            for row in self.rows
        ]
        return aligned(headings, [*rows, ("total", "", "", *self._counts(self.rows))], numbers=2)

    def _counts(self, rows: Sequence[Operator]) -> tuple[str, ...]:
        """The parameters and MACs of rows, as text; a long formula is cut."""
        return tuple(
            ("" if found.complete else "≥ ") + (f"{n:,}" if type(n) is int else brief(str(n), 48))
            for found in (readings.params(rows), readings.macs(rows))
            for n in (found.value,)
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.rows)

    def __add__(self, other: Ledger) -> Ledger:
        """Both networks side by side. Neither reads the other's outputs, and no weights are
        shared."""
        rows = 1 + max((row.id for row in self.rows), default=-1)
        inputs = -min(
            (source for row in self.rows for source in row.reads if source < 0), default=0
        )
        moved = tuple(_renumbered(row, rows, inputs) for row in other.rows)
        given = in_both(self.given, other.given)
        return Ledger(self.rows + moved, self.conditions + other.conditions, given)

    def repeat(self, times: Size) -> Ledger:
        """`times` equal copies, each with weights of its own. The number may be a symbol."""
        rows = tuple(row._replace(repeat=row.repeat * times) for row in self.rows)
        return replace(self, rows=rows)

    def filter(self, keep: Callable[[Operator], bool]) -> Ledger:
        """The rows for which `keep` is true."""
        return replace(self, rows=tuple(row for row in self.rows if keep(row)))

    def group_by(self, level: Level | str) -> dict[str, Ledger]:
        """One ledger for each stage, block, layer or kind, in order of first appearance."""
        level = level if isinstance(level, Level) else Level.named(level)
        groups: dict[str, list[Operator]] = {}
        for row in self.rows:
            groups.setdefault(level.key(row), []).append(row)
        return {key: replace(self, rows=tuple(rows)) for key, rows in groups.items()}

    def symbols(self) -> frozenset[Symbol]:
        """Every free symbol of its shapes and multiplicities."""
        values = (value for row in self.rows for value in _sizes(row))
        return frozenset().union(*(v.symbols() for v in values if is_symbolic(v)))

    def at(self, **sizes: Any) -> Ledger:
        """The ledger with symbols replaced. Raises OutsideDomain where the network does not
        exist, BadInput for a size that has another value already."""
        check_given(self.given, sizes, "this ledger")
        known = [s for s in self.symbols() if s.name in sizes]
        check_bindings(known, sizes)
        check_conditions(self.conditions, sizes)
        rows = (_substituted(row, sizes) for row in self.rows)
        given = with_more(self.given, sizes)
        return Ledger(tuple(_present(rows)), self._conditions_at(sizes), given)

    def rewritten(self, rule: Callable[[Size], Size]) -> Ledger:
        """The ledger with `rule` applied to every size of every row."""
        return replace(self, rows=tuple(_mapped(row, rule) for row in self.rows))

    def _conditions_at(self, sizes: Mapping[str, Any]) -> tuple[Condition, ...]:
        open_conditions = (condition.at(sizes) for condition in self.conditions)
        return tuple(c for c in open_conditions if c.broken() is None)

    # --- readings ---

    def read(self, measure: Callable[[Sequence[Operator]], Reading]) -> Reading:
        """A reading of its rows, under its conditions."""
        reading = measure(self.rows)
        if not self.conditions and not self.given:
            return reading
        return replace(reading, conditions=self.conditions, given=self.given)

    def params(self) -> Reading:
        """Parameters, frozen ones included; a shared tensor counts once."""
        return self.read(readings.params)

    def active_params(self) -> Reading:
        """Parameters that one token uses; of experts, only those that it is sent to."""
        return self.read(readings.active_params)

    def trainable(self) -> Reading:
        """Parameters that are not frozen."""
        return self.read(readings.trainable)

    def buffers(self) -> Reading:
        """Elements that are stored and not learnt."""
        return self.read(readings.buffers)

    def macs(self) -> Reading:
        """Multiply-accumulates, convention `macs`."""
        return self.read(readings.macs)

    def flops(self, convention: str) -> Reading:
        """Work under a named convention, in its unit."""
        return self.read(partial(readings.flops, convention=convention))

    def activations(self, *, convolutions_only: bool = False) -> Reading:
        """Output elements of convolution, linear and matmul, as fvcore counts them, or of
        convolutions alone."""
        return self.read(partial(readings.activations, convolutions_only=convolutions_only))

    def weight_bytes(self, dtype: str | None = None) -> Reading:
        """Bytes of the parameters in their own types, or with floating-point numbers in `dtype`."""
        return self.read(partial(readings.weight_bytes, dtype=dtype))

    def traffic_bytes(self, dtype: str | None = None) -> Reading:
        """Bytes read and written, operator by operator."""
        return self.read(partial(readings.traffic_bytes, dtype=dtype))

    def peak_activation_bytes(self, dtype: str | None = None, *, fused: bool = True) -> Reading:
        """Largest sum of live activations."""
        return self.read(partial(readings.peak_activation_bytes, dtype=dtype, fused=fused))

    def time(self, device: Device | str) -> Time:
        """The time of a run on a device, given as such, by its name or as the path of its file.

        Raises BadInput where a size is free or the file is none, UnknownName for an unknown name.
        """
        from flopscope.timing.builtin import device_of
        from flopscope.timing.roofline import time_of

        return time_of(self.rows, device_of(device))

    @property
    def complete(self) -> bool:
        """Is every row of a known kind, so that MACs are exact?"""
        return all(row.kind is not Kind.UNKNOWN for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """A data frame with a line for each row: path, kind, shapes, and the quantities that tables
        show for parts of a network."""
        require_frames()
        import pandas as pd

        return pd.DataFrame([_record(row) for row in self.rows])


NAMED_BY_FUNCTION = (Kind.ACTIVATION, Kind.ELEMENTWISE, Kind.REDUCTION)


def kind_name(row: Operator) -> str:
    """What papers call the row's kind: a convolution is depthwise, pointwise, grouped or standard.
    A row of the backward pass is named by its arithmetic."""
    name = kind_or_function(row.kind, row.function)
    if row.backward:
        return f"{name} (backward)"
    if row.kind is not Kind.CONVOLUTION or row.window is None:
        return name
    channels = row.inputs[0][1]
    if not isinstance(row.groups, int) or row.groups != 1:
        return (
            "depthwise convolution"
            if row.groups is channels or row.groups == channels
            else "grouped convolution"
        )
    pointwise = all(isinstance(k, int) and k == 1 for k in row.window.kernel)
    return "pointwise convolution" if pointwise else "standard convolution"


def kind_or_function(kind: Kind, function: Arithmetic | None) -> str:
    """The name of the kind or, where the function says more, of the function, such as relu."""
    return function.value if function is not None and kind in NAMED_BY_FUNCTION else kind.value


def _record(row: Operator) -> dict[str, Any]:
    counts = {quantity.name: quantity.of((row,)).value for quantity in standing(Place.PARTS)}
    return {
        "path": row.path,
        "kind": kind_name(row),
        "input": row.operand,
        "output": row.output,
        "repeat": row.repeat,
        **counts,
    }


def _renumbered(row: Operator, rows: int, inputs: int) -> Operator:
    """The row renumbered for a ledger that already has so many rows and inputs.

    Its id, its inputs and the keys of its weights become its own.
    """
    reads = tuple(source + rows if source >= 0 else source - inputs for source in row.reads)
    weights = tuple(_renamed(w, rows) for w in row.weights)
    buffers = tuple(_renamed(w, rows) for w in row.buffers)
    return row._replace(id=row.id + rows, reads=reads, weights=weights, buffers=buffers)


def _renamed(weight: Weight, rows: int) -> Weight:
    """The weight under a key of its own. A computed weight has no key, and gets none."""
    return weight._replace(key=f"{rows}:{weight.key}") if weight.key else weight


def _present(rows: Iterable[Operator]) -> Iterator[Operator]:
    """The rows that happen. A row that would read an absent one reads what the absent row
    forwards."""
    stands: dict[int, int] = {}
    for row in rows:
        if _absent(row):
            source = forwarded(row)
            stands[row.id] = stands.get(source, source)
        else:
            yield row._replace(reads=tuple(stands.get(tensor, tensor) for tensor in row.reads))


def _sizes(row: Operator) -> Iterator[Size]:
    yield row.repeat
    yield row.groups
    for shape in (*row.inputs, row.output, *(w.shape for w in row.weights)):
        yield from shape
    if row.window is not None:
        for sizes in row.window:
            yield from sizes


def _substituted(row: Operator, sizes: Mapping[str, Any]) -> Operator:
    return _mapped(row, lambda size: substitute(size, sizes))


def _mapped(row: Operator, rule: Callable[[Size], Size]) -> Operator:
    def shape(of: Shape) -> Shape:
        return tuple(map(rule, of))

    return row._replace(
        inputs=tuple(shape(s) for s in row.inputs),
        output=shape(row.output),
        weights=tuple(w._replace(shape=shape(w.shape)) for w in row.weights),
        buffers=tuple(w._replace(shape=shape(w.shape)) for w in row.buffers),
        window=row.window and type(row.window)(*map(shape, row.window)),
        groups=rule(row.groups),
        repeat=rule(row.repeat),
    )


def _absent(row: Operator) -> bool:
    return isinstance(row.repeat, int) and row.repeat == 0
