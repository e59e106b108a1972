"""The command that reads costs backwards: which network keeps a budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from flopscope.cli.options import FORMAT, OUTPUT, RES, positive, resolution
from flopscope.cli.output import Export, check_format, command_line, exported, rendered
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import budget_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.table import Document
    from flopscope.search.budgets import Budget


@click.command()
@click.argument("model", metavar="MODEL")
@budget_options("--{}", "At most {}.")
@click.option("--free", help="What to choose, joined by commas: width, res, depth, batch …")
@click.option("--when", help="An equation of two costs instead: 'attention = conv'.")
@RES
@click.option("--batch", help="Batch size.  [default: 1]")
@click.option("--step", help="Resolutions beside another free size are multiples.  [default: 32]")
@FORMAT
@OUTPUT
def solve(
    model: str,
    free: str | None,
    when: str | None,
    res: str | None,
    batch: str | None,
    step: str | None,
    format_name: str,
    output_path: str | None,
    budgets: list[Budget],
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
    size, images = resolution(res), None if batch is None else positive("batch", batch)
    names = free.split(",") if free else []
    with exported(output_path) as write:
        if when is not None:
            if budgets or step is not None or len(names) > 1:
                raise BadInput(
                    "--when is an equation along one free size; leave budgets, --step and further "
                    "free sizes out"
                )
            found = crossing(model, when, *names, res=size, batch=images or 1)
            write_counted(
                write, present.crossing_document(found), format_name, [str(found.variant)]
            )
            if found.settled is None:
                raise click.exceptions.Exit(1)
            return
        with waiting(f"solving {model}"):
            solution = solved(
                model,
                budgets,
                names,
                res=size,
                batch=images,
                step=None if step is None else positive("step", step),
            )
        document = present.solution_document(solution)
        write_counted(write, document, format_name, [str(solution.variant)])
    if not solution.designs:
        raise click.exceptions.Exit(1)


def write_counted(
    write: Export, document: Document, format_name: str, names: Iterable[str] = ()
) -> None:
    """The document, and how it is made; both are about multiply-accumulates."""
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.sources import of_document

    command, counting = command_line(), CONVENTIONS["macs"]
    write(rendered(document, format_name), lambda: of_document(document, command, counting, names))
