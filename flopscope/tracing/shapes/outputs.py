"""What an operator returns on meta tensors, by a rule for shapes or by torch itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import _pytree as pytree

from flopscope.tracing.node import SizeNode
from flopscope.tracing.schemas import outputs
from flopscope.tracing.shapes.fitting import ShapeRule
from flopscope.tracing.shapes.foreign import foreign, foreign_result
from flopscope.tracing.shapes.gradients import GRADIENT_SHAPES
from flopscope.tracing.shapes.inplace import IN_PLACE, become, resized, written
from flopscope.tracing.shapes.remembered import answer
from flopscope.tracing.shapes.table import META, RULES
from flopscope.tracing.trail import Trail
from flopscope.tracing.values.known import flat, has_free_size, mapped

CPU = torch.device("cpu")


def result_of(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the operator returns. Raises what torch raises for shapes that do not fit."""
    if foreign(function):
        symbolic = has_free_size((args, kwargs))
        run = partial(_faked, function) if symbolic else function
        return foreign_result(function, args, kwargs, run)
    name = function.overloadpacket.__name__
    if name in GRADIENT_SHAPES:
        return GRADIENT_SHAPES[name](*args, **kwargs)
    if not has_free_size((args, kwargs)):
        return answer(function, args, kwargs)
    if name in IN_PLACE:
        return IN_PLACE[name](*args, **kwargs)
    in_place = name.endswith("_") and not name.endswith("__")
    outs = given_outputs(function, args, kwargs)
    rule = RULES.get(name.rstrip("_") if in_place else name)
    computed = {key: value for key, value in kwargs.items() if key not in outs}
    result = None if rule is None else _ruled(rule, args, computed)
    if result is None:
        return fake_result(function, args, kwargs)
    if in_place:
        return written(args[0], result)
    return resized(outs, result) if outs else result


def _ruled(rule: ShapeRule, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the rule says. Networks repeat their layers, so the answer is looked up where the rule
    was asked the same of the same sizes; what the sizes must fulfil is then on the trail already,
    except where an initialiser asked. Types of results may depend on the type that torch gives
    numbers."""
    trails: list[Trail] = []
    asked = (_asked(value, trails) for value in (args, *kwargs.items()))
    question = (rule, torch.get_default_dtype(), *asked)
    if not trails or UNKEYED in flat(question):
        return rule(*args, **kwargs)
    trail, unnoted = trails[0], trails[0].unnoted
    if question in trail.known:
        return mapped(Made.anew, trail.known[question])
    result = rule(*args, **kwargs)
    made = flat(result)
    new = all(isinstance(t, torch.Tensor) and not any(t is a for a in args) for t in made)
    if new and trail.unnoted == unnoted:
        trail.known[question] = mapped(lambda t: Made(tuple(t.shape), t.dtype), result)
    return result


@dataclass(frozen=True)
class Made:
    """The shape and type of a tensor that a rule made."""

    shape: tuple[Any, ...]
    dtype: torch.dtype

    def anew(self) -> torch.Tensor:
        """A new tensor like it."""
        return torch.empty(self.shape, dtype=self.dtype, device=META)


UNKEYED = object()


def _asked(value: Any, trails: list[Trail]) -> Any:
    """An argument as a key; the trail of its sizes is added to `trails`."""
    if isinstance(value, torch.Tensor):
        return (*(_asked(size, trails) for size in value.shape), value.dtype)
    if isinstance(value, torch.SymInt):
        if not isinstance(value.node, SizeNode):
            return UNKEYED
        trails.append(value.node.trail)
        return value.node.value
    if isinstance(value, tuple | list):
        return tuple(_asked(part, trails) for part in value)
    return (type(value), value) if isinstance(value, PLAIN) else UNKEYED


PLAIN = (int, float, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


def given_outputs(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Mapping[str, torch.Tensor]:
    """The tensors to which the operator must write, such as `out=`, by name and in order."""
    return {name: kwargs[name] for name in outputs(function) if name in kwargs}


def _faked(function: Any, *args: Any, **kwargs: Any) -> Any:
    return fake_result(function, args, kwargs)


def fake_result(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run the operator on torch's fake tensors, which know every operator but are slow."""
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


@contextmanager
def _no_log() -> Iterator[None]:
    """While active, fake tensors do not log the error that they raise, because it is reported where
    it is caught."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
