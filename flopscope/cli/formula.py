"""The command for closed forms and laws."""

from __future__ import annotations

import click

from flopscope.cli.options import OUTPUT
from flopscope.cli.output import output
from flopscope.errors import BadInput


@click.command()
@click.argument("name", metavar="MODEL|BLOCK|LAW")
@click.option(
    "--of",
    "quantities",
    multiple=True,
    help="params, activations, traffic, or a convention. Repeatable.",
)
@click.option("--free", help="Options of a model to leave free, as in width,depth.")
@click.option("--when", "when", help="Sizes that need no rounding, as in 'H, W multiples of 32'.")
@click.option("--ideal", is_flag=True, help="Drop every rounding: a polynomial in the width too.")
@click.option(
    "--format",
    "format_name",
    default="text",
    show_default=True,
    help="text, latex, python or json.",
)
@OUTPUT
def formula(
    name: str,
    quantities: tuple[str, ...],
    free: str | None,
    when: str | None,
    ideal: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Print the closed form of a model or block, or derive a law.

    \b
    flopscope formula mobilenetv2 --when "H, W multiples of 32"
    flopscope formula mobilenetv2 --free width --ideal
    flopscope formula separable_conv
    flopscope formula separable_ratio
    flopscope formula width_law:mobilenetv2
    """
    from flopscope.catalog import formulas
    from flopscope.present.formula import FormulaPage, check_format, render_formulas, render_law

    check_format(format_name)
    with output(output_path) as write:
        if formulas.is_law(name):
            if quantities or free or when or ideal:
                raise BadInput(f"{name} is a law and takes no --of, --free, --when or --ideal")
            write(render_law(formulas.law(name), format_name))
            return
        named = free.split(",") if free else []
        found = [
            formulas.formula(name, quantity, named) for quantity in quantities or ("macs", "params")
        ]
        page = formulas.reshaped(found, formulas.parse_when(when) if when else {}, ideal)
        write(render_formulas(FormulaPage(*formulas.source(name), page), format_name))
