"""The command that counts a network at every design of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.beside import Beside, free_target_options
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_budget, device_files
from flopscope.cli.keeping import (
    Keeping,
    check_parquet,
    in_parquet,
    keep_options,
    kept,
    sources_of,
)
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
    from flopscope.timing.device import Device


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
@keep_options
@free_target_options
@budget_options("--max-{}", "Show only designs of at most {}.")
@device_budget("--max-latency", "Where the time is predicted that is the quantity latency of --of.")
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
    device: Device | None,
    budgets: list[Budget],
    keeping: Keeping | None,
) -> Answer:
    """Count a network at every combination of the values of its free sizes.

    TARGET is a network of any kind, as `flopscope --help` lists them. These sizes can be free: the
    side of a square input, called res; the batch; the options of a catalogue model, such as width;
    the numbers that a constructor takes; and the named sizes of an ONNX file.

    \b
    flopscope sweep mobilenetv2 --free width=0.25:2:0.25,res=160:256:32
    flopscope sweep net.py:Net --res 160 --free width=16:128:16 --plot sweep.pdf
    flopscope sweep mobilenetv2 --free res=160,224 --of latency --device pc.json
    flopscope sweep model.onnx --free batch=1,8,32 --of macs,peak

    Grids of more than 10,000 designs, and of up to 10^12, take --keep. With -o they go on where
    they were interrupted.

    \b
    flopscope sweep mobilenetv2 --keep all -o out.parquet \\
        --free width=0.25:2:0.01,res=32:512:8
    flopscope sweep efficientnet_b0 --keep count --max-macs 400M \\
        --free width=0.5:2:0.01,depth=0.5:2:0.01,H=32:512:8,W=32:512:8

    --plot draws the first quantity of --of, or the work without it: along one size as a line, along
    two as a line for each value of the second, as a heat map, or as level lines; along three as a
    heat map or level lines for each value of one of them. Of --keep histogram it draws the bars.
    The exit status is 1 if no design keeps the budgets.
    """
    most = {budget.quantity: budget.limit for budget in budgets}
    check_parquet()
    if keeping is not None:
        from flopscope.sweeping.answer import prepared

        read = partial(
            prepared, target, free or (), keeping.keep, quantities, gains=keeping.gains, most=most,
            convention=convention, device=device, fixed=beside.fixed,
        )  # fmt: skip
        return kept(target, read, keeping)
    from flopscope.answers.sweep import sweep as swept
    from flopscope.present.sweep import sweep_document

    if asked("plot_path") is not None:
        _check_picture(free)
    with counting(f"counting {target}") as tell:
        found = swept(
            target, free or (), quantities, most=most, convention=convention, tell=tell,
            device=device,
            **beside.given,
        )  # fmt: skip
    page = sweep_document(found)
    return Answer(
        page, sources_of(found.target, convention, device_files()), bool(found.kept.size),
        (lambda plot: _picture(found, plot)), content=in_parquet(page.tables[0]),
    )  # fmt: skip


def _check_picture(free: str) -> None:
    """Raises BadInput for a picture along more sizes than it can show."""
    from flopscope.answers.ranges import parse_ranges
    from flopscope.present.sweep_picture import check_drawn

    check_drawn(parse_ranges(free) if free else [])


def _picture(found: Sweep, plot: Plot) -> Figure:
    from flopscope.present.plots.parted import parted_figure
    from flopscope.present.plots.sweep import sweep_figure
    from flopscope.present.sweep_picture import picture_of, pictures_of

    if len(found.axes) > 2:
        return parted_figure(pictures_of(found), plot.look, plot.panel)
    return sweep_figure(picture_of(found), plot.look, plot.panel)
