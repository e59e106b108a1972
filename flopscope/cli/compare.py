"""The command that compares networks."""

from __future__ import annotations

import click

from flopscope.cli.options import (
    BATCH,
    CONVENTION,
    FORM,
    FORMAT,
    OUTPUT,
    PLOT,
    RES,
    SCALE,
    positive,
    resolution,
    scaling,
)
from flopscope.cli.output import (
    check_format,
    check_picture,
    command_line,
    exported,
    rendered,
    write_picture,
)
from flopscope.cli.progress import waiting


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@RES
@SCALE
@BATCH
@FORM
@CONVENTION
@click.option("--by", help="Split the count by stage, block, layer or kind.")
@click.option(
    "--check", is_flag=True, help="Compare with fvcore and torch on the real module (needs torch)."
)
@click.option(
    "--columns",
    help="Columns of a table for a paper: params,macs,top1,cite; a wrong one lists all.",
)
@click.option("--sort", help="Largest first by a column; +macs for smallest first.")
@click.option("--group", help="Rows under the names of their groups: family.")
@FORMAT
@OUTPUT
@PLOT
def compare(
    models: tuple[str, ...],
    res: str | None,
    scale: str | None,
    batch: str,
    form: str | None,
    convention: str,
    by: str | None,
    check: bool,
    columns: str | None,
    sort: str | None,
    group: str | None,
    format_name: str,
    output_path: str | None,
    plot_path: str | None,
) -> None:
    """Compare networks: parameters, work, activations, size, published accuracy.

    \b
    flopscope compare mobilenetv1 mobilenetv2 --res 224
    flopscope compare mobilenetv2 mobilenetv3_large --by kind --convention fvcore
    flopscope compare mobilenetv2 efficientnet_b0 --plot cost.pdf
    flopscope compare resnet50 efficientnet_b0 --scale phi=1,alpha=1.2,beta=1.1,gamma=1.15
    flopscope compare mobilenetv2 ghostnet_100 --columns params,macs,top1,cite --format latex

    --plot draws the count by stage and by kind, against input size and width, and against
    activations, as far as the networks have them. Ratios are to the first network. In LaTeX cite
    is \\cite with BibTeX entries in comments. With -o FILE, FILE.json says how the table is made:
    command, versions, convention and formulas.
    """
    from flopscope.answers import compare as answers
    from flopscope.catalog.variant import with_form
    from flopscope.ledger import Level
    from flopscope.present.compare import comparison_document
    from flopscope.present.paper import Layout, paper_document
    from flopscope.present.sources import DRAWING, of_comparison

    check_format(format_name)
    check_picture(plot_path)
    layout = Layout.parse(columns, sort, group) if columns or sort or group else None
    with exported(output_path) as write:
        with waiting(f"checking {', '.join(models)}", long=check):
            result = answers.compare(
                with_form(models, form),
                res=resolution(res),
                batch=positive("batch", batch),
                convention_name=convention,
                by=Level.named(by) if by else None,
                check=check,
                scaling=scaling(scale),
            )
        document = paper_document(result, layout) if layout else comparison_document(result)
        text = rendered(document, format_name)
        if plot_path is not None:
            from flopscope.present.plots.comparison import comparison_figure

            made = of_comparison(result, command_line(), DRAWING)
            write_picture(plot_path, comparison_figure(result), made)
        write(text, lambda: of_comparison(result, command_line()))
    if not result.agrees:
        raise click.exceptions.Exit(1)
