"""Options of the sizes and arguments of a target of which other sizes are free."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.options import ARGUMENTS, EXAMPLES, RES, positive
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.spaces import Fixed


class Beside(NamedTuple):
    """What a command line fixes of a target beside its free sizes."""

    res: tuple[int, int] | None
    batch: int | None
    inputs: tuple[str, ...]
    arguments: tuple[str, ...]
    examples: tuple[str, ...]

    @property
    def given(self) -> dict[str, Any]:
        """The same as arguments of a function, with their values read."""
        from flopscope.arguments import parse_arguments, parse_examples

        return {
            "res": self.res,
            "batch": self.batch,
            "inputs": self.inputs,
            "arguments": parse_arguments(self.arguments),
            "examples": parse_examples(self.examples),
        }

    @property
    def fixed(self) -> Fixed:
        """The same as what a space does not vary."""
        from flopscope.answers.spaces import Fixed

        return Fixed(**self.given)

    def refuse_all_but_sizes(self, because: str) -> None:
        """Raises BadInput where arguments or inputs are given, which nothing reads."""
        if self.inputs or self.arguments or self.examples:
            raise BadInput(f"{because}; leave --input, --arg and --example out")


def free_target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of sizes and arguments, which the command receives as one `Beside`."""

    @RES
    @click.option("--batch", callback=positive("batch"), help="Batch size.  [default: 1]")
    @click.option(
        "--input",
        "inputs",
        multiple=True,
        help="The sizes of an input of your own network, whose names may be free: 1,T,64. "
        "Repeatable.",
    )
    @ARGUMENTS
    @EXAMPLES
    @wraps(command)
    def folded(
        res: tuple[int, int] | None,
        batch: int | None,
        inputs: tuple[str, ...],
        arguments: tuple[str, ...],
        examples: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return command(beside=Beside(res, batch, inputs, arguments, examples), **others)

    return folded
