"""The command that finds the networks that keep a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT, RES, names, positive, read_by
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import budget_options
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.search.budgets import Budget


@click.command()
@target_argument("model", "MODEL")
@budget_options("--{}", "At most {}.")
@click.option(
    "--free",
    callback=read_by(names),
    help="Options and sizes to choose, joined by commas, such as width,res,depth or batch.",
)
@click.option(
    "--when",
    metavar="EQUATION",
    help="Instead of a budget, an equation of two costs, such as 'attention = conv'.",
)
@RES
@click.option("--batch", callback=positive("batch"), help="Batch size.  [default: 1]")
@click.option(
    "--step",
    callback=positive("step"),
    help="Resolutions are multiples of this where another size is free too.  [default: 32]",
)
@FORMAT
@OUTPUT
@style_options()
@answered
def solve(
    model: str,
    free: Sequence[str] | None,
    when: str | None,
    res: tuple[int, int] | None,
    batch: int | None,
    step: int | None,
    budgets: list[Budget],
) -> Answer:
    """Find the largest network that keeps a budget, or where one cost overtakes another.

    \b
    flopscope solve mobilenetv3_large --macs 150M --free width
    flopscope solve efficientnet_b0 --macs 1G --params 8M --free width,res
    flopscope solve efficientnet_b0 --when 'conv = 100 linear'

    Exit 1 if no network keeps the budgets; the nearest that can be kept is named.
    """
    free = free or ()
    if when is None:
        return _kept(model, budgets, free, res, batch, step)
    if budgets or step is not None or len(free) > 1:
        raise BadInput(
            "--when is an equation along one free size; leave budgets, --step and further free "
            "sizes out"
        )
    return _crossed(model, when, free, res, batch or 1)


def _kept(
    model: str,
    budgets: Sequence[Budget],
    free: Sequence[str],
    res: tuple[int, int] | None,
    batch: int | None,
    step: int | None,
) -> Answer:
    """The largest networks within the budgets."""
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import Sources
    from flopscope.present.solve import solution_document
    from flopscope.search.solve import solve as solved

    with waiting(f"solving {model}"):
        found = solved(model, budgets, free, res=res, batch=batch, step=step)
    sources = Sources(CONVENTIONS["macs"], [str(found.variant)])
    return Answer(solution_document(found), sources, bool(found.designs))


def _crossed(
    model: str, when: str, free: Sequence[str], res: tuple[int, int] | None, batch: int
) -> Answer:
    """Where the costs of an equation are equal."""
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import Sources
    from flopscope.present.solve import crossing_document
    from flopscope.search.crossing import crossing

    found = crossing(model, when, *free, res=res, batch=batch)
    sources = Sources(CONVENTIONS["macs"], [str(found.variant)])
    return Answer(crossing_document(found), sources, found.settled is not None)
