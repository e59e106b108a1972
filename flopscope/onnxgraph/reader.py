"""A graph is read node by node: each is arithmetic on known numbers, several other operators, a
view, or a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto, NodeProto

from flopscope.errors import BadInput, FlopscopeError
from flopscope.facts import Weight
from flopscope.ledger import Ledger
from flopscope.onnxgraph.arithmetic import numbers_of
from flopscope.onnxgraph.costless import COSTLESS, SETTINGS, is_costless
from flopscope.onnxgraph.elements import name_of
from flopscope.onnxgraph.expansions.drafts import CURRENT, Draft
from flopscope.onnxgraph.expansions.table import EXPANSIONS
from flopscope.onnxgraph.flow import FLOW, is_decided
from flopscope.onnxgraph.model.files import all_nodes, bodies
from flopscope.onnxgraph.model.headers import (
    INDICES,
    LATER,
    OWN_DOMAINS,
    StoredTensor,
    Typed,
    stored_tensor,
    values_of,
)
from flopscope.onnxgraph.model.nodes import attributes, path_of
from flopscope.onnxgraph.model.sizing import Names
from flopscope.onnxgraph.moves import move_of
from flopscope.onnxgraph.operators import OPERATORS
from flopscope.onnxgraph.productless import without_products
from flopscope.onnxgraph.recurrent import RECURRENT, Link, chain_of
from flopscope.onnxgraph.rows import GraphRows
from flopscope.onnxgraph.shapes.table import shapes_of
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, Undecided
from flopscope.sizes import Shape, is_symbolic

BROKEN = (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError)
"""Errors that rules raise for a node that onnx's checker accepts although no network could run
it."""


class Reader:
    """Reads one graph. `names` turns its dimensions into sizes; `quantised` are stored integers
    that are weights."""

    def __init__(self, opset: int, names: Names, quantised: Collection[str]) -> None:
        self._opset = opset
        self._names = names
        self._quantised = quantised
        self._scope = ""
        self._drafts = 0  # how many fused operators are being written out
        self.rows = GraphRows()

    def learn(self, values: Mapping[str, Typed]) -> None:
        """Take in what the file and onnx say about the graph's values."""
        self.rows.typed |= values

    def hold(self, held: Mapping[str, StoredTensor]) -> None:
        """Take in the graph's initialisers: indices, shapes and learnt tensors."""
        for name, tensor in held.items():
            weight = name in self._quantised
            self.rows.hold(name, tensor, weight=weight, scope=self._scope)

    def feed(self, inputs: Mapping[str, Shape]) -> None:
        """Take in the graph's inputs, in order."""
        for name, shape in inputs.items():
            self.rows.feed(name, shape)

    def walk(self, graph: GraphProto) -> None:
        """Read every node, in order. Raises BadInput for one whose sizes contradict each other."""
        for place, node in enumerate(graph.node):
            call = self._call(node, place)
            try:
                if not is_decided(call):
                    self._note_read(call, node)
                self.perform(call)
            except FlopscopeError:
                raise
            except BROKEN as error:
                raise BadInput(
                    f"{call.path} ({call.op}) has attributes or inputs that do not fit together; "
                    "give a model that onnx runs"
                ) from error

    def enter(self, body: GraphProto, scope: str) -> list[Tensor]:
        """Write a body's nodes in place of the node that holds it, and return the body's outputs.

        What is known of the body's values does not hold for later values with the same names.
        """
        inside = values_of(body)
        outside = {name: self.rows.typed[name] for name in inside if name in self.rows.typed}
        self.rows.typed |= inside
        outer, self._scope = self._scope, f"{self._scope}{scope}."
        try:
            self.hold({tensor.name: stored_tensor(tensor) for tensor in body.initializer})
            self.walk(body)
        finally:
            self._scope = outer
            for name in inside:
                self.rows.typed.pop(name, None)
            self.rows.typed |= outside
        return [self.rows.tensors[value.name] for value in body.output]

    def perform(self, call: NodeCall) -> None:
        """Treat the node as what it is: arithmetic on known numbers, operators that stand for it, a
        view, or a row."""
        if (numbers := numbers_of(call)) is not None:
            for name, part in zip(call.outputs, numbers, strict=False):
                self.rows.show(call, name, part.shape, part)
        elif not (self._flows(call) or self._expands(call)):
            self._step(call)

    def ledger(self) -> Ledger:
        """The rows, and one more for each learnt tensor that nodes read and no row reads in
        full."""
        return self.rows.ledger()

    def _call(self, node: NodeProto, place: int) -> NodeCall:
        tensors = self.rows.tensors
        inputs = tuple(tensors.get(name) if name else None for name in node.input)
        path = path_of(node.name) or f"{node.op_type}_{place}"
        later = node.domain == LATER
        own = node.domain in OWN_DOMAINS or later
        return NodeCall(
            node.op_type if own else f"{node.domain}.{node.op_type}",
            path,
            attributes(node),
            inputs,
            tuple(node.output),
            CURRENT if later else self._opset,
            self.rows.premises,
        )

    def _note_read(self, call: NodeCall, node: NodeProto) -> None:
        """Note the learnt tensors from which the node takes numbers, in its bodies too."""
        settings = SETTINGS.get(call.op, ())
        taken = [tensor for place, tensor in enumerate(call.inputs) if place not in settings]
        for body in bodies(node):
            taken += [
                self.rows.tensors.get(name) for inner in all_nodes(body) for name in inner.input
            ]
        for attribute in node.attribute:
            scope = f"{self._scope}{call.path}.{attribute.name}."
            for tensor in attribute.g.initializer:
                if tensor.data_type not in INDICES:
                    element = name_of(tensor.data_type)
                    key = f"{scope}{tensor.name}"
                    self.rows.note_inner(Weight(key, tuple(tensor.dims), element=element))
        for known in taken:
            filling = call.op == "Where" and known is not None and known.shape in ((), (1,))
            if known is not None and not filling:
                self.rows.note(known)

    def _flows(self, call: NodeCall) -> bool:
        """If the node is a branch or a loop, write its bodies in its place. Returns whether it
        is."""
        flow = FLOW.get(call.op)
        return flow is not None and self._whole(call, lambda: flow(call, self))

    def _expands(self, call: NodeCall) -> bool:
        """If the node stands for several operators, write these in its place. Returns whether it
        does."""
        rule = EXPANSIONS.get(call.op)
        constant = all(tensor is None or tensor.constant for tensor in call.inputs)
        if rule is None or (constant and "." not in call.op):
            return False

        def expand() -> bool:
            draft = Draft(replace(call, opset=CURRENT), self)
            self._drafts += 1
            try:
                return draft.give(rule(call, draft))
            finally:
                self._drafts -= 1

        return self._whole(call, expand)

    def _whole(self, call: NodeCall, write: Callable[[], bool]) -> bool:
        """Write everything that the rule writes, or nothing if something is not known."""
        before = self.rows.mark()
        try:
            done = write()
        except Undecided:
            done = False
        if not done:
            self.rows.undo(before)
        return done

    def _step(self, call: NodeCall) -> None:
        """A constant, a view, or a row."""
        shapes = self._shapes(call)
        known = call.op in OPERATORS or call.op in COSTLESS or call.op in EXPANSIONS
        if call.op in RECURRENT and (links := chain_of(call)):
            self._record_chain(call, links, shapes)
            return
        facts = self._facts(call, shapes) if known else None
        constant = known and all(tensor is None or tensor.constant for tensor in call.inputs)
        if constant or (facts is None and is_costless(call)):
            for name, shape in zip(call.outputs, shapes, strict=False):
                self._move(call, name, shape)
        else:
            self.rows.record(call, facts or without_products(call), shapes)

    def _move(self, call: NodeCall, name: str, shape: Shape | None) -> None:
        """Write the row of one output that a costless node moves, or note that it is a view.
        Inside a fused operator nothing is written."""
        moved = None if self._drafts else move_of(call, shape)
        if moved is None:
            self.rows.show(call, name, shape)
        else:
            self.rows.record(replace(call, outputs=(name,)), moved, [shape])

    def _shapes(self, call: NodeCall) -> list[Shape | None]:
        """The outputs' shapes in closed form. If no rule knows a shape, it is taken from the file
        or from onnx."""
        ours: list[Shape | None] = [*(shapes_of(call) or [])]
        if any(not is_symbolic(n) and n < 0 for shape in ours for n in shape or ()):
            raise ValueError("a size below 0")
        rest = call.outputs[len(ours) :]
        return ours + [self._names.shape(self.rows.typed.get(name)) for name in rest]

    def _facts(self, call: NodeCall, shapes: Sequence[Shape | None]) -> NodeFacts | None:
        rule = OPERATORS.get(call.op)
        if rule is None or shapes[0] is None:
            return None
        try:
            facts = rule(call)
        except Undecided:
            return None
        taken = (*facts.inputs, *facts.weights, *facts.buffers) if facts else ()
        return None if any(t is not None and t.shape is None for t in taken) else facts

    def _record_chain(
        self, call: NodeCall, links: Sequence[Link], shapes: Sequence[Shape | None]
    ) -> None:
        """Write rows one after the other, each of which reads what the one before it writes."""
        x = call.input(0)
        for place, link in enumerate(links):
            name = f"{call.outputs[0]}#{place}"
            facts = NodeFacts(
                link.kind,
                (x._replace(shape=link.input),),
                link.weights,
                function=link.function,
            )
            self.rows.record(replace(call, outputs=(name,)), facts, [link.output])
            x = self.rows.tensors.pop(name)
        for name, shape in zip(call.outputs, shapes, strict=False):
            self.rows.tensors[name] = x._replace(name=name, shape=shape)
