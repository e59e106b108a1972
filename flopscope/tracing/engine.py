"""The tracing engine: a real module on symbolic or plain sizes, as a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import nn

from flopscope.domain.regions import numbers
from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.readings.training import Saved
from flopscope.tracing.attempts import first_that_runs
from flopscope.tracing.building.constructing import (
    LIKELY,
    construct,
    free_arguments,
    likely_input,
    origins_of,
)
from flopscope.tracing.building.standins import standins
from flopscope.tracing.calls import Rule
from flopscope.tracing.experts.routing import Routing, forget_experts, spread_evenly
from flopscope.tracing.functions.mode import Functions
from flopscope.tracing.inputs import free_symbols, leaves, tensors_of
from flopscope.tracing.lending import left_alone, lent, shapes_of
from flopscope.tracing.paths import paths
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.special.lazy import copy_of_shapes, is_uninitialised
from flopscope.tracing.special.packs import packs_of, state_of
from flopscope.tracing.special.wrappers import unwrapped, wrapped
from flopscope.tracing.trail import Trail
from flopscope.tracing.training import (
    TrainingRecorder,
    example_of,
    saved,
    training,
    training_step,
)
from flopscope.tracing.uncompiled import uncompiled
from flopscope.tracing.values.truths import Truths, either_way

Watch: TypeAlias = Callable[[Recorder], AbstractContextManager[None]]
"""A context in which calls are seen before they are recorded."""


@dataclass(frozen=True)
class Trace:
    """A ledger, whose conditions say where it holds, the inputs of the run, and the trail of its
    branches."""

    ledger: Ledger
    inputs: tuple[Any, ...]
    trail: Trail
    saved: Saved | None = None
    expected: tuple[str, ...] = ()
    """Sentences on choices that depend on data and change the total, which say how they were
    taken."""

    @property
    def fixed(self) -> tuple[str, ...]:
        """The sizes that became numbers, and where they did."""
        return tuple(map(str, self.trail.fixed.values()))


def trace(
    module: nn.Module,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    backward: bool = False,
    **named: Any,
) -> Trace:
    """Run `module` on meta tensors of these shapes and record what it does.

    An input is a shape, a tensor, or a tuple, list or dict of them; `flopscope.tracing.inputs` says
    how. Sizes are ints or polynomials over free symbols; `example` gives the sizes to branch on,
    else generic ones are tried, and then those that networks insist on. The module may be on any
    device: its parameters and buffers are replaced by shapes for the run, no arithmetic is done,
    and the module is left as it was, also after an error. `rules` are the reader's own, by the full
    name of the operator.

    With `backward` the module runs in training mode and autograd runs after it, from given
    gradients of the outputs to those of the parameters; `saved` is what is kept in between. Raises
    BadInput if no output depends on a parameter that learns.

    The ledger's conditions are the domain, in which the same branches are taken as at the example.
    """
    module = eager(module)

    def attempt(trail: Trail) -> Trace:
        return _trace(module, inputs, named, trail, rules or {}, backward)

    return first_that_runs(free_symbols((inputs, named)), example or {}, attempt)


def derive(
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    **named: Any,
) -> Trace:
    """Build a module with symbolic arguments and trace it: counts in the module's own arguments.

    Arguments that are polynomials become symbolic sizes. Without inputs, the first layer tells the
    shape of the input. Decisions of the constructor are in the domain too, and if it needs a
    number, `fixed` says which line asks for it.

    >>> from flopscope.symbolic import symbol
    >>> C, N = symbol("C"), symbol("N")
    >>> traced = derive(nn.Linear, {"in_features": C, "out_features": N}, ("B", C))
    >>> print(traced.ledger.params().value, traced.ledger.macs().value, sep="; ")
    C·N + N; B·C·N
    """
    free = free_symbols((inputs, named)) | free_arguments(arguments)
    free |= LIKELY if not (inputs or named) else frozenset()

    def attempt(trail: Trail) -> Trace:
        with left_alone(make, origins_of(make, arguments)):
            module = construct(make, arguments, trail)
            given = inputs or (() if named else (likely_input(module),))
            return _trace(module, given, named, trail, rules or {})

    return first_that_runs(free, example or {}, attempt)


@torch.inference_mode(False)  # in inference mode layers would arrive as other operators
def _trace(
    module: nn.Module,
    inputs: tuple[Any, ...],
    named: Mapping[str, Any],
    trail: Trail,
    rules: Mapping[str, Rule],
    backward: bool = False,
    watch: Watch | None = None,
) -> Trace:
    values = tensors_of(trail, (inputs, dict(named)))
    module = _initialised(module, values, trail)

    def run(truths: Truths) -> Recorder:
        return _recorded(module, values, trail, rules, backward, truths, watch=watch)

    recorder = either_way(run)
    kept = None
    if isinstance(recorder, TrainingRecorder):
        again: Recorder = recorder
        if trail.example:
            plain, apart = example_of(values, trail), Trail(trail.example)
            truths = recorder.truths
            again = _recorded(module, plain, apart, rules, backward, truths, free=True)
        assert isinstance(again, TrainingRecorder)
        kept = saved(recorder, again, trail)
    return finished(recorder, inputs, trail, kept)


def _initialised(module: nn.Module, values: tuple[Any, Any], trail: Trail) -> nn.Module:
    """The module, or a copy of it whose lazy layers have taken in these inputs."""
    if not is_uninitialised(module):
        return module
    module = copy_of_shapes(module)
    _recorded(module, values, trail, {}, False, Truths(), lend=False)
    return module


def _recorded(
    module: nn.Module,
    values: tuple[Any, Any],
    trail: Trail,
    rules: Mapping[str, Rule],
    backward: bool,
    truths: Truths,
    *,
    free: bool = False,
    lend: bool = True,
    watch: Watch | None = None,
) -> Recorder:
    """Record a run and, for a training step, the backward pass. With `free` it runs as if sizes
    were free. A module that is not lent keeps what it writes. `watch` is entered last."""
    args, kwargs = values
    given = leaves((args, kwargs))
    stored = shapes_of(module, learning=backward)
    parameters = [(n, p) for n, p in module.named_parameters() if n in stored.by_name]
    learns = {name: parameter.requires_grad for name, parameter in parameters}
    frozen = [name for name, learn in learns.items() if not learn]
    packs = packs_of(module)
    packed = state_of(packs)
    state, names = stored.by_name | packed, [*learns, *packed]
    make = TrainingRecorder if backward else Recorder
    recorder = make(state, names, given, rules, [*frozen, *packed], stored.by_id)
    recorder.unpack(packs)
    recorder.routing = Routing(trail)
    recorder.truths = truths
    recorder.met_before = partial(Functions, recorder)
    kinds = {type(part) for part in module.modules()}
    with (
        lent(module, stored.by_id) if lend else nullcontext(),
        standins(*kinds) if trail.example else nullcontext(),
        training(module) if backward else inference(module),
        torch.set_grad_enabled(backward),
        torch.device("meta"),
        uncompiled(),
        no_fused_attention(),
        unwrapped(backward=backward),
        paths(recorder, module),
        Functions(recorder, always=free),
        recorder,
        nullcontext() if watch is None else watch(recorder),
    ):
        recorder.named = module.named_parameters
        if isinstance(recorder, TrainingRecorder):
            training_step(recorder, lambda: module(*args, **kwargs), stored.by_name)
        else:
            module(*args, **kwargs)
    return recorder


def finished(
    recorder: Recorder, inputs: tuple[Any, ...], trail: Trail, kept: Saved | None = None
) -> Trace:
    """The recorded ledger, with the domain that the trail gives."""
    ledger, expected = spread_evenly(recorder.routing, recorder.ledger())
    forget_experts(trail)
    domain = trail.domain()
    known = numbers(domain)
    ledger = ledger.at(**known) if known else ledger
    # What the domain fixes it refuses itself, with its reason.
    return Trace(replace(ledger, conditions=domain, given=()), inputs, trail, kept, expected)


def eager(module: nn.Module) -> nn.Module:
    """The module behind a compiled one. Raises BadInput for a scripted module."""
    module = wrapped(module)
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            where = f"its part {name}" if name else "the module"
            raise BadInput(
                f"{where} is a scripted module, which runs outside Python; "
                "give the Python module that it was made from"
            )
    return module


@contextmanager
def inference(module: nn.Module) -> Iterator[None]:
    """The module and its parts in evaluation mode, put back as they were afterwards."""
    training = [part for part in module.modules() if part.training]
    try:
        module.eval()
        yield
    finally:
        for part in training:
            part.training = True


@contextmanager
def no_fused_attention() -> Iterator[None]:
    """While active, attention layers run their products one by one, because whether torch fuses
    them depends on the device and not on the network."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
