"""The command that counts a network at every design of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.beside import Beside, free_target_options
from flopscope.cli.completing import target_argument
from flopscope.cli.options import CONVENTION, FORMAT, OUTPUT, names, plot_options, read_by
from flopscope.cli.progress import counting
from flopscope.cli.quantities import NAMES, budget_options
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.errors import listed
from flopscope.present.panels import SWEEP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.sweep import Sweep
    from flopscope.choosing.budgets import Budget
    from flopscope.cli.options import Plot
    from flopscope.conventions import Convention


@command()
@target_argument("target", "TARGET")
@click.option(
    "--free",
    default="",
    help="The sizes and their values, with commas between them: width=0.25:2:0.25 (from, to, step) "
    "or res=160,192,224.",
)
@click.option(
    "--of",
    "quantities",
    default="params,macs",
    show_default=True,
    callback=read_by(names),
    help=f"What to count, with commas between the names: {listed(NAMES)}.",
)
@CONVENTION
@free_target_options
@budget_options("--max-{}", "Show only designs of at most {}.")
@FORMAT
@OUTPUT
@plot_options(SWEEP)
@style_options()
@answered
def sweep(
    target: str,
    free: str,
    quantities: Sequence[str],
    convention: Convention,
    beside: Beside,
    budgets: list[Budget],
) -> Answer:
    """Count a network at every combination of the values of its free sizes.

    TARGET is a network of any kind, as `flopscope --help` lists them. These sizes can be free: the
    side of a square input, called res; the batch; the options of a catalogue model, such as width;
    the numbers that a constructor takes; and the named sizes of an ONNX file.

    \b
    flopscope sweep mobilenetv2 --free width=0.25:2:0.25,res=160:256:32
    flopscope sweep net.py:Net --res 160 --free width=16:128:16 --plot sweep.pdf
    flopscope sweep model.onnx --free batch=1,8,32 --of macs,peak

    --plot draws the first quantity of --of, or the work without it: along one size as a line, along
    two as a line for each value of the second, or as a heat map. The exit status is 1 if no design
    keeps the budgets.
    """
    from flopscope.answers.sweep import sweep as swept
    from flopscope.present.provenance import PACKAGES, Sources
    from flopscope.present.sweep import sweep_document

    if asked("plot_path") is not None:
        _check_picture(free)
    most = {budget.quantity: budget.limit for budget in budgets}
    with counting(f"counting {target}") as tell:
        found = swept(
            target, free or (), quantities, most=most, convention=convention, tell=tell,
            **beside.given,
        )  # fmt: skip
    network = found.target
    sources = Sources(
        convention,
        [network.name] if network.variant else [],
        files=network.files,
        packages=PACKAGES[network.source],
    )
    holds = bool(found.kept.size)
    return Answer(sweep_document(found), sources, holds, (lambda plot: _picture(found, plot)))


def _check_picture(free: str) -> None:
    """Raises BadInput for a picture along more sizes than it can show."""
    from flopscope.answers.ranges import parse_ranges
    from flopscope.present.sweep_picture import check_drawn

    check_drawn([each.name for each in parse_ranges(free)] if free else [])


def _picture(found: Sweep, plot: Plot) -> Figure:
    from flopscope.present.plots.sweep import sweep_figure
    from flopscope.present.sweep_picture import picture_of

    return sweep_figure(picture_of(found), plot.look, plot.panel)
