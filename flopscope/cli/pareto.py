"""The command for frontiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.options import CONVENTION, FORMAT, OUTPUT, PLOT, resolution
from flopscope.cli.output import (
    check_format,
    check_picture,
    command_line,
    exported,
    rendered,
    write_picture,
)
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import NAMES, budget_options, listed
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.search.budgets import Budget


@click.command()
@click.option(
    "--x",
    "costs",
    multiple=True,
    default=("macs",),
    help=f"Cost: {listed([*NAMES, 'latency'])}. Repeatable.  [default: macs]",
)
@click.option(
    "--results", metavar="FILE", help="Your own accuracies, a CSV, in place of the published ones."
)
@click.option(
    "--with-catalogue", is_flag=True, help="With --results: the published accuracies too."
)
@click.option("--res", help="Only accuracies at this input size, 224 or HxW as in 192x256.")
@CONVENTION
@click.option("--family", "families", multiple=True, help="Only this family. Repeatable.")
@budget_options("--max-{}", "Only networks of at most {}.")
@FORMAT
@OUTPUT
@PLOT
@click.option("--wide", is_flag=True, help="Draw for both columns of a page, not for one.")
def pareto(
    costs: tuple[str, ...],
    results: str | None,
    with_catalogue: bool,
    res: str | None,
    convention: str,
    families: tuple[str, ...],
    format_name: str,
    output_path: str | None,
    plot_path: str | None,
    wide: bool,
    budgets: list[Budget],
) -> None:
    """Find the networks that no other beats in both cost and accuracy.

    \b
    flopscope pareto --max-macs 600M --res 224
    flopscope pareto --x params --family ghostnet --family mobilenetv3
    flopscope pareto --results results-imagenet.csv --plot frontier.pdf

    Accuracies are the published ones, each at the input size it was published for. FILE has timm's
    columns, model, img_size, top1, param_count, or model, top1 and any of res, params, macs and
    latency_ms; a name of timm, torchvision or the catalogue gets computed costs, any other keeps
    those it states.
    """
    from flopscope.catalog.results import read
    from flopscope.conventions import convention as named
    from flopscope.present.pareto import front_document
    from flopscope.present.sources import DRAWING, of_front
    from flopscope.search.front import Front
    from flopscope.search.points import Question, points

    check_format(format_name)
    question = Question(costs, named(convention), resolution(res), families, tuple(budgets))
    check_picture(plot_path)
    if plot_path is not None and len(costs) > 1:
        raise BadInput(f"a plot has one cost, not {', '.join(costs)}; give --x once to draw")
    if wide and plot_path is None:
        raise BadInput("--wide is the width of a picture; give --plot FILE too")
    if with_catalogue and results is None:
        raise BadInput("--with-catalogue adds the catalogue to --results FILE; give both")
    with exported(output_path) as write, waiting("counting"):
        mine = None if results is None else read(results)
        front = Front(question, points(question, mine, mine is None or with_catalogue))
        text = rendered(front_document(front), format_name)
        if plot_path is not None:
            from flopscope.present.plots.frontier import frontier_figure

            made = of_front(front, command_line(), results, DRAWING)
            write_picture(plot_path, frontier_figure(front, wide), made)
        write(text, lambda: of_front(front, command_line(), results))
