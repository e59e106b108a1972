"""The graph of an exported program, node by node, as the recorder's calls.

Every tensor of torch has an image, which is a meta tensor with our sizes. Composite operators,
which an exported program keeps whole, run once more on torch's own symbolic sizes. They are
recorded as the operators of which they consist, as when a module runs.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import fx
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.domain import Relation
from flopscope.errors import BadInput
from flopscope.sizes import Size, is_symbolic
from flopscope.tracing.calls import Rule, full_name, plain_name, shape_of
from flopscope.tracing.export.expressions import relation_of, size_of
from flopscope.tracing.functions.complexconvolutions import CONVOLUTIONS, convolution, has_complex
from flopscope.tracing.node import free_size
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.shapes.table import META
from flopscope.tracing.special.recurrent import RECURRENT, recurrent
from flopscope.tracing.trail import Trail
from flopscope.tracing.values.known import has_free_size

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


def walk(
    program: ExportedProgram,
    trail: Trail,
    inputs: Sequence[torch.Tensor],
    rules: Mapping[str, Rule],
) -> Recorder:
    """Record the program on inputs of these shapes; what it assumes of them goes on the trail."""
    nodes = {node.name: node for node in program.graph.nodes}
    users = [nodes[name] for name in program.graph_signature.user_inputs if name in nodes]
    theirs = [node.meta["val"] for node in users if isinstance(node.meta["val"], torch.Tensor)]
    images = Images(trail, _sizes(trail, theirs, inputs))
    state, parameters = _state(program, nodes, images)
    frozen = [name for name in parameters if not program.state_dict[name].requires_grad]
    recorder = Recorder(state, parameters, [images.of(value) for value in theirs], rules, frozen)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        for node in program.graph.nodes:
            if node.op == "call_function":
                recorder.places[:] = [_place(node)]
                _record(node, recorder, images)
    for relation in _assumed(program, theirs, images.sizes):
        _assume(trail, relation)
    return recorder


class Images:
    """Our tensors for torch's. `sizes` are our sizes by the names of torch's symbols."""

    def __init__(self, trail: Trail, sizes: Mapping[str, Size]) -> None:
        self.sizes = sizes
        self._trail = trail
        self._by_id: dict[int, torch.Tensor] = {}
        self._alive: list[Any] = []  # ids stay unique while tensors live

    def of(self, value: Any) -> Any:
        """The same nested collection with our tensors and sizes."""
        return pytree.tree_map(self._one, value)

    def same(self, value: Any, other: Any) -> None:
        """Let `value` have the images of `other`, tensor by tensor."""
        pairs = zip(pytree.tree_leaves(value), pytree.tree_leaves(other), strict=True)
        for one, known in pairs:
            if isinstance(one, FakeTensor):
                self._keep(one, known if not isinstance(known, FakeTensor) else self._one(known))

    def _one(self, value: Any) -> Any:
        if isinstance(value, torch.SymInt):
            return self._size(value)
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) not in self._by_id:
            sizes = [self._size(size) for size in value.shape]
            self._keep(value, torch.empty(sizes, dtype=value.dtype, device=META))
        return self._by_id[id(value)]

    def _size(self, size: Any) -> Any:
        ours = size_of(size.node.expr, self.sizes) if isinstance(size, torch.SymInt) else size
        return free_size(self._trail, ours) if is_symbolic(ours) else ours

    def _keep(self, value: torch.Tensor, image: torch.Tensor) -> None:
        self._by_id[id(value)] = image
        self._alive.append(value)


class _Seen(TorchDispatchMode):
    """Notes every call of an operator while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, result))
        return result


def _record(node: fx.Node, recorder: Recorder, images: Images) -> None:
    """Record one node. Raises BadInput if it is not an operator on tensors."""
    function: Any = node.target
    result = node.meta.get("val")
    values: Any = fx.map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
    args, kwargs = values
    fakes = _tensors(result)
    if function is operator.getitem:
        images.same(result, args[0][args[1]])
    elif not isinstance(function, OpOverload):
        if fakes:
            raise BadInput(
                f"the exported program calls {function}, which runs another graph; "
                "export the network without control flow on values"
            )
    elif (name := function.overloadpacket.__name__) in RECURRENT_BY_NAME:
        with recorder:
            ours = recurrent(recorder, RECURRENT_BY_NAME[name], images.of(args))
        images.same(result, ours)
    elif fakes and _is_composite(function):
        with fakes[0].fake_mode:
            args, kwargs = _contiguous(values, images, always=name == "linear")
            with _Seen() as seen:
                whole = _whole(function, args, kwargs)
        with recorder.positions(_positions(node, images.of(args))):
            for call in seen.calls:
                _record_call(recorder, images, *call)
        images.same(result, whole)
    else:
        _record_call(recorder, images, function, args, kwargs, result)


def _whole(function: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run a composite operator. A convolution of complex numbers runs as one operator."""
    convolved = CONVOLUTIONS_BY_NAME.get(function.overloadpacket.__name__)
    if convolved is not None and has_complex(args, kwargs):
        return convolution(convolved, *args, **kwargs)
    return function(*args, **kwargs)


def _positions(node: fx.Node, args: Sequence[Any]) -> tuple[Any, ...]:
    """The axes of a linear layer, as the engine sees them; none for one inside torch's attention
    layer."""
    _, kind = list((node.meta.get("nn_module_stack") or {"": ("", "")}).values())[-1]
    if node.target is not torch.ops.aten.linear.default or "MultiheadAttention" in str(kind):
        return ()
    axes = tuple(args[0].shape[:-1])
    return axes if len(axes) > 1 else ()


def _contiguous(values: Any, images: Images, always: bool) -> Any:
    """Call contiguous: free sizes have no layout in a trace, and a linear layer is one layer
    whatever the layout of its input."""

    def one(value: Any) -> Any:
        if not isinstance(value, FakeTensor) or not (always or has_free_size(value)):
            return value
        plain = torch.empty(value.shape, dtype=value.dtype, device=value.device)
        images.same(plain, value)
        return plain

    return pytree.tree_map(one, values)


def _record_call(
    recorder: Recorder,
    images: Images,
    function: OpOverload,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    result: Any,
) -> None:
    plain = plain_name(function)
    if plain != function.overloadpacket.__name__ and isinstance(result, torch.Tensor):
        images.same(result, args[0])  # in place
    recorder.record(full_name(function, plain), *images.of((tuple(args), dict(kwargs), result)))


CONVOLUTIONS_BY_NAME: Mapping[str, Any] = {f.__name__: f for f in CONVOLUTIONS}

RECURRENT_BY_NAME: Mapping[str, Any] = {function.__name__: function for function in RECURRENT}


def _is_composite(function: OpOverload) -> bool:
    """Does the operator consist of others? An interpolation does, but becomes a row of its own."""
    name = function.overloadpacket.__name__
    return function.has_kernel_for_dispatch_key(COMPOSITE) and "upsample" not in name


def _tensors(values: Any) -> list[Any]:
    return [x for x in pytree.tree_leaves(values) if isinstance(x, FakeTensor)]


def _place(node: fx.Node) -> tuple[str, int]:
    """Path and call of the module that a node comes from: a key '...a.0@1' is a second call."""
    stack = node.meta.get("nn_module_stack") or {"": ("", "")}
    key, (path, _) = list(stack.items())[-1]
    call = key.rpartition("@")[2]
    return path, int(call) if "@" in key and call.isdecimal() else 0


def _state(
    program: ExportedProgram, nodes: Mapping[str, fx.Node], images: Images
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """What the program stores, by its first name, and the names of the parameters among it."""
    signature = program.graph_signature
    stored = {**program.constants, **program.state_dict}
    state: dict[str, torch.Tensor] = {}
    first: dict[int, torch.Tensor] = {}
    named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    for node_name, name in named.items():
        value, tensor = nodes[node_name].meta["val"], stored[name]
        if id(tensor) in first:
            images.same(value, first[id(tensor)])
        else:
            first[id(tensor)] = value
            state[name] = images.of(value)
    return state, [name for name in signature.parameters if name in state]


def _sizes(
    trail: Trail, theirs: Sequence[torch.Tensor], ours: Sequence[torch.Tensor]
) -> dict[str, Size]:
    """Our sizes by the names of torch's symbols. Raises BadInput where the shapes do not fit."""
    given, taken = ([tuple(x.shape) for x in side] for side in (ours, theirs))
    if list(map(len, given)) != list(map(len, taken)):
        raise BadInput(
            f"the exported program takes inputs of {_ranks(taken)} dimensions, "
            f"and inputs of {_ranks(given)} were given"
        )
    sizes: dict[str, Size] = {}
    pairs = [
        (getattr(getattr(size, "node", None), "expr", size), wanted)
        for value, image in zip(theirs, ours, strict=True)
        for size, wanted in zip(value.shape, shape_of(image), strict=True)
    ]
    for expression, wanted in pairs:
        if getattr(expression, "is_Symbol", False):
            sizes.setdefault(str(expression), wanted)
    for expression, wanted in pairs:
        difference = wanted - (
            expression if isinstance(expression, int) else size_of(expression, sizes)
        )
        if is_symbolic(difference):
            _assume(trail, Relation(difference, equality=True))
        elif difference != 0:
            raise BadInput(f"the exported program takes {expression} where {wanted} was given")
    return sizes


def _ranks(shapes: Sequence[tuple[Any, ...]]) -> str:
    return " and ".join(str(len(shape)) for shape in shapes) or "no"


def _assumed(
    program: ExportedProgram, values: Sequence[Any], sizes: Mapping[str, Size]
) -> Iterator[Relation]:
    """The conditions that the program assumes: the ranges of its sizes, and the branches that were
    taken on them."""
    for symbol, its in program.range_constraints.items():
        if symbol.name in sizes:
            yield Relation(sizes[symbol.name] - int(its.lower), equality=False)
            if its.upper.is_Integer:
                yield Relation(int(its.upper) - sizes[symbol.name], equality=False)
    modes = {id(v.fake_mode): v.fake_mode for v in values}
    for mode in modes.values():
        for guard in mode.shape_env.guards if mode.shape_env else ():
            relation = relation_of(mode.shape_env.replace(guard.expr), sizes)
            if relation is not None:
                yield relation


def _assume(trail: Trail, relation: Relation) -> None:
    """Put a condition on the trail, unless it always holds. Raises BadInput where it never does."""
    broken = relation.broken()
    if broken:
        raise BadInput(f"the exported program does not hold for these sizes: it needs {relation}")
    if broken is None:
        trail.relations[relation] = None
