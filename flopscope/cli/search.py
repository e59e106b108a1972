"""The command for the best designs of a design space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import space_argument
from flopscope.cli.options import FORMAT, OUTPUT, natural, plot_options, positive
from flopscope.cli.progress import counting
from flopscope.cli.quantities import ADDITIVE, budget_options
from flopscope.cli.sections import command
from flopscope.cli.space import SPACE_RES, file_in, latency_options
from flopscope.cli.tables import style_options
from flopscope.errors import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.choosing.budgets import Budget
    from flopscope.choosing.found import Search
    from flopscope.cli.options import Plot


@command()
@space_argument
@SPACE_RES
@click.option(
    "--accuracy",
    metavar="SOURCE",
    help="What is to be large: 'measured', a CSV of networks that you measured (FILE.csv or "
    "FILE.csv:COLUMN), a CSV of scores (slot, option, score), or file.py:function.",
)
@click.option(
    "--maximise",
    metavar="QUANTITY",
    help=f"In place of --accuracy, the largest {listed(ADDITIVE)}.",
)
@click.option(
    "--fit-rows", callback=positive("fit-rows"), metavar="N",
    help="Fit the accuracy on N of the measured networks only, and hold it against the rest.",
)  # fmt: skip
@budget_options("--max-{}", "Take only networks of at most {}.")
@latency_options("Take only")
@click.option(
    "--method", metavar="METHOD",
    help="dp, cp-sat or nsga2.  [default: dp for one budget, cp-sat for several, nsga2 for a "
    "function; a space that is a list has the method listing alone]",
)  # fmt: skip
@click.option("--front", "whole", is_flag=True, help="List the whole frontier, the best first.")
@click.option(
    "--seconds", callback=positive("seconds"), metavar="N",
    help="End CP-SAT after so long, with what it has found and the gap.  [default: 60]",
)  # fmt: skip
@click.option(
    "--evaluations", callback=positive("evaluations"), metavar="N",
    help="How many designs NSGA-II tries.  [default: 20,000]",
)  # fmt: skip
@click.option("--seed", callback=natural("seed"), help="The seed of all draws.  [default: 0]")
@FORMAT
@OUTPUT
@plot_options()
@style_options()
@answered
def search(
    target: str,
    res: int | None,
    accuracy: str | None,
    maximise: str | None,
    fit_rows: int | None,
    budgets: list[Budget],
    max_latency: str | None,
    batch: int | None,
    method: str | None,
    whole: bool,
    seconds: int | None,
    evaluations: int | None,
    seed: int | None,
) -> Answer:
    """Find the best network of a design space within budgets, with a proof where there can be one.

    SPACE is ofa_mobilenetv3, nas_bench_macro or another that docs/spaces.md lists, or one of your
    own, space.py:NAME.

    \b
    flopscope search nas_bench_macro --accuracy measured --max-macs 60M
    flopscope search ofa_mobilenetv3 --accuracy mine.csv \\
        --max-macs 300M --max-params 5.5M
    flopscope search ofa_mobilenetv3 --maximise params \\
        --max-latency pixel3-cpu-tflite:25ms
    flopscope search ofa_mobilenetv3 --maximise params --max-latency lut.csv:11
    flopscope search nas_bench_macro --accuracy rank.py:score --front

    A fitted accuracy is additive over the choices; how well it orders networks that it was not
    fitted on is printed beside it. An interrupt keeps what was found. The exit status is 1 if no
    network keeps the budgets.
    """
    from flopscope.choosing.found import EVALUATIONS, SECONDS, How
    from flopscope.choosing.search import search as searched
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import Sources
    from flopscope.present.search import search_document

    how = How(method, seed or 0, float(seconds or SECONDS), evaluations or EVALUATIONS, fit_rows)
    most = {budget.quantity: budget.limit for budget in budgets}
    with counting(f"searching {target}") as tell:
        found = searched(
            target, accuracy=accuracy, maximise=maximise, most=most, max_latency=max_latency,
            res=res, batch=batch, how=how, tell=tell,
        )  # fmt: skip
    return Answer(
        search_document(found, whole),
        Sources(
            CONVENTIONS["macs"],
            files=_files(target, accuracy, max_latency),
            others={"space": found.space.source},
        ),
        holds=found.holds,
        picture=_drawing(found),
    )


def _files(target: str, accuracy: str | None, max_latency: str | None) -> list[str]:
    """The files that were read."""
    named = (target, accuracy or "", (max_latency or "").rpartition(":")[0].strip())
    return [path for text in named if (path := file_in(text))]


def _drawing(found: Search) -> Callable[[Plot], Figure]:
    def picture(plot: Plot) -> Figure:
        from flopscope.present.plots.designfront import rise_figure
        from flopscope.present.search_picture import rise_of

        return rise_figure(rise_of(found), plot.look)

    return picture
