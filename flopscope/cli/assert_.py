"""The command that holds a network to its budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.options import BATCH, FORMAT, OUTPUT, RES
from flopscope.cli.output import check_format, exported
from flopscope.cli.progress import waiting
from flopscope.cli.solve import budgets_of, write_counted
from flopscope.errors import BadInput

if TYPE_CHECKING:
    pass


@click.command(name="assert")
@click.argument("target", metavar="MODEL|TARGET")
@click.option("--max-macs", help="At most so many multiply-accumulates, such as 300M.")
@click.option("--max-params", help="At most so many parameters, such as 5M.")
@click.option("--max-activations", help="At most so many activations.")
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
    max_macs: str | None,
    max_params: str | None,
    max_activations: str | None,
    res: str | None,
    batch: str,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    format_name: str,
    output_path: str | None,
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
    given = {"macs": max_macs, "params": max_params, "activations": max_activations}
    limits = budgets_of(given, "--max-{}")
    if not limits:
        raise BadInput("no budget is given; give --max-macs, --max-params or --max-activations")
    with exported(output_path) as write:
        with waiting(f"counting {target}"):
            subject = counted(target, res, batch, inputs, arguments, examples)
        verdicts = assess(subject.asked.ledger, limits)
        write_counted(write, verdict_document(target, verdicts), format_name)
    if not all(verdicts):
        raise click.exceptions.Exit(1)
