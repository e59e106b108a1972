"""What a command line gives the networks that are counted at numbers: sizes and arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.options import ARGUMENTS, BATCH, EXAMPLES, RES

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.reconciling.subjects import Subject


INPUTS = click.option(
    "--input",
    "inputs",
    multiple=True,
    help="The sizes of an input of your own network, 1,3,224,224. Repeatable.",
)


def subject_of(name: str, given: Given) -> Subject:
    """A catalogue model by its closed form, any other target by its trace or graph."""
    from flopscope.answers.counted import counted, made, sizes_of
    from flopscope.answers.target import parse_target
    from flopscope.reconciling import subjects

    (target,) = made([parse_target(name)], given)
    if target.variant is not None:
        return subjects.of_variant(target.variant, *sizes_of(target.variant, given))
    return subjects.of_counted(counted(target, given))


def subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of sizes and arguments, which the command receives as one `Given`."""

    @RES
    @BATCH
    @INPUTS
    @ARGUMENTS
    @EXAMPLES
    @wraps(command)
    def folded(
        res: tuple[int, int] | None,
        batch: int,
        inputs: tuple[str, ...],
        arguments: tuple[str, ...],
        examples: tuple[str, ...],
        **others: Any,
    ) -> Any:
        from flopscope.answers.counted import Given

        given = Given(res, batch, inputs, arguments, examples_of(examples))
        return command(given=given, **others)

    return folded


def examples_of(texts: Sequence[str]) -> Mapping[str, int]:
    """The values of named sizes of an ONNX file, as --example gives them."""
    if not texts:
        return {}
    from flopscope.arguments import parse_examples

    return parse_examples(texts)
