"""A ledger made from torch.export's graph, which is slower and uses torch's own symbolic shapes.

torch runs the module on its own symbolic sizes and writes a graph, whose nodes go through the same
table of operators. This works even if a release of torch breaks the engine, and programs that were
exported elsewhere can be read.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, ShapesCollection, export
from torch.utils import _pytree as pytree

from flopscope.errors import BadInput
from flopscope.sizes import is_symbolic
from flopscope.tracing.attempts import first_that_runs
from flopscope.tracing.calls import Rule, tensors_in
from flopscope.tracing.engine import Trace, eager, finished, inference, no_fused_attention
from flopscope.tracing.export.graph import walk
from flopscope.tracing.inputs import free_symbols, tensors_of
from flopscope.tracing.node import size_value
from flopscope.tracing.shapes.table import META
from flopscope.tracing.trail import Trail


def trace_exported(
    target: nn.Module | ExportedProgram,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    **named: Any,
) -> Trace:
    """The result of `flopscope.tracing.trace`, made with torch.export: the same rows and totals.

    The arguments are those of `trace`; `target` may also be an exported program, as torch.export
    makes and torch.export.load reads it, whose inputs then have these shapes. The domain is that of
    the export: torch takes a free size to be at least 2, and asks more than the engine does. A
    module with two names appears under the one by which it is called. A program that was loaded
    from a file has kept only the ranges of its sizes, not its other branches on them, so its domain
    may be too wide.

    One row differs: at numbers, torch's own attention layer with the batch first projects its input
    by a product and an addition. Here, as at free sizes, these are one linear layer.

    Raises BadInput if torch.export refuses the module, if a size has no canonical form, or if a
    program does not take these inputs.
    """

    def attempt(trail: Trail) -> Trace:
        values = tensors_of(trail, (inputs, named))
        program = target
        if isinstance(program, nn.Module):
            program = _exported(_on_meta(eager(program)), trail, values)
        recorder = walk(program, trail, tensors_in(values), rules or {})
        return finished(recorder, inputs, trail)

    return first_that_runs(free_symbols((inputs, named)), example or {}, attempt)


def _exported(
    module: nn.Module, trail: Trail, values: tuple[tuple[Any, ...], dict[str, Any]]
) -> ExportedProgram:
    """Export the module at the example, with its free sizes free.

    It runs there first, so that its own errors are raised unchanged, and an example that it refuses
    is not exported.
    """
    shapes = ShapesCollection()

    def at_example(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        sizes = [size_value(size) for size in value.shape]
        free = {d for d, size in enumerate(sizes) if is_symbolic(size)}
        plain = [int(n.evaluate(trail.example)) if is_symbolic(n) else n for n in sizes]
        tensor = torch.empty(plain, dtype=value.dtype, device=META)
        shapes[tensor] = {d: Dim.AUTO if d in free else Dim.STATIC for d in range(len(sizes))}
        return tensor

    args, kwargs = pytree.tree_map(at_example, values)
    with inference(module), torch.no_grad(), META, no_fused_attention(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about its own and about the user's code
        module(*args, **kwargs)
        try:
            spec = shapes.dynamic_shapes(module, args, kwargs)
            return export(module, args, kwargs, dynamic_shapes=spec, strict=False)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise BadInput(
                f"torch.export refuses the module ({type(error).__name__}: {reason}); "
                "give numbers for its free sizes, or trace it without exporting"
            ) from error


def _on_meta(module: nn.Module) -> nn.Module:
    """The module, or a copy of it whose every tensor is a shape, registered or not."""
    kept = [t for part in module.modules() for t in vars(part).values()]
    tensors = [*module.parameters(), *module.buffers(), *tensors_in(kept)]
    elsewhere = [t for t in tensors if t.device != META and t.dim() > 0]
    if not elsewhere:
        return module
    copies: dict[int, Any] = {}
    for t in elsewhere:
        shape = torch.empty_like(t, device=META, requires_grad=False)
        is_parameter = isinstance(t, nn.Parameter)
        copies[id(t)] = nn.Parameter(shape, t.requires_grad) if is_parameter else shape
    return deepcopy(module, copies)
