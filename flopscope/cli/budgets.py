"""Commands that read costs backwards: solve, assert."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from flopscope.cli.options import BATCH, FORMAT, OUTPUT, RES, positive, resolution
from flopscope.cli.output import Export, check_format, command_line, exported, rendered
from flopscope.cli.progress import waiting
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.table import Document
    from flopscope.search.budgets import Budget


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--macs", help="At most so many multiply-accumulates, such as 150M.")
@click.option("--params", help="At most so many parameters, such as 4M.")
@click.option("--activations", help="At most so many activations.")
@click.option("--free", help="What to choose, joined by commas: width, res, depth, batch …")
@click.option("--when", help="An equation of two costs instead: 'attention = conv'.")
@RES
@click.option("--batch", help="Batch size.  [default: 1]")
@click.option("--step", help="Resolutions beside another free size are multiples.  [default: 32]")
@FORMAT
@OUTPUT
def solve(
    model: str,
    macs: str | None,
    params: str | None,
    activations: str | None,
    free: str | None,
    when: str | None,
    res: str | None,
    batch: str | None,
    step: str | None,
    format_name: str,
    output_path: str | None,
) -> None:
    """Find the largest network that keeps a budget, or where one cost overtakes another.

    \b
    flopscope solve mobilenetv3_large --macs 150M --free width
    flopscope solve efficientnet_b0 --macs 1G --params 8M --free width,res
    flopscope solve efficientnet_b0 --when 'conv = 100 linear'

    Exit 1 if no network keeps the budgets; the nearest that can be kept is named.
    """
    from flopscope.present import solve as present
    from flopscope.search.crossing import crossing
    from flopscope.search.solve import solve as solved

    check_format(format_name)
    limits = _budgets({"macs": macs, "params": params, "activations": activations}, "--{}")
    size, images = resolution(res), None if batch is None else positive("batch", batch)
    names = free.split(",") if free else []
    with exported(output_path) as write:
        if when is not None:
            if limits or step is not None or len(names) > 1:
                raise BadInput(
                    "--when is an equation along one free size; leave budgets, --step and further "
                    "free sizes out"
                )
            found = crossing(model, when, *names, res=size, batch=images or 1)
            _write(write, present.crossing_document(found), format_name, [str(found.variant)])
            if found.settled is None:
                raise click.exceptions.Exit(1)
            return
        with waiting(f"solving {model}"):
            solution = solved(
                model,
                limits,
                names,
                res=size,
                batch=images,
                step=None if step is None else positive("step", step),
            )
        document = present.solution_document(solution)
        _write(write, document, format_name, [str(solution.variant)])
    if not solution.designs:
        raise click.exceptions.Exit(1)


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
    from flopscope.present.assertion import verdict_document
    from flopscope.search.assertion import assess

    check_format(format_name)
    given = {"macs": max_macs, "params": max_params, "activations": max_activations}
    limits = _budgets(given, "--max-{}")
    if not limits:
        raise BadInput("no budget is given; give --max-macs, --max-params or --max-activations")
    with exported(output_path) as write:
        with waiting(f"counting {target}"):
            subject = counted(target, res, batch, inputs, arguments, examples)
        verdicts = assess(subject.asked.ledger, limits)
        _write(write, verdict_document(target, verdicts), format_name)
    if not all(verdicts):
        raise click.exceptions.Exit(1)


def _write(write: Export, document: Document, format_name: str, names: Iterable[str] = ()) -> None:
    """The document, and how it is made; both are about multiply-accumulates."""
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.sources import of_document

    command, counting = command_line(), CONVENTIONS["macs"]
    write(rendered(document, format_name), lambda: of_document(document, command, counting, names))


def _budgets(given: dict[str, str | None], option: str) -> list[Budget]:
    """The budgets whose text is given."""
    from flopscope.search.budgets import parse_budget

    return [
        parse_budget(option.format(quantity), quantity, text)
        for quantity, text in given.items()
        if text is not None
    ]
