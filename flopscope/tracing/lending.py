"""A module is lent to a trace: shapes take the place of its weights, and afterwards everything is
as it was."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from flopscope.snapshot import Snapshot, name_spaces
from flopscope.tracing.caches import hashable_sizes, uncached
from flopscope.tracing.values.known import NAME
from flopscope.tracing.values.numbers import Copies


class LentShapes(NamedTuple):
    """Shapes of what a module stores: by first name, and by the ids of its own tensors."""

    by_name: dict[str, torch.Tensor]
    by_id: dict[int, torch.Tensor]


def shapes_of(module: nn.Module, *, learning: bool) -> LentShapes:
    """Every parameter and buffer as a tensor of a trace. Shared tensors stay shared.

    If `learning`, the same parameters learn as in the module. Otherwise all learn whose type allows
    it, because torch's matmul asks that before it folds a stack of matrices into one. Layers that
    wait for their first input have nothing stored yet.
    """
    copies = Copies()
    found = LentShapes({}, {})
    for name, parameter in module.named_parameters():
        if not is_lazy(parameter):
            learns = parameter.is_floating_point() or parameter.is_complex()
            learns = parameter.requires_grad if learning else learns
            _keep(
                found, name, parameter, parameter_of(parameter, copies.shape_of(parameter), learns)
            )
    for name, buffer in module.named_buffers():
        if not is_lazy(buffer):
            _keep(found, name, buffer, copies.shape_of(buffer))
    return found


def parameter_of(own: nn.Parameter, shape: torch.Tensor, learns: bool) -> nn.Parameter:
    """The tensor as a parameter, with the attributes that libraries add to parameters."""
    made = nn.Parameter(shape, requires_grad=learns)
    vars(made).update({k: v for k, v in vars(own).items() if k != NAME} | vars(shape))
    return made


def _keep(found: LentShapes, name: str, own: torch.Tensor, shape: torch.Tensor) -> None:
    found.by_name[name] = found.by_id[id(own)] = shape
    found.by_id[id(shape)] = shape


@contextmanager
def lent(module: nn.Module, shapes: Mapping[int, torch.Tensor]) -> Iterator[None]:
    """While active, each stored tensor of the module is replaced by the one that `shapes` has for
    its id. Afterwards everything reachable from the module is as it was, including the state of
    random numbers."""
    snapshot, drawn = Snapshot(module), _random_state()
    spaces = name_spaces(type(part) for part in module.modules())
    snapshot.name_spaces(spaces)
    with hashable_sizes(), _put_back(snapshot.restore, _versions(snapshot.held()), drawn):
        for part in module.modules():
            holders: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
            for stored in holders:
                stored.update({name: shapes.get(id(t), t) for name, t in stored.items()})
        with torch.random.fork_rng(devices=()), uncached(spaces):
            yield


@contextmanager
def left_alone(make: Any, origins: Iterable[Any] = ()) -> Iterator[None]:
    """While active, what `make` writes on classes and in files is noted, and put back afterwards.
    Functions of its packages, and of those of the `origins` behind it, run without their caches."""
    snapshot, drawn = Snapshot(make), _random_state()
    spaces = name_spaces([make, *origins])
    snapshot.name_spaces(spaces)
    with hashable_sizes(), _put_back(snapshot.restore, drawn), uncached(spaces):
        yield


@contextmanager
def _put_back(*actions: Callable[[], None]) -> Iterator[None]:
    """Call all of these at the end, and again if Ctrl-C interrupts them."""
    try:
        yield
    finally:
        try:
            for action in actions:
                action()
        except KeyboardInterrupt:
            for action in actions:
                action()
            raise


def _versions(values: Iterable[Any]) -> Callable[[], None]:
    """What puts back torch's count of writes in place, which never arrive in a trace."""
    tensors = [v for v in values if issubclass(type(v), torch.Tensor) and not v.is_inference()]
    before = [(tensor, tensor._version) for tensor in tensors]

    def back() -> None:
        for tensor, version in before:
            if tensor._version != version:
                torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))

    return back


def _random_state() -> Callable[[], None]:
    """A function that puts back the random state of Python and NumPy."""
    numpy = sys.modules.get("numpy")
    python, arrays = random.getstate(), numpy.random.get_state() if numpy else None

    def back() -> None:
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(arrays)

    return back
