"""Commands about closed forms and laws: formula, laws."""

from __future__ import annotations

from dataclasses import replace

import click

from flopscope.cli.options import OUTPUT
from flopscope.cli.output import output
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import ADDITIVE
from flopscope.errors import BadInput


@click.command()
@click.argument("name", metavar="MODEL|BLOCK|LAW|TARGET")
@click.option(
    "--of",
    "quantities",
    multiple=True,
    help=f"{', '.join(ADDITIVE)}, or a convention. Repeatable.",
)
@click.option("--free", help="Options of a model to leave free, as in width,depth.")
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    help="Argument of a target, in free sizes: dim=h*d, norm='batch'. Repeatable.",
)
@click.option(
    "--input", "inputs", multiple=True, help="Sizes of a target's input, B,C,H,W. Repeatable."
)
@click.option(
    "--example", "examples", multiple=True, help="Example of a free size, C=48. Repeatable."
)
@click.option("--when", "when", help="Sizes that need no rounding, as in 'H, W multiples of 32'.")
@click.option("--ideal", is_flag=True, help="Drop every rounding: a polynomial in the width too.")
@click.option(
    "--format",
    "format_name",
    default="text",
    show_default=True,
    help="text, latex, python or json; of a law markdown too.",
)
@OUTPUT
def formula(
    name: str,
    quantities: tuple[str, ...],
    free: str | None,
    arguments: tuple[str, ...],
    inputs: tuple[str, ...],
    examples: tuple[str, ...],
    when: str | None,
    ideal: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Print the closed form of a model or block, derive a law, or derive your own module's formula.

    TARGET is path/to/file.py:Name or package.module:Name, a class or function that makes an
    nn.Module from the arguments; a kernel size that is a name is taken as odd. Loading a Python
    target runs its code.

    \b
    flopscope formula mobilenetv2 --when "H, W multiples of 32"
    flopscope formula mobilenetv2 --free width --ideal
    flopscope formula separable_conv
    flopscope formula separable-ratio
    flopscope formula width-law:mobilenetv2
    flopscope formula net.py:Block --arg in_channels=C --arg kernel_size=K
    """
    from flopscope.answers import formula as answers
    from flopscope.laws import is_law
    from flopscope.present.formula import FormulaPage, check_format, render_formulas
    from flopscope.present.quantities import cautions
    from flopscope.quantities import formulas

    if (arguments or inputs or examples) and not answers.is_target(name):
        raise BadInput(
            f"{name} is no target and takes no --arg, --input or --example; "
            "a target is written path/to/file.py:Name or package.module:Name"
        )
    if is_law(name):
        if quantities or free or when or ideal:
            raise BadInput(f"{name} is a law and takes no --of, --free, --when or --ideal")
        _write_law(name, format_name, output_path)
        return
    check_format(format_name)
    with output(output_path) as write:
        if answers.is_target(name):
            if free or when or ideal:
                raise BadInput(f"{name} is a target and takes no --free, --when or --ideal")
            write(_derived(name, arguments, inputs, quantities, examples, format_name))
            return
        named, asked = free.split(",") if free else [], quantities or ("macs", "params")
        found = [answers.formula(name, quantity, named) for quantity in asked]
        shaped = answers.reshaped(found, answers.parse_when(when) if when else {}, ideal)
        notes = cautions(formulas()[quantity] for quantity in asked)
        write(render_formulas(FormulaPage(*answers.source(name), shaped, notes), format_name))


@click.command()
@click.option(
    "--format", "format_name", default="text", show_default=True, help="text or markdown."
)
@OUTPUT
def laws(format_name: str, output_path: str | None) -> None:
    """Derive every law, with worked numbers; `flopscope formula NAME` derives one.

    docs/laws.md is what it writes as Markdown.
    """
    from flopscope.laws import LAWS, law
    from flopscope.present.law import LawPage, check_laws_format, render_laws

    check_laws_format(format_name)
    with output(output_path) as write:
        write(render_laws([LawPage(name, law(name)) for name in LAWS], format_name))


def _write_law(name: str, format_name: str, output_path: str | None) -> None:
    from flopscope.laws import law
    from flopscope.present.law import LawPage, check_law_format, render_law

    check_law_format(format_name)
    with output(output_path) as write:
        write(render_law(LawPage(name, law(name)), format_name))


def _derived(
    target: str,
    arguments: tuple[str, ...],
    inputs: tuple[str, ...],
    quantities: tuple[str, ...],
    examples: tuple[str, ...],
    format_name: str,
) -> str:
    from flopscope.answers.derive import derive
    from flopscope.arguments import parse_examples
    from flopscope.present.derive import derivation_page
    from flopscope.present.formula import render_formulas
    from flopscope.present.quantities import cautions
    from flopscope.quantities import formulas

    asked = quantities or ("macs", "params")
    with waiting(f"deriving {target}"):
        found = derive(target, arguments, inputs, asked, parse_examples(examples))
    page = derivation_page(found)
    notes = [*page.notes, *cautions(formulas()[quantity] for quantity in asked)]
    return render_formulas(replace(page, notes=notes), format_name)
