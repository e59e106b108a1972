"""A graph walked node by node: what is known of each tensor, and a row for each operator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto, NodeProto

from flopscope.errors import BadInput, FlopscopeError
from flopscope.facts import Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.onnxgraph.arithmetic import Numbers, numbers_of
from flopscope.onnxgraph.files import all_nodes, bodies
from flopscope.onnxgraph.free import FREE, SETTINGS, is_free
from flopscope.onnxgraph.headers import INDICES, INTEGERS, Stored, Typed, stored, values_of
from flopscope.onnxgraph.nodes import attributes, branch_of, path_of
from flopscope.onnxgraph.operators import OPERATORS
from flopscope.onnxgraph.recurrent import CELLS, Link, chain_of
from flopscope.onnxgraph.shapes import shapes_of
from flopscope.onnxgraph.sizing import Names
from flopscope.onnxgraph.tensors import Call, Facts, Premises, Tensor, Undecided
from flopscope.sizes import Shape, elements, is_symbolic

OWN_DOMAINS = ("", "ai.onnx")
"""Names of onnx's own operator set; another domain's operators are unknown."""

BROKEN = (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError)
"""What a rule raises for a node that onnx's checker let pass and that no network could run."""

OPEN: Shape = (0,)
"""Stands in a row for a shape that nothing tells: a lower bound of its elements."""


class Reader:
    """Walks one graph. `names` turns its dimensions into sizes; `quantised` are whole numbers that
    are weights."""

    def __init__(self, opset: int, names: Names, quantised: Collection[str]) -> None:
        self._opset = opset
        self._names = names
        self._quantised = quantised
        self._known: dict[str, Typed] = {}
        self._premises = Premises()
        self._tensors: dict[str, Tensor] = {}
        self._rows: list[Operator] = []
        self._given: dict[str, int] = {}  # numbers of what no row writes, the inputs first
        self._whole: dict[str, Shape] = {}  # the learnt tensors
        self._read: dict[str, Shape] = {}  # those of them that some node reads

    def learn(self, graph: GraphProto) -> None:
        """What the graph says of its values."""
        self._known |= values_of(graph)

    def hold(self, held: Mapping[str, Stored]) -> None:
        """The graph's initialisers: indices and shapes, and what is learnt."""
        for name, (element_type, shape, numbers) in held.items():
            learnt = name in self._quantised or element_type not in INDICES
            key, integer = (name if learnt else None), element_type in INTEGERS
            self._tensors[name] = Tensor(name, shape, numbers, None, key, learnt, integer)
            if learnt:
                self._whole[name] = shape

    def feed(self, inputs: Mapping[str, Shape]) -> None:
        """The graph's inputs, in order."""
        for name, shape in inputs.items():
            integer = self._element_type(name) in INTEGERS
            source = self._given.setdefault(name, -1 - len(self._given))
            self._tensors[name] = Tensor(name, shape, source=source, integer=integer)

    def walk(self, graph: GraphProto) -> None:
        """Every node, in order. Raises BadInput for one whose sizes contradict each other."""
        for place, node in enumerate(graph.node):
            call, own = self._call(node, place), node.domain in OWN_DOMAINS
            branch = branch_of(call) if own else None
            try:
                if branch is not None:
                    self._enter(branch, call)
                else:
                    self._note_read(call, node)
                    self._step(call, own)
            except FlopscopeError:
                raise
            except BROKEN as error:
                raise BadInput(
                    f"{call.path} ({call.op}) has attributes or inputs that do not fit together; "
                    "give a model that onnx runs"
                ) from error

    def ledger(self) -> Ledger:
        """The rows, and one more for each learnt tensor that nodes read, but no row as a whole."""
        seen = {w.key: elements(w.shape) for r in self._rows for w in (*r.weights, *r.buffers)}
        rest = {key: s for key, s in self._read.items() if seen.get(key) != elements(s)}
        more = [
            Operator(Kind.STORED, key, (), OPEN, (Weight(key, shape),), id=len(self._rows) + n)
            for n, (key, shape) in enumerate(rest.items())
        ]
        return Ledger((*self._rows, *more), self._premises.conditions)

    def _call(self, node: NodeProto, place: int) -> Call:
        inputs = tuple(self._tensors.get(name) for name in node.input)
        path = path_of(node.name) or f"{node.op_type}_{place}"
        given, outputs = attributes(node), tuple(node.output)
        return Call(node.op_type, path, given, inputs, outputs, self._opset, self._premises)

    def _enter(self, branch: GraphProto, call: Call) -> None:
        """The branch's nodes in place of the node; its outputs are the branch's."""
        self.learn(branch)
        self.hold({tensor.name: stored(tensor) for tensor in branch.initializer})
        self.walk(branch)
        for name, value in zip(call.outputs, branch.output, strict=True):
            self._tensors[name] = self._tensors[value.name]._replace(name=name)

    def _note_read(self, call: Call, node: NodeProto) -> None:
        """Learnt tensors that the node takes numbers of, in its bodies too."""
        settings = SETTINGS.get(call.op, ())
        taken = [tensor for place, tensor in enumerate(call.inputs) if place not in settings]
        for body in bodies(node):
            taken += [self._tensors.get(name) for inner in all_nodes(body) for name in inner.input]
            for tensor in body.initializer:
                if tensor.data_type not in INDICES:
                    self._read[f"{call.path}.{tensor.name}"] = tuple(tensor.dims)
        for known in taken:
            if known is not None and known.learnt and known.stored:
                self._read[known.stored] = self._whole[known.stored]

    def _step(self, call: Call, own: bool) -> None:
        """What the node is: arithmetic on known numbers, a constant, a view, or a row."""
        if own and (numbers := numbers_of(call)) is not None:
            for name, part in zip(call.outputs, numbers, strict=False):
                self._show(call, name, part.shape, part)
            return
        shapes = self._shapes(call, own)
        known = own and (call.op in OPERATORS or call.op in FREE)
        if own and call.op in CELLS and (links := chain_of(call)):
            self._record_chain(call, links, shapes)
            return
        facts = self._facts(call, shapes) if known else None
        constant = known and all(tensor is None or tensor.constant for tensor in call.inputs)
        if constant or (facts is None and own and is_free(call)):
            for name, shape in zip(call.outputs, shapes, strict=False):
                self._show(call, name, shape)
        else:
            self._record(call, facts, shapes)

    def _shapes(self, call: Call, own: bool) -> list[Shape | None]:
        """The outputs' shapes in closed form; those that no rule knows as onnx infers them."""
        ours: list[Shape | None] = [*((shapes_of(call) if own else None) or [])]
        if any(not is_symbolic(n) and n < 0 for shape in ours for n in shape or ()):
            raise ValueError("a size below 0")
        rest = call.outputs[len(ours) :]
        return ours + [self._names.shape(self._known.get(name)) for name in rest]

    def _facts(self, call: Call, shapes: Sequence[Shape | None]) -> Facts | None:
        rule = OPERATORS.get(call.op)
        if rule is None or shapes[0] is None:
            return None
        try:
            facts = rule(call)
        except Undecided:
            return None
        taken = (*facts.inputs, *facts.weights, *facts.buffers) if facts else ()
        return None if any(t is not None and t.shape is None for t in taken) else facts

    # --- what it writes --------------------------------------------------------------------------

    def _show(
        self, call: Call, name: str, shape: Shape | None, numbers: Numbers | None = None
    ) -> None:
        """An output without arithmetic: of the input that it shows, or a constant.

        A constant of several numbers, not of indices, is a tensor that the graph stores.
        """
        element_type = self._element_type(name)
        integer, shown = element_type in INTEGERS, _shown(call)
        tensor = Tensor(name, shape, numbers, integer=integer)
        if call.op == "Constant" and element_type not in INDICES and elements(shape or ()) != 1:
            tensor = tensor._replace(stored=name)
        elif shown is not None:
            tensor = tensor._replace(source=shown.source, stored=shown.stored, learnt=shown.learnt)
        self._tensors[name] = tensor

    def _record(self, call: Call, facts: Facts | None, shapes: Sequence[Shape | None]) -> None:
        """A row, and its outputs. Stored operands beside a computed one are its weights."""
        if facts is None:
            facts = Facts(Kind.UNKNOWN, tuple(t for t in call.inputs if t is not None))
        unknown = facts.kind is Kind.UNKNOWN
        alone = all(t.source is None for t in facts.inputs)
        held = [t for t in facts.inputs if t.source is None and t.stored]
        inputs = [t for t in facts.inputs if alone or _is_input(t)]
        inputs += [t for t in facts.weights if t is not None and t.source is not None]
        row = Operator(
            kind=facts.kind,
            path=f"{call.path}:{call.op}" if unknown else call.path,
            inputs=tuple(_known(t.shape) for t in inputs),
            output=_known(shapes[0]),
            weights=_weights([*facts.weights, *(t for t in held if t.learnt and not alone)]),
            buffers=_weights([*facts.buffers, *(t for t in held if not t.learnt and not alone)]),
            window=facts.window,
            groups=facts.groups,
            function=facts.function,
            reads=tuple(map(self._source, inputs)),
            id=len(self._rows),
        )
        self._rows.append(row)
        for name, shape in zip(call.outputs, shapes, strict=False):
            integer = self._element_type(name) in INTEGERS
            tensor = Tensor(name, shape, source=row.id, integer=integer)
            if alone and (stands := _alike(held, shape)) is not None:
                tensor = tensor._replace(source=None, stored=stands.stored, learnt=stands.learnt)
            self._tensors[name] = tensor

    def _record_chain(
        self, call: Call, links: Sequence[Link], shapes: Sequence[Shape | None]
    ) -> None:
        """Rows one after the other, each of which reads what the one before it writes."""
        x = call.input(0)
        for place, link in enumerate(links):
            name = f"{call.outputs[0]}#{place}"
            facts = Facts(
                link.kind,
                (x._replace(shape=link.input),),
                link.weights,
                function=link.function,
            )
            self._record(replace(call, outputs=(name,)), facts, [link.output])
            x = self._tensors.pop(name)
        for name, shape in zip(call.outputs, shapes, strict=False):
            self._tensors[name] = x._replace(name=name, shape=shape)

    def _source(self, tensor: Tensor) -> int:
        """The row or input a tensor comes from; what no row writes is there from the start."""
        if tensor.source is not None:
            return tensor.source
        return self._given.setdefault(tensor.name, -1 - len(self._given))

    def _element_type(self, name: str) -> int:
        return self._known[name].element_type if name in self._known else 0


def _shown(call: Call) -> Tensor | None:
    """The input whose elements a free operator's output has: a computed one before all others.

    None for a constant: also a shape, which depends on no data.
    """
    if call.op not in FREE or call.op in ("Shape", "Size"):
        return None
    data = call.optional(FREE[call.op])
    computed = [t for t in (data, *reversed(call.inputs)) if t is not None and t.source is not None]
    return computed[0] if computed else data


def _is_input(tensor: Tensor) -> bool:
    """Is it data that a row reads, not a weight, nor a number that it computes with?"""
    return tensor.source is not None or (not tensor.stored and elements(tensor.shape or ()) != 1)


def _alike(held: Sequence[Tensor], shape: Shape | None) -> Tensor | None:
    """The stored tensor that stands for what is computed from stored tensors alone.

    A kernel that is scaled or dequantised as the network runs is still that kernel.
    """
    if shape is None:
        return None
    same = (t for t in held if t.shape is not None and elements(t.shape) == elements(shape))
    return next(same, None)


def _known(shape: Shape | None) -> Shape:
    return OPEN if shape is None else shape


def _weights(tensors: Sequence[Tensor | None]) -> tuple[Weight, ...]:
    """Stored tensors by name, computed ones without."""
    return tuple(_weight(t) for t in tensors if t is not None)


def _weight(tensor: Tensor) -> Weight:
    if tensor.source is not None:
        return Weight("", _known(tensor.shape), learnt=False)
    name = tensor.stored or tensor.name
    return Weight(name, _known(tensor.shape), learnt=tensor.stored is not None)
