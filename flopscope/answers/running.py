"""A target as a network that can be run, with weights and inputs that are always the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flopscope.answers.counted import Given, counted
from flopscope.answers.target import Target
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.sizes import is_symbolic

if TYPE_CHECKING:
    from torch import nn

    from flopscope.measured.runtimes import Array, Network

SEED = 0


@contextmanager
def runnable(
    target: Target, given: Given, arguments: Mapping[str, Any] | None = None
) -> Iterator[Network]:
    """The network with the values of its inputs. Its module is in evaluation mode meanwhile, and
    afterwards as it was.

    Weights are drawn from a fixed seed, or are those that a module of Python has. Inputs are
    standard normal numbers, and zeros where integers are asked for, such as the indices of words.
    Raises BadInput for free sizes, for weights without values, and as `Target.build` does.
    """
    from flopscope.measured.runtimes import Network

    if target.is_graph:
        shapes = counted(target, given, arguments).shapes
        inputs = [values_of(InputSpec(None, shape)) for shape in shapes]
        yield Network(target.name, inputs, {}, file=Path(target.place))
        return
    from flopscope.measured.untouched import untouched
    from flopscope.tracing.loading.usercode import importable

    specs = inputs_of(target, given, arguments)
    plain = [values_of(spec) for spec in specs if spec.keyword is None]
    named = {spec.keyword: values_of(spec) for spec in specs if spec.keyword is not None}
    with importable(target.place):  # the network may import more while it runs
        module = target.build(arguments, seed=SEED)
        _check_values(target, module)
        with untouched(module):
            yield Network(target.name, plain, named, module)


def inputs_of(
    target: Target, given: Given, arguments: Mapping[str, Any] | None = None
) -> Sequence[InputSpec]:
    """The inputs of a target that is no ONNX file. Raises BadInput for sizes that are not
    numbers."""
    specs = target.given(given.inputs, given.res, given.batch, arguments)
    specs = specs or target.inputs(given.res, given.batch, arguments)
    free = sorted({str(n) for spec in specs for n in spec.shape if is_symbolic(n)})
    if free:
        raise BadInput(
            f"a network runs at sizes that are numbers, and {', '.join(free)} is free; give an "
            "input such as --input 1,3,224,224"
        )
    return specs


def values_of(spec: InputSpec) -> Array:
    """The values of an input of this shape and type, which are always the same."""
    shape = tuple(int(n) for n in spec.shape)
    if spec.dtype.startswith(("float", "bfloat")):
        return np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32)
    return np.zeros(shape, dtype=spec.dtype if hasattr(np, spec.dtype) else np.int64)


def _check_values(target: Target, module: nn.Module) -> None:
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise BadInput(
            f"{target.name} is on the meta device, where weights have no values, and cannot run; "
            "make it on the processor, or call its to_empty"
        )
