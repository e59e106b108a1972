"""The network that a command counts at numbers: a model of the catalogue, or one of the reader's
own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.options import BATCH, RES
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.reconciling.subjects import Subject


class Given(NamedTuple):
    """The sizes and arguments that a command line gives a network."""

    res: tuple[int, int] | None
    batch: int
    inputs: tuple[str, ...]
    arguments: tuple[str, ...]
    examples: tuple[str, ...]

    def counted(self, name: str) -> Subject:
        """A catalogue model by its closed form, or a network that is traced. A catalogue model is
        traced too where an input is given."""
        from flopscope.answers.profile import refuse_arguments
        from flopscope.reconciling import subjects

        if subjects.is_catalog(name) and not self.inputs:
            refuse_arguments(name, self.arguments, self.examples)
            return subjects.of_catalog(name, self.res, self.batch)
        return self._traced(name)

    def _traced(self, name: str) -> Subject:
        from flopscope import arguments as texts
        from flopscope.answers.profile import is_onnx
        from flopscope.reconciling import subjects

        if self.batch != 1:
            raise BadInput(
                "--batch is for catalogue models; give the batch in --input, as in 8,3,H,W"
            )
        shapes = inputs_or_res(self.inputs, self.res, optional=is_onnx(name))
        values = texts.parse_arguments(self.arguments), texts.parse_examples(self.examples)
        return subjects.of_target(name, shapes, *values)


def inputs_or_res(
    inputs: tuple[str, ...], res: tuple[int, int] | None, *, optional: bool
) -> tuple[str, ...]:
    """The inputs, or the one input that --res stands for. Raises BadInput unless one of the two is
    given."""
    if optional and not inputs and res is None:
        return ()
    if bool(inputs) == (res is not None):
        raise BadInput("give either --input, such as --input B,3,H,W, or --res, such as --res 224")
    return inputs if res is None else (f"1,3,{res[0]},{res[1]}",)


def subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of sizes and arguments, which the command receives as one `Given`."""

    @RES
    @BATCH
    @click.option(
        "--input",
        "inputs",
        multiple=True,
        help="Sizes of an input of your own network, 1,3,224,224. Repeatable.",
    )
    @click.option(
        "--arg",
        "arguments",
        multiple=True,
        help="Argument of your own class or function, name=value. Repeatable.",
    )
    @click.option(
        "--example",
        "examples",
        multiple=True,
        help="The value of a named size of an ONNX file, batch=1. Repeatable.",
    )
    @wraps(command)
    def folded(
        res: tuple[int, int] | None,
        batch: int,
        inputs: tuple[str, ...],
        arguments: tuple[str, ...],
        examples: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return command(given=Given(res, batch, inputs, arguments, examples), **others)

    return folded
