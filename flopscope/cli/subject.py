"""The network that a command counts at numbers: a model of the catalogue, or one of the reader's
own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.options import BATCH, RES

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
        """A catalogue model by its closed form, unless an input is given; else a traced network."""
        from flopscope import arguments as texts
        from flopscope.answers.target import parse_target, refuse_arguments
        from flopscope.reconciling import subjects

        target = parse_target(name)
        if target.variant is not None and not self.inputs:
            refuse_arguments(name, self.arguments, self.examples)
            size = target.variant.resolution(self.res)
            return subjects.of_variant(target.variant, size, self.batch)
        arguments = texts.parse_arguments(self.arguments)
        inputs = target.given(self.inputs, self.res, self.batch, arguments)
        return subjects.of_target(target, inputs, arguments, texts.parse_examples(self.examples))


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
