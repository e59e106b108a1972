"""The command that holds a network to its budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.options import BATCH, FORMAT, OUTPUT, RES
from flopscope.cli.output import check_format, exported
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import budget_options
from flopscope.cli.solve import write_counted
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.search.budgets import Budget


@click.command(name="assert")
@click.argument("target", metavar="MODEL|TARGET")
@budget_options("--max-{}", "At most {}.")
@RES
@BATCH
@click.option(
    "--input", "inputs", multiple=True, help="Sizes of an input, 1,3,224,224. Repeatable."
)
@click.option(
    "--arg", "arguments", multiple=True, help="Argument of a target, name=value. Repeatable."
)
@click.option("--example", "examples", multiple=True, help="A named size of an ONNX file, batch=1.")
@FORMAT
@OUTPUT
def assert_(
    target: str,
    res: str | None,
    batch: str,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    format_name: str,
    output_path: str | None,
    budgets: list[Budget],
) -> None:
    """Exit 1 unless a network keeps its budgets, naming the layers that hold the excess.

    \b
    flopscope assert net.py:Net --max-macs 300M --max-params 5M --res 224
    flopscope assert mobilenetv2 --max-macs 310M

    TARGET is what `flopscope profile` takes; loading a Python target runs its code.
    """
    from flopscope.cli.subject import counted
    from flopscope.present.assert_ import verdict_document
    from flopscope.search.assertion import assess

    check_format(format_name)
    if not budgets:
        raise BadInput("no budget is given; give one, such as --max-macs 300M")
    with exported(output_path) as write:
        with waiting(f"counting {target}"):
            subject = counted(target, res, batch, inputs, arguments, examples)
        verdicts = assess(subject.asked.ledger, budgets)
        write_counted(write, verdict_document(target, verdicts), format_name)
    if not all(verdicts):
        raise click.exceptions.Exit(1)
