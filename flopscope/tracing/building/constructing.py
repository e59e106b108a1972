"""A module is built with symbolic arguments and traced, which gives its formula in its own
arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from flopscope.arguments import Deferred
from flopscope.errors import BadInput
from flopscope.sizes import is_symbolic
from flopscope.snapshot import name_spaces
from flopscope.symbolic import Polynomial, Symbol, symbol
from flopscope.tracing.building.standins import LOGARITHMS, standins
from flopscope.tracing.caches import uncached
from flopscope.tracing.functions.mode import RealsAsNumbers
from flopscope.tracing.node import free_number, free_size, size_value
from flopscope.tracing.shapes.outputs import result_of
from flopscope.tracing.trail import Trail
from flopscope.tracing.uncompiled import UncompiledMode, uncompiled
from flopscope.tracing.values.known import META, NAME, knowing, mapped
from flopscope.tracing.values.numbers import MOST_LEARNT, Copies, follow, how_read, read_values


def construct(make: Callable[..., Any], arguments: Mapping[str, Any], trail: Trail) -> nn.Module:
    """Call `make(**arguments)` with symbolic sizes for polynomials, and with shapes for all
    weights.

    Decisions of the constructor go on the trail. No count depends on initial values, so a size that
    becomes a number in an initialiser does not count as fixed. Raises BadInput unless it makes a
    module.
    """
    origins = origins_of(make, arguments)

    def made(**given: Any) -> Any:
        return make(**{name: _argument(trail, value) for name, value in given.items()})

    with standins(*origins, leaving=LOGARITHMS):
        module = without_memory(made, arguments, origins)
    if not isinstance(module, nn.Module):
        raise BadInput(
            f"{getattr(make, '__name__', make)} makes {type(module).__name__}, "
            "which is not an nn.Module"
        )
    return module


def given_module(make: Any, arguments: Mapping[str, Any], name: str) -> Callable[..., Any]:
    """A function that makes the module, or returns it if it exists already. Raises BadInput if an
    existing module is given arguments, and if nothing can be made."""
    if isinstance(make, nn.Module) and not arguments:
        return lambda: make
    if isinstance(make, nn.Module) or not callable(make):
        kind = "a module already" if isinstance(make, nn.Module) else type(make).__name__
        raise BadInput(f"{name} is {kind}; name the class or function that makes one")
    return make  # type: ignore[no-any-return]


def origins_of(make: Callable[..., Any], arguments: Mapping[str, Any]) -> list[Callable[..., Any]]:
    """The reader's functions and classes behind `make` and behind the configurations among its
    arguments."""
    calls = [value.function for value in arguments.values() if isinstance(value, Deferred)]
    found = [getattr(make, "function", getattr(make, "func", make)), *calls]
    return [function for function in found if hasattr(function, "__module__")]


def without_memory(
    make: Callable[..., Any],
    arguments: Mapping[str, Any],
    origins: Sequence[Callable[..., Any]] = (),
) -> Any:
    """Call `make(**arguments)` with shapes for weights. Numbers that do not depend on random draws
    are known. `origins` are the functions and classes behind it.

    Raises what torch raises if the values of a weight are read.
    """
    with (
        torch.random.fork_rng(devices=()),
        uncached(name_spaces([make, *origins])),
        _knowing_parameters(),
        torch.device("meta"),
        uncompiled(),
        RealsAsNumbers(),
        _ShapesOnly(),
    ):
        return make(**arguments)


@contextmanager
def _knowing_parameters() -> Iterator[None]:
    """While active, a parameter knows the numbers from which it is made, such as a scale of
    ones."""
    before = nn.Parameter.__new__

    def made(kind: Any, data: Any = None, requires_grad: bool = True) -> Any:
        parameter = before(kind, data, requires_grad)
        numbers = getattr(data, NAME, None)
        if numbers is not None and numbers.numel() <= MOST_LEARNT:
            knowing(parameter, numbers)
        return parameter

    nn.Parameter.__new__ = made  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        nn.Parameter.__new__ = before  # type: ignore[method-assign]


def free_arguments(value: Any) -> frozenset[Symbol]:
    """Every symbol in a nested collection of arguments. Text is not the name of a size here."""
    if isinstance(value, Deferred):
        value = (value.positional, value.named)
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return frozenset().union(*map(free_arguments, value))
    return value.symbols() if isinstance(value, Polynomial) else frozenset()


def _argument(trail: Trail, value: Any) -> Any:
    if isinstance(value, Deferred):
        return value.made(lambda item: _argument(trail, item))
    if isinstance(value, tuple | list):
        return type(value)(_argument(trail, item) for item in value)
    if not is_symbolic(value):
        return value
    whole = all(atom.integer for atom in value.atoms())
    return free_size(trail, value) if whole else free_number(trail, value)


class _ShapesOnly(UncompiledMode):
    """A mode in which the operators of a constructor give shapes and are not recorded."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._copies = Copies()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        with torch._C.DisableTorchFunction():
            args, kwargs = mapped(self._on_meta, (tuple(args), dict(kwargs or {})))
            if (
                how_read(function, args)
                and (found := read_values(function, args, kwargs)) is not None
            ):
                return found
            result = result_of(function, args, kwargs)
            follow(function, args, kwargs, result)
            return result

    def _on_meta(self, value: Any) -> Any:
        """A tensor of a trace in place of a real one that a constructor makes from numbers."""
        if isinstance(value, torch.device):
            return META
        real = isinstance(value, torch.Tensor) and value.device != META
        return self._copies.shape_of(value) if real else value


INPUTS: Mapping[type[nn.Module], tuple[str, ...]] = {
    nn.Conv1d: ("B", "C", "L"),
    nn.Conv2d: ("B", "C", "H", "W"),
    nn.Conv3d: ("B", "C", "D", "H", "W"),
    nn.ConvTranspose1d: ("B", "C", "L"),
    nn.ConvTranspose2d: ("B", "C", "H", "W"),
    nn.BatchNorm2d: ("B", "C", "H", "W"),
    nn.Linear: ("B", "T", "C"),
    nn.MultiheadAttention: ("B", "T", "C"),
    nn.LayerNorm: ("B", "T", "C"),
}
"""What the type of a module's first layer tells about the input; C is the layer's own width."""


LIKELY = frozenset(Symbol(axis) for axes in INPUTS.values() for axis in axes if axis != "C")


def likely_input(module: nn.Module) -> tuple[Any, ...]:
    """The shape of a module's input, from its first layer. Raises BadInput if no layer tells it."""
    for layer in module.modules():
        if type(layer) in INPUTS:
            axes = INPUTS[type(layer)]
            return tuple(_width(layer) if axis == "C" else symbol(axis) for axis in axes)
    raise BadInput("the module has no layer that tells its input's shape; give --input")


def _width(layer: Any) -> int | Polynomial:
    names = ("in_channels", "in_features", "num_features", "embed_dim")
    width = next((getattr(layer, name) for name in names if hasattr(layer, name)), None)
    width = layer.normalized_shape[-1] if width is None else width
    value: int | Polynomial = size_value(width)
    return value
