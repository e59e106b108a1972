"""What a command counts at numbers: a model of the catalogue, or a network of the reader's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.cli.options import inputs_or_res, positive, resolution
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.reconciling.subjects import Subject


def counted(
    model: str,
    res: str | None,
    batch: str,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
) -> Subject:
    """A catalogue model by its closed form, unless an input is given; else a traced network."""
    from flopscope import arguments as texts
    from flopscope.answers.profile import is_onnx, refuse_arguments
    from flopscope.reconciling import subjects

    if subjects.is_catalogue(model) and not inputs:
        refuse_arguments(model, arguments, examples)
        return subjects.of_catalogue(model, resolution(res), positive("batch", batch))
    if positive("batch", batch) != 1:
        raise BadInput("--batch is for catalogue models; give the batch in --input, as in 8,3,H,W")
    shapes = inputs_or_res(inputs, res, optional=is_onnx(model))
    values = texts.parse_arguments(arguments), texts.parse_examples(examples)
    return subjects.of_target(model, shapes, *values)
