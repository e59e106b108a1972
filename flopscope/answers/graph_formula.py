"""The formulas of an ONNX file in the named sizes of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.answers.profile import profile
from flopscope.closedform import Formula
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import InputSpec
from flopscope.quantities import formulas
from flopscope.sizes import Shape


def is_graph(name: str) -> bool:
    """Does the text name an ONNX file?"""
    return name.endswith(".onnx")


def graph_formulas(
    path: str,
    quantities: Sequence[str],
    free: Sequence[str] = (),
    inputs: Sequence[str | InputSpec] = (),
    example: Mapping[str, int] | None = None,
) -> tuple[list[Formula], tuple[Shape, ...]]:
    """A formula for each quantity, and the shapes of the inputs on which they are.

    `inputs` replace the sizes that the file states, and `example` gives named sizes their values.
    Needs onnx. Raises UnknownName for a quantity without a formula, BadInput for `free` sizes,
    because every named size is free, and as `profile` does.
    """
    if free:
        raise BadInput(
            f"{path} is an ONNX file, free in every named size already; leave {', '.join(free)} "
            "out, or give names in --input, as in B,3,H,W"
        )
    known = formulas()
    for quantity in quantities:
        if quantity not in known:
            raise UnknownName("quantity", quantity, known)
    found = profile(path, inputs, None, example)
    made = [(name, known[name].formula(found.ledger)) for name in quantities]
    named = [
        Formula(f.expression, f.unit, f.convention, f.conditions, f"{path} {name}")
        for name, f in made
    ]
    return named, found.shapes


def graph_source(shapes: Sequence[Shape]) -> str:
    """Where the formulas come from, and on which inputs they are."""
    on = " and ".join("×".join(map(str, shape)) for shape in shapes)
    return f"read from its graph, on an input of {on}"
