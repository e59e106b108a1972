"""What an operator returns on meta tensors: by a rule of shapes, or by torch itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import _pytree as pytree

from flopscope.tracing.foreign import foreign, foreign_result
from flopscope.tracing.gradient_shapes import GRADIENT_SHAPES
from flopscope.tracing.inplace import IN_PLACE, become, resized, written
from flopscope.tracing.shapes import META, RULES

CPU = torch.device("cpu")


def result_of(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the operator returns. Raises what torch raises for shapes that do not fit."""
    if foreign(function):
        symbolic = is_symbolic((args, kwargs))
        run = partial(_faked, function) if symbolic else function
        return foreign_result(function, args, kwargs, run)
    name = function.overloadpacket.__name__
    if name in GRADIENT_SHAPES:
        return GRADIENT_SHAPES[name](*args, **kwargs)
    if not is_symbolic((args, kwargs)):
        return function(*args, **kwargs)
    if name in IN_PLACE:
        return IN_PLACE[name](*args, **kwargs)
    in_place = name.endswith("_") and not name.endswith("__")
    outs = given_outputs(function, args, kwargs)
    rule = RULES.get(name.rstrip("_") if in_place else name)
    computed = {key: value for key, value in kwargs.items() if key not in outs}
    result = None if rule is None else rule(*args, **computed)
    if result is None:
        return fake_result(function, args, kwargs)
    if in_place:
        return written(args[0], result)
    return resized(outs, result) if outs else result


def given_outputs(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Mapping[str, torch.Tensor]:
    """The tensors that the operator is to write to, by name, in order: `out=` and its kind."""
    names = [a.name for a in function._schema.arguments if a.is_out]
    return {name: kwargs[name] for name in names if name in kwargs}


def _faked(function: Any, *args: Any, **kwargs: Any) -> Any:
    return fake_result(function, args, kwargs)


def fake_result(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The operator run by torch's fake tensors, which know every operator and are slow."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    mode.cache_enabled = False
    originals: dict[int, torch.Tensor] = {}

    def to_fake(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device == META:
            fake = FakeTensor(mode, value.detach(), CPU)
            originals[id(fake)] = value
            return fake
        return CPU if value == META else value

    def to_meta(value: Any) -> Any:
        if not isinstance(value, FakeTensor):
            return value
        if id(value) in originals:
            return originals[id(value)]
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)

    fake_args, fake_kwargs = pytree.tree_map(to_fake, (tuple(args), dict(kwargs)))
    with mode, enable_python_dispatcher(), _no_log():
        result = function(*fake_args, **fake_kwargs)
    for fake in pytree.tree_leaves((fake_args, fake_kwargs)):
        if id(fake) in originals:
            become(originals[id(fake)], fake.shape)
    return pytree.tree_map(to_meta, result)


def is_symbolic(values: Any) -> bool:
    """Is a free size among them?"""
    for value in pytree.tree_leaves(values):
        if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
            return True
        if isinstance(value, torch.Tensor) and any(
            isinstance(n, torch.SymInt) for n in value.shape
        ):
            return True
    return False


@contextmanager
def _no_log() -> Iterator[None]:
    """Fake tensors log the error that they raise; it is reported once, where it arrives."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
