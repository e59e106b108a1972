"""The rows of a graph while they are written, and what is known of each tensor so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from flopscope.domain import Condition
from flopscope.facts import FLOAT32, Interpolation, Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.onnxgraph.arithmetic import Numbers
from flopscope.onnxgraph.costless import COSTLESS
from flopscope.onnxgraph.elements import name_of, result_type
from flopscope.onnxgraph.model.headers import INDICES, StoredTensor, Typed
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Premises, Tensor
from flopscope.sizes import Shape, Size, elements

LONGEST = 2_000
"""The most operators to which one loop is written out. All loops together may take twenty times as
many."""

OPEN: Shape = (0,)
"""Stands in a row for an unknown shape: a lower bound of its elements."""


class Mark(NamedTuple):
    """A state of the rows to which `undo` can return."""

    rows: int
    tensors: Mapping[str, Tensor]
    conditions: Mapping[Condition, None]


class GraphRows:
    """What a graph does, row by row, under premises. `tensors` are the values that are known so
    far."""

    def __init__(self) -> None:
        self.premises = Premises()
        self.tensors: dict[str, Tensor] = {}
        self.typed: dict[str, Typed] = {}  # what onnx says of the graph's values
        self.written: list[Operator] = []
        self._room = 20 * LONGEST
        self._given: dict[str, int] = {}  # the ids of tensors that no row writes, the inputs first
        self._whole: dict[str, Weight] = {}  # the stored tensors that are learnt
        self._read: dict[str, Weight] = {}  # those among them that some node reads

    # --- what is there from the start -------------------------------------------------------------

    def hold(self, name: str, held: StoredTensor, *, weight: bool, scope: str = "") -> None:
        """Add a stored tensor, which is numbers or a weight. The name of a body's tensor includes
        the body's scope, because other bodies may use the same name."""
        learnt = weight or held.element_type not in INDICES
        key = f"{scope}{name}" if learnt else None
        tensor = Tensor(name, held.shape, held.numbers, None, key, learnt, held.element_type)
        self.tensors[name] = tensor
        if key is not None:
            element = name_of(held.element_type)
            self._whole[key] = Weight(key, held.shape, element=element)

    def feed(self, name: str, shape: Shape) -> None:
        """Add an input of the graph."""
        source = self._given.setdefault(name, -1 - len(self._given))
        self.tensors[name] = Tensor(name, shape, source=source, element=self._element_type(name))

    def note(self, tensor: Tensor) -> None:
        """Note that some node reads the tensor's numbers."""
        if tensor.learnt and tensor.stored:
            self._read[tensor.stored] = self._whole[tensor.stored]

    def note_inner(self, weight: Weight) -> None:
        """Add a tensor that is stored inside a node."""
        self._read[weight.key] = weight

    def ledger(self) -> Ledger:
        """The rows, and one more for each learnt tensor that nodes read, but no row as a whole."""
        seen = {w.key: elements(w.shape) for r in self.written for w in (*r.weights, *r.buffers)}
        rest = {key: w for key, w in self._read.items() if seen.get(key) != elements(w.shape)}
        more = [
            Operator(Kind.STORED, key, (), OPEN, (weight,), id=len(self.written) + n)
            for n, (key, weight) in enumerate(rest.items())
        ]
        return Ledger((*self.written, *more), self.premises.conditions)

    # --- going back -------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """The state of the rows now."""
        return Mark(len(self.written), dict(self.tensors), self.premises.mark())

    def undo(self, mark: Mark) -> list[Operator]:
        """Take back what was written since the mark, and return it."""
        taken = self.written[mark.rows :]
        del self.written[mark.rows :]
        self.tensors = dict(mark.tensors)
        self.premises.undo(mark.conditions)
        return taken

    def room(self, operators: int) -> bool:
        """May a loop of so many operators be written out? Loops inside loops could be endless."""
        self._room -= operators if operators <= LONGEST else 0
        return operators <= LONGEST and self._room >= 0

    def redo(self, rows: Sequence[Operator], mark: Mark) -> None:
        """Write rows again that were taken back, and restore the state that followed them."""
        self.written += rows
        self.tensors = dict(mark.tensors)
        self.premises.undo(mark.conditions)

    def repeat(self, mark: Mark, times: Size) -> None:
        """Repeat what was written since the mark, so that it is there this many times in all. The
        first time has the stored weights, and all others compute with the same ones."""
        first, shift = mark.rows, len(self.written) - mark.rows
        for row in self.written[first:]:
            again = row._replace(
                id=row.id + shift,
                reads=tuple(r + shift if r >= first else r for r in row.reads),
                repeat=row.repeat * (times - 1),
                weights=tuple(w._replace(key="", learnt=False) for w in row.weights),
                buffers=(),
            )
            self.written.append(again)

    def extend(self, rows: Iterable[Operator]) -> None:
        """Append rows that were written apart, whose inputs are there from the start."""
        for row in rows:
            number = len(self.written)
            names = (f"{row.path}#{number}.{place}" for place in range(len(row.reads)))
            reads = tuple(self._given.setdefault(name, -1 - len(self._given)) for name in names)
            self.written.append(row._replace(id=number, reads=reads))

    def as_data(self, tensor: Tensor) -> Tensor:
        """The tensor as data: its numbers are not known, and it is not a weight."""
        return tensor._replace(numbers=None, stored=None, learnt=False, source=self._source(tensor))

    def packed(self, tensor: Tensor, shape: Shape, element: str) -> Tensor:
        """A stored tensor seen as the numbers that lie packed in it."""
        if (key := tensor.stored) in self._whole:
            self._whole[key] = self._whole[key]._replace(shape=shape, element=element)
            self._read[key] = self._whole[key]
        return tensor._replace(shape=shape, numbers=None)

    # --- what a node writes -----------------------------------------------------------------------

    def show(
        self, call: NodeCall, name: str, shape: Shape | None, numbers: Numbers | None = None
    ) -> None:
        """Note an output without arithmetic, which shows the elements of an input or is a constant.

        A constant of several numbers that are not indices is a tensor that the graph stores.
        """
        element, shown = self._result_type(call, name), _shown(call)
        tensor = Tensor(name, shape, numbers, element=element)
        if call.op == "Constant" and element not in INDICES and elements(shape or ()) != 1:
            tensor = tensor._replace(stored=name)
        elif shown is not None:
            tensor = tensor._replace(source=shown.source, stored=shown.stored, learnt=shown.learnt)
        self.tensors[name] = tensor

    def record(
        self,
        call: NodeCall,
        facts: NodeFacts | None,
        shapes: Sequence[Shape | None],
        element: int = 0,
    ) -> None:
        """Write a row and its outputs, whose elements have this type or else the operator's own.
        Stored operands beside a computed one are the row's weights."""
        if facts is None:
            facts = NodeFacts(Kind.UNKNOWN, tuple(t for t in call.inputs if t is not None))
        named = facts.kind in NAMELESS or facts.function is Interpolation.VARYING
        alone = all(t.source is None for t in facts.inputs)
        held = [t for t in facts.inputs if t.source is None and t.stored]
        inputs = [t for t in facts.inputs if alone or _is_input(t)]
        inputs += [t for t in facts.weights if t is not None and t.source is not None]
        row = Operator(
            kind=facts.kind,
            path=f"{call.path}:{call.op.rpartition('.')[2]}" if named else call.path,
            inputs=tuple(_known(t.shape) for t in inputs),
            output=_known(shapes[0]),
            weights=self._weights([*facts.weights, *(t for t in held if t.learnt and not alone)]),
            buffers=self._weights(
                [*facts.buffers, *(t for t in held if not t.learnt and not alone)]
            ),
            window=facts.window,
            groups=facts.groups,
            function=facts.function,
            reads=tuple(map(self._source, inputs)),
            id=len(self.written),
            types=_types(inputs, element or self._result_type(call, call.outputs[0])),
        )
        self.written.append(row)
        for name, shape in zip(call.outputs, shapes, strict=False):
            own = element or self._result_type(call, name)
            tensor = Tensor(name, shape, source=row.id, element=own)
            if alone and (stands := _alike(held, shape)) is not None:
                tensor = tensor._replace(source=None, stored=stands.stored, learnt=stands.learnt)
            self.tensors[name] = tensor

    def _weights(self, tensors: Sequence[Tensor | None]) -> tuple[Weight, ...]:
        """The weights: stored tensors with name and stored type, computed tensors without."""
        return tuple(self._weight(t) for t in tensors if t is not None)

    def _weight(self, tensor: Tensor) -> Weight:
        element = name_of(tensor.element)
        if tensor.source is not None:
            return Weight("", _known(tensor.shape), learnt=False, element=element)
        if (key := tensor.stored) in self._whole:
            element = self._whole[key].element
            return Weight(key, _known(tensor.shape), learnt=tensor.learnt, element=element)
        name = tensor.stored or tensor.name
        return Weight(name, _known(tensor.shape), tensor.stored is not None, element=element)

    def _source(self, tensor: Tensor) -> int:
        """The row or input from which a tensor comes. A tensor that no row writes is there from the
        start."""
        if tensor.source is not None:
            return tensor.source
        return self._given.setdefault(tensor.name, -1 - len(self._given))

    def _element_type(self, name: str) -> int:
        return self.typed[name].element_type if name in self.typed else 0

    def _result_type(self, call: NodeCall, name: str) -> int:
        return self._element_type(name) or result_type(call, name)


NAMELESS = (Kind.UNKNOWN, Kind.OTHER)
"""Kinds that do not tell which operator a row is, so that its path names the operator."""


def _shown(call: NodeCall) -> Tensor | None:
    """The input whose elements the output of a costless operator has, a computed one if possible.

    None for a constant, and for a shape, which depends on no data.
    """
    if call.op not in COSTLESS or call.op in ("Shape", "Size"):
        return None
    data = call.optional(COSTLESS[call.op])
    computed = [t for t in (data, *reversed(call.inputs)) if t is not None and t.source is not None]
    return computed[0] if computed else data


def _is_input(tensor: Tensor) -> bool:
    """Is it data that a row reads, rather than a weight or a number with which it computes?"""
    return tensor.source is not None or (not tensor.stored and elements(tensor.shape or ()) != 1)


def _alike(held: Sequence[Tensor], shape: Shape | None) -> Tensor | None:
    """The stored tensor that stands for a result computed from stored tensors alone.

    A kernel that is scaled or dequantised while the network runs is still the same kernel.
    """
    if shape is None:
        return None
    same = (t for t in held if t.shape is not None and elements(t.shape) == elements(shape))
    return next(same, None)


def _known(shape: Shape | None) -> Shape:
    return OPEN if shape is None else shape


def _types(inputs: Sequence[Tensor], output: int) -> tuple[str, ...]:
    """The types of a row's tensors; empty if all are float32."""
    types = (*(name_of(t.element) for t in inputs), name_of(output))
    return () if set(types) == {FLOAT32} else types
