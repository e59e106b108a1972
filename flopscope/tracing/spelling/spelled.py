"""A run of a module as the calls that it makes: modules, functions, operators and kernels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.nn.parameter import is_lazy

from flopscope.facts import Kind
from flopscope.spelling import (
    PASSED,
    PYTHON,
    TRANSFORM,
    Called,
    Layer,
    Spelling,
)
from flopscope.tracing.engine import _trace, eager
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.spelling.described import layers_of, plain_value, storages, type_of
from flopscope.tracing.spelling.fusion import FUSED, of_gradients
from flopscope.tracing.spelling.modes import NotedFunctions, NotedOperators
from flopscope.tracing.trail import Trail

PATCHED: tuple[tuple[str, Any, str], ...] = (
    (
        "F",
        F,
        """linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
        relu prelu elu leaky_relu relu6 silu gelu batch_norm layer_norm instance_norm group_norm
        avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d
        adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d softmax upsample interpolate scaled_dot_product_attention""",
    ),
    ("torch", torch, "matmul mm bmm addmm baddbmm mul add einsum"),
    ("Tensor", torch.Tensor, "matmul __matmul__ mm bmm addmm mul add"),
)
"""Functions that tools replace with their own, where code looks them up by name."""

HIDDEN = frozenset(
    {
        Kind.CONVOLUTION,
        Kind.TRANSPOSED_CONVOLUTION,
        Kind.LINEAR,
        Kind.MATMUL,
        Kind.BATCH_NORM,
        Kind.BATCH_NORM_TRAINING,
        Kind.LAYER_NORM,
        Kind.GROUP_NORM,
        Kind.RESIZE,
        Kind.GLOBAL_POOL,
        Kind.ADAPTIVE_POOL,
        Kind.UNKNOWN,
    }
)
"""Kinds of which a tool counts something if it sees them."""


INFERENCE: Any = torch._C._InferenceMode
"""torch's own inference mode, since a run may put another one in its place."""


def spell(module: nn.Module, *inputs: Any, **named: Any) -> Spelling:
    """Run a module on plain shapes in evaluation mode, as `trace` does, and note how it is written.
    Raises what the network raises."""
    module = eager(module)
    spelled = Spelled([name for name, p in module.named_parameters() if p.requires_grad])
    spelled.made = [
        (type_of(part).rpartition(".")[2], path)
        for path, part in module.named_modules()
        if any(is_lazy(parameter) for parameter in part.parameters(recurse=False))
    ]
    _trace(module, inputs, named, Trail({}), {}, watch=spelled.watching)
    return spelled.spelling()


class Spelled:
    """Notes what a run calls."""

    def __init__(self, learning: Collection[str]) -> None:
        self._learning = learning
        self.modules: list[Called] = []
        self.functions: list[Called] = []
        self.operators: list[Called] = []
        self.kernels: list[Called] = []
        self.inside: list[str] = []
        self.busy = 0  # inside what torch does for one call
        self.within = 0  # inside the parts of an operator
        self.patches: dict[Any, str] = {}
        self.handled: list[str] = []  # functions that torch has passed to its modes
        self.recorder: Recorder | None = None
        self.seen: set[int] = set()
        self._root: nn.Module | None = None
        self._layers: tuple[Layer, ...] = ()
        self._numbers: dict[int, int] = {}
        self._quiet = False  # has the network switched gradients off?
        self._alive: list[Any] = []
        self._returned: frozenset[int] = frozenset()
        self._written: set[int] = set()
        self.made: list[tuple[str, str]] = []
        self.lost: list[tuple[str, str]] = []  # operators that have arrived as their parts
        self.beyond: list[tuple[str, str, str]] = []

    @contextmanager
    def watching(self, recorder: Recorder) -> Iterator[None]:
        """While active, everything that is called is noted. Gradients are off completely, so that
        layers arrive at the dispatcher as one operator."""
        if self.recorder is not None:  # it has run with other answers before
            self.beyond.append(("a condition", "", "it depends on the values of a tensor"))
        self.recorder = recorder
        with ExitStack() as stack:
            stack.enter_context(INFERENCE(True))
            if not torch.is_inference_mode_enabled():
                raise RuntimeError("operators are taken apart before they are seen")
            for prefix, owner, names in (*PATCHED, ("einops", sys.modules.get("einops"), "einsum")):
                for name in names.split() if owner is not None else ():
                    self._patch(stack, owner, name, self._function(f"{prefix}.{name}"))
            for kind, fused in FUSED.items():
                self._patch(stack, kind, "forward", self._layer(fused))
            functions: Any = torch.autograd.Function
            apply = vars(functions)["apply"]
            stack.callback(setattr, functions, "apply", apply)
            functions.apply = classmethod(self._python(apply.__func__))
            for quiet in (torch.no_grad, torch.inference_mode):
                self._patch(stack, quiet, "__enter__", self._switch)
            for handle in (
                register_module_forward_pre_hook(self._enter),
                register_module_forward_hook(self._leave),
            ):
                stack.callback(handle.remove)
            stack.enter_context(NotedFunctions(self))
            stack.enter_context(NotedOperators(self))
            yield

    def spelling(self) -> Spelling:
        """All that was noted, as a Spelling."""
        assert self.recorder is not None
        return Spelling(
            self._layers,
            tuple(self.modules),
            tuple(self.functions),
            tuple(self.operators),
            tuple(self.kernels),
            (
                *self.lost,
                *(
                    (row.kind.value, row.path)
                    for row in self.recorder.rows
                    if row.id not in self.seen and row.kind in HIDDEN
                ),
            ),
            self._returned,
            tuple(self.made),
            tuple(self.beyond),
        )

    def call(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
    ) -> Called:
        """Note a call at this point of the run."""
        values = (tuple(map(plain_value, args)), {key: plain_value(x) for key, x in kwargs.items()})
        inside = {*self.inside, *([TRANSFORM] if _transformed() else [])}
        return Called(name, self.path, *values, plain_value(result), frozenset(inside))

    @property
    def path(self) -> str:
        """The path of the module that runs."""
        assert self.recorder is not None
        return self.recorder.places[-1][0]

    def transforms(self, function: Any) -> None:
        """Note that a higher-order operator has run functions."""
        self.beyond.append((str(function), self.path, "it runs functions in a way of its own"))

    def flowing(self, call: Called, given: Any, result: Any) -> Called:
        """Note the call with the memory that it reads and writes."""
        reads, writes = self._memory(given), self._memory(result)
        if reads - writes:  # else it is made, perhaps to stand for what a function returns
            self._written |= writes
        return call._replace(reads=reads, writes=writes)

    def through(self, name: str, given: Any, result: Any) -> None:
        """Note a function whose result has tensors that no operator wrote; it counts as reading its
        arguments for them."""
        if self._memory(result) - self._memory(given) - self._written:
            call = self.call(f"{PASSED}{name}", (), {}, None)
            self.operators.append(self.flowing(call, given, result))

    def _memory(self, values: Any) -> frozenset[int]:
        found = list(storages(values))
        self._alive += found  # ids stay unique while the memory lives
        return frozenset(storage._cdata for storage in found)

    @contextmanager
    def seeing(self) -> Iterator[None]:
        """While active, torch works on a call that is noted already."""
        assert self.recorder is not None
        before = len(self.recorder.rows)
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self.seen |= {row.id for row in self.recorder.rows[before:]}

    @staticmethod
    def _patch(
        stack: ExitStack, owner: Any, name: str, made: Callable[[Any], Callable[..., Any]]
    ) -> None:
        """Put another function under this name until the stack is left."""
        own, before = name in vars(owner), getattr(owner, name)
        setattr(owner, name, made(before))
        stack.callback(*((setattr, owner, name, before) if own else (delattr, owner, name)))

    def _function(self, name: str) -> Callable[[Any], Callable[..., Any]]:
        def made(original: Any) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                # torch passes a function to its modes by looking its name up again.
                again = self.handled[-1:] == [name]
                if not (self.busy or self.within or again):
                    self.functions.append(self.call(name, args, kwargs, None))
                return original(*args, **kwargs)

            self.patches[call] = name
            return call

        return made

    def _layer(self, fused: Callable[..., list[str]]) -> Callable[[Any], Callable[..., Any]]:
        def made(original: Any) -> Callable[..., Any]:
            def forward(layer: Any, *args: Any, **kwargs: Any) -> Any:
                names = fused(layer, *args, **kwargs)
                names = of_gradients(names, self.path, self._learning, quiet=self._quiet)
                self.inside += names
                try:
                    return original(layer, *args, **kwargs)
                finally:
                    del self.inside[len(self.inside) - len(names) :]

            return forward

        return made

    def _python(self, original: Any) -> Callable[..., Any]:
        def apply(kind: Any, *args: Any, **kwargs: Any) -> Any:
            self.inside.append(PYTHON)
            try:
                return original(kind, *args, **kwargs)
            finally:
                self.inside.pop()

        return apply

    def _switch(self, original: Any) -> Callable[..., Any]:
        def enter(context: Any) -> Any:
            self._quiet = self._quiet or not self.busy
            return original(context)

        return enter

    def _enter(self, module: nn.Module, _: Any) -> None:
        if self._root is None:
            self._root = module
            self._layers, self._numbers = layers_of(module)

    def _leave(self, module: nn.Module, args: Any, result: Any) -> None:
        if id(module) in self._numbers:  # a module that is made during a run has no hooks of a tool
            number = self._numbers[id(module)]
            call = self.call(type_of(module), args, {}, result)
            self.modules.append(call._replace(layer=number, path=self._layers[number].path))
        if module is self._root:
            self._returned = self._memory(result)
            self.made += [
                (type_of(part).rpartition(".")[2], path)
                for path, part in module.named_modules()
                if id(part) not in self._numbers
            ]


def _transformed() -> bool:
    """Is a transformation of torch.func active?"""
    return torch._C._functorch.peek_interpreter_stack() is not None
