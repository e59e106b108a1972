"""The tracing engine: a real module on symbolic or plain sizes, as a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.utils import _pytree as pytree

from flopscope.errors import BadInput, UnboundSymbols
from flopscope.ledger import Ledger
from flopscope.regions import numbers
from flopscope.tracing.calls import Rule
from flopscope.tracing.examples import examples
from flopscope.tracing.functions import Functions
from flopscope.tracing.inputs import free_symbols, tensors_of
from flopscope.tracing.recorder import Recorder, paths
from flopscope.tracing.trail import Trail


@dataclass(frozen=True)
class Trace:
    """A ledger, whose conditions say where it holds, and the trail that led there."""

    ledger: Ledger
    trail: Trail

    @property
    def fixed(self) -> tuple[str, ...]:
        """Sizes that became numbers, and where."""
        return tuple(map(str, self.trail.fixed.values()))


def trace(
    module: nn.Module,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    **named: Any,
) -> Trace:
    """Run `module` on meta tensors of these shapes and record what it does.

    An input is a shape, a tensor, or a tuple, list or dict of them; `flopscope.tracing.inputs` says
    how. Sizes are ints or polynomials over free symbols; `example` gives the sizes to branch on,
    else generic ones are tried, and then those that networks insist on. The module may live
    anywhere: its parameters and buffers are replaced by shapes for the run, no arithmetic is done,
    and the module is left as it was, also after an error. `rules` are the reader's own, by the full
    name of the operator.

    The ledger's conditions are the domain: where the same branches are taken as at the example.
    """
    module = _eager(module)
    free = free_symbols((inputs, named))
    first: Exception | None = None
    for sizes in examples(free, example or {}):
        try:
            return _trace(module, inputs, named, Trail(sizes), rules or {})
        except (BadInput, UnboundSymbols):
            raise
        except Exception as error:  # another example may be one that the network accepts
            first = first or error
    assert first is not None
    raise first


def _trace(
    module: nn.Module,
    inputs: tuple[Any, ...],
    named: Mapping[str, Any],
    trail: Trail,
    rules: Mapping[str, Rule],
) -> Trace:
    args, kwargs = tensors_of(trail, (inputs, dict(named)))
    leaves = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    state = _shapes_only(module)
    recorder = Recorder(state, [name for name, _ in module.named_parameters()], leaves, rules)
    with (
        inference(module),
        torch.random.fork_rng(devices=()),
        torch.no_grad(),
        torch.device("meta"),
        torch.compiler.set_stance("force_eager"),
        paths(recorder, module),
        Functions(recorder),
        recorder,
    ):
        functional_call(module, state, args, kwargs, tie_weights=True)
    domain = trail.domain()
    ledger = recorder.ledger().at(**numbers(domain))
    return Trace(replace(ledger, conditions=domain), trail)


def _eager(module: nn.Module) -> nn.Module:
    """The module behind a compiled one. Raises BadInput for a scripted one."""
    module = getattr(module, "_orig_mod", module)
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            where = f"its part {name}" if name else "the module"
            raise BadInput(
                f"{where} is a scripted module, which runs outside Python; "
                "give the Python module that it was made from"
            )
    return module


def _shapes_only(module: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer as a meta tensor, by its first name; shared tensors stay
    shared."""
    stored = [*module.named_parameters(), *module.named_buffers()]
    return {
        name: t if t.device.type == "meta" else torch.empty_like(t, device="meta")
        for name, t in stored
    }


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
