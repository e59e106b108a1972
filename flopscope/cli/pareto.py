"""The command for frontiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_budget, device_files
from flopscope.cli.options import (
    ACCURACY,
    CONVENTION,
    FORMAT,
    OUTPUT,
    PLOT,
    positive,
    res_option,
)
from flopscope.cli.progress import counting
from flopscope.cli.quantities import NAMES, budget_options
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.counted import Given
    from flopscope.answers.devices import NamedDevice
    from flopscope.choosing.budgets import Budget
    from flopscope.choosing.front import Front
    from flopscope.choosing.points import Own, Question
    from flopscope.conventions import Convention
    from flopscope.present.plots.look import Look


@command()
@target_argument("targets", "[TARGET]...", nargs=-1)
@click.option(
    "--top1",
    "accuracies",
    multiple=True,
    help="The top-1 of a TARGET in per cent; give it once for each TARGET, in their order.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Sizes of an input of every TARGET of your own, 1,3,160,160. Repeatable.",
)
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    help="Argument of every TARGET of your own, name=value. Repeatable.",
)
@click.option(
    "--x",
    "costs",
    multiple=True,
    default=("macs",),
    help=f"The cost: {listed([*NAMES, 'latency'])}. Repeatable.  [default: macs]",
)
@click.option(
    "--results",
    metavar="FILE",
    help="A CSV of your own accuracies, in place of the published ones.",
)
@click.option(
    "--with-catalogue",
    "with_catalog",
    is_flag=True,
    help="Take the published accuracies beside those of --results.",
)
@res_option(
    "Count every TARGET at this input size, and take only accuracies at it: 224, or HxW as in "
    "192x256."
)
@CONVENTION
@ACCURACY
@click.option(
    "--family", "families", multiple=True, help="Take only networks of this family. Repeatable."
)
@budget_options("--max-{}", "Take only networks of at most {}.")
@device_budget(
    "--max-latency", "Where latency is taken: as published, or else predicted.", fitted=False
)
@click.option(
    "--batch",
    callback=positive("batch"),
    help="The batch of the latencies on --device.  [default: the commonest there]",
)
@click.option("--all", "every", is_flag=True, help="List the dominated networks too.")
@FORMAT
@OUTPUT
@PLOT
@click.option("--wide", is_flag=True, help="Draw as wide as both columns of a page, not as one.")
@style_options()
@answered
def pareto(
    targets: tuple[str, ...],
    accuracies: tuple[str, ...],
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    costs: tuple[str, ...],
    results: str | None,
    with_catalog: bool,
    res: tuple[int, int] | None,
    convention: Convention,
    accuracy: str | None,
    families: tuple[str, ...],
    every: bool,
    wide: bool,
    batch: int | None,
    device: NamedDevice | None,
    budgets: list[Budget],
) -> Answer:
    """Find the networks that no other beats in both cost and accuracy.

    \b
    flopscope pareto --max-macs 300M --max-params 5M --plot frontier.pdf
    flopscope pareto --x params --family ghostnet --family mobilenetv3 --all
    flopscope pareto --x latency --device i7-12700h-inductor --max-latency 15ms
    flopscope pareto --accuracy torchvision:V2 --res 224
    flopscope pareto --results results-imagenet.csv
    flopscope pareto net.py:Net --top1 71.3 --res 224
    flopscope pareto --x latency --device iphone12-coreml-fp16

    With budgets, the most accurate network that keeps them comes first. Accuracies are the
    published ones, each at the input size for which it was published. A TARGET with its --top1 is
    put among the published networks; it is a network of any kind, as `flopscope --help` lists
    them.

    The file of --results has timm's columns (model, img_size, top1, param_count), or model, top1
    and any of res, params, macs and latency_ms. The costs of catalogue models and of targets are
    computed; latencies are those on one --device, as published or else predicted. Costs of other
    models are as the file states them; where it states none, models of timm and torchvision are
    counted.
    """
    from flopscope.answers.counted import Given
    from flopscope.choosing.own import own_points
    from flopscope.choosing.points import Question
    from flopscope.present.pareto import front_document
    from flopscope.present.provenance import of_front

    question = Question(costs, convention, res, families, tuple(budgets), accuracy, device, batch)
    _check_picture(costs, wide)
    own = own_points(targets, accuracies)
    if (inputs or arguments) and not own:
        raise BadInput("--input and --arg are for a TARGET; name one, or leave them out")
    made = Given(None, 1, inputs, arguments)
    with counting("counting") as tell:
        front = _front(question, results, with_catalog, own, made, tell)
    return Answer(
        front_document(front, every),
        of_front(front, results, device_files()),
        picture=lambda plot: _picture(front, plot.look, wide),
    )


def _check_picture(costs: Sequence[str], wide: bool) -> None:
    """Raises BadInput for a picture of several costs, and for --wide without a picture."""
    drawn = asked("plot_path") is not None
    if drawn and len(costs) > 1:
        raise BadInput(f"a plot has one cost, not {', '.join(costs)}; give --x once to draw")
    if wide and not drawn:
        raise BadInput("--wide is for a picture, and none is drawn; give --plot FILE too")
    if wide and asked("plot_size") is not None:
        raise BadInput("--wide is the size page, and --size gives another; give one of them")


def _front(
    question: Question,
    results: str | None,
    with_catalog: bool,
    own: Sequence[Own],
    given: Given,
    tell: Callable[[int, int], None],
) -> Front:
    """The front of the published accuracies or of those in a file, or of both, and of targets."""
    from flopscope.catalog.results import read_results
    from flopscope.choosing.front import Front
    from flopscope.choosing.points import points

    if with_catalog and results is None:
        raise BadInput(
            "--with-catalogue adds the published accuracies to those of --results FILE; give both"
        )
    if question.accuracy is not None and results is not None and not with_catalog:
        raise BadInput(
            "--accuracy chooses among published accuracies, and --results takes those of a file "
            "in their place; leave one of them out, or add --with-catalogue"
        )
    mine = None if results is None else read_results(results)
    return Front(question, points(question, mine, mine is None or with_catalog, own, given, tell))


def _picture(front: Front, look: Look, wide: bool) -> Figure:
    from flopscope.present.plots.frontier import frontier_figure

    return frontier_figure(front, wide, look)
