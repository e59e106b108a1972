"""The command that compares networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.bibliography import BIB
from flopscope.cli.columns import columns_option
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_files, device_option
from flopscope.cli.options import (
    ACCURACY,
    CONVENTION,
    FORM,
    FORMAT,
    OUTPUT,
    SCALE,
    plot_options,
)
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.cli.tables import style_options
from flopscope.present.panels import COMPARISON

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.compare import Comparison
    from flopscope.answers.counted import Given
    from flopscope.catalog.scaling import Scaling
    from flopscope.cli.options import Plot
    from flopscope.conventions import Convention
    from flopscope.present.table import Document
    from flopscope.timing.device import Device


@command()
@target_argument("models", "TARGET...", nargs=-1, required=True)
@subject_options
@SCALE
@FORM
@CONVENTION
@ACCURACY
@click.option("--by", help="Split the count by stage, block, layer or kind.")
@click.option(
    "--check",
    is_flag=True,
    help="Compare with what fvcore and torch count on the real module; needs torch.",
)
@columns_option("NETWORKS", "The columns of the table, such as params,macs,top1,cite.")
@click.option(
    "--sort",
    help="Order the rows by a column, the largest first, or the smallest first as in +macs. Groups "
    "keep this order.",
)
@device_option("Add the latency that is predicted on a device. Repeatable.", multiple=True)
@click.option("--group", help="Put the rows under headings, by family or by source.")
@FORMAT
@OUTPUT
@plot_options(COMPARISON)
@style_options(rivals=True)
@BIB
@answered
def compare(
    models: tuple[str, ...],
    given: Given,
    scaling: Scaling | None,
    form: str | None,
    convention: Convention,
    accuracy: str | None,
    by: str | None,
    check: bool,
    columns: str | None,
    sort: str | None,
    group: str | None,
    device: tuple[Device, ...],
) -> Answer:
    """Compare the parameters, work, activations, size and published accuracy of networks.

    TARGET is a network of any kind, as `flopscope --help` lists them, and a table may mix kinds.
    --arg is given to every network of your own, and --input to all of them.

    \b
    flopscope compare mobilenetv1 mobilenetv2 --res 224
    flopscope compare net.py:Net 'net.py:Net[width=0.5]' timm:resnet18 --res 224
    flopscope compare mobilenetv2 mobilenetv3_large --by kind --convention fvcore
    flopscope compare mobilenetv2 efficientnet_b0 --plot cost.pdf
    flopscope compare resnet50 efficientnet_b0 --scale phi=1,alpha=1.2,beta=1.1
    flopscope compare mobilenetv1 mobilenetv2 --device laptop.json --sort +latency
    flopscope compare mobilenetv2 ghostnet_100 --columns macs,cite --format latex

    The columns Size and Work are ratios to the first network. --plot draws the work by stage and
    by kind of operator, against the input size, the width and the activations; --panel draws one
    of these alone. In LaTeX the column cite holds \\cite, and the BibTeX entries stand in comments
    unless --bib writes them into a file.
    """
    from flopscope.answers import compare as answers
    from flopscope.answers.target import is_catalog
    from flopscope.catalog.variant import with_form
    from flopscope.ledger import Level
    from flopscope.present.citations import bibliography, papers
    from flopscope.present.compare import comparison_document
    from flopscope.present.provenance import of_comparison

    layout = _layout(columns, sort, group, device)
    traced = not all(map(is_catalog, models))
    doing = "checking" if check else "counting"
    with waiting(f"{doing} {', '.join(models)}", long=check or traced):
        found = answers.compare(
            with_form(models, form),
            **vars(given),
            convention_name=convention.name,
            accuracy=accuracy,
            by=Level.named(by) if by else None,
            check=check,
            scaling=scaling,
            devices=device,
        )
    return Answer(
        comparison_document(found) if layout is None else layout(found),
        of_comparison(found, device_files()),
        found.agrees,
        lambda plot: _picture(found, plot),
        bibliography=bibliography(papers(found)),
    )


def _layout(
    columns: str | None, sort: str | None, group: str | None, devices: Sequence[Device]
) -> Callable[[Comparison], Document] | None:
    """What lays a comparison out as the options say; None where none is given."""
    if (columns, sort, group) == (None, None, None):
        return None
    from flopscope.present.paper import Layout, paper_document

    names = [each.name for each in devices]
    return partial(paper_document, layout=Layout.parse(columns, sort, group, names))


def _picture(comparison: Comparison, plot: Plot) -> Figure:
    from flopscope.present.plots.comparison import comparison_figure

    return comparison_figure(comparison, plot.look, plot.panel)
