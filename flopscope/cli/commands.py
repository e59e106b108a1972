"""The commands: parse, call, print. No arithmetic here.

Each command imports what it needs when it runs: an answer must not wait for what it does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.options import (
    BATCH,
    CONVENTION,
    FORMAT,
    OUTPUT,
    RES,
    positive,
    resolution,
)
from flopscope.cli.output import output
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.table import Document


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(package_name="flopscope-analytic", prog_name="flopscope")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """What does this network cost? Exactly, and with reasons.

    MODEL is a name of `flopscope list`, with options after a colon: mobilenetv2:width=1.4
    """


@cli.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@RES
@BATCH
@CONVENTION
@click.option("--by", help="Split the count by stage, block, layer or kind.")
@click.option(
    "--check", is_flag=True, help="Compare with fvcore and torch on the real module (needs torch)."
)
@FORMAT
@OUTPUT
def compare(
    models: tuple[str, ...],
    res: str | None,
    batch: str,
    convention: str,
    by: str | None,
    check: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Compare networks: parameters, work, activations, size, published accuracy.

    \b
    flopscope compare mobilenetv1 mobilenetv2 --res 224
    flopscope compare mobilenetv2 mobilenetv3_large --by kind --convention fvcore
    """
    from flopscope import comparison
    from flopscope.ledger import Level
    from flopscope.present.compare import comparison_document

    _check_format(format_name)
    with output(output_path) as write:
        result = comparison.compare(
            models,
            res=resolution(res),
            batch=positive("batch", batch),
            convention_name=convention,
            by=Level.named(by) if by else None,
            check=check,
        )
        write(_render(comparison_document(result), format_name))
    if not result.agrees:
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("model", metavar="MODEL")
@RES
@BATCH
@CONVENTION
@click.option("--by", default="layer", help="layer, block, stage or kind.", show_default=True)
@FORMAT
@OUTPUT
def show(
    model: str,
    res: str | None,
    batch: str,
    convention: str,
    by: str,
    format_name: str,
    output_path: str | None,
) -> None:
    """Show one network layer by layer."""
    from flopscope import comparison
    from flopscope.conventions import convention as named
    from flopscope.ledger import Level
    from flopscope.present.catalog import show_document

    _check_format(format_name)
    with output(output_path) as write:
        compared = comparison.compare([model], res=resolution(res), batch=positive("batch", batch))
        write(
            _render(
                show_document(compared.entries[0], named(convention), Level.named(by)), format_name
            )
        )


@cli.command(name="list")
@FORMAT
@OUTPUT
def list_models(format_name: str, output_path: str | None) -> None:
    """List the models, their options and papers."""
    from flopscope.present.catalog import list_document

    _check_format(format_name)
    with output(output_path) as write:
        write(_render(list_document(), format_name))


@cli.command()
@FORMAT
@OUTPUT
def conventions(format_name: str, output_path: str | None) -> None:
    """List the conventions: what each tool and the papers count."""
    from flopscope.present.catalog import conventions_document

    _check_format(format_name)
    with output(output_path) as write:
        write(_render(conventions_document(), format_name))


@cli.command()
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


@cli.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@RES
@BATCH
@click.option(
    "--prove", is_flag=True, help="Prove it for all sizes: trace the module with symbolic B, H, W."
)
@FORMAT
@OUTPUT
def check(
    models: tuple[str, ...],
    res: str | None,
    batch: str,
    prove: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Check the closed form against the real module, row by row; exit 1 on any difference.

    The witnesses are fvcore and torch's FlopCounterMode on the reference PyTorch module. With
    --prove, the formula traced from the module's code, as an identity in B, H and W.
    """
    from flopscope import comparison
    from flopscope.present.agreement import agreement_document, proof_document

    _check_format(format_name)
    if prove and (res is not None or batch != "1"):
        raise BadInput(
            "--prove holds for every size and takes neither --res nor --batch; leave them out"
        )
    with output(output_path) as write:
        if prove:
            proved = comparison.proofs(models)
            write(_render(proof_document(proved), format_name))
            if not all(proof for _, proof in proved):
                raise click.exceptions.Exit(1)
            return
        result = comparison.compare(
            models, res=resolution(res), batch=positive("batch", batch), check=True
        )
        write(_render(agreement_document(result.entries), format_name))
    if not result.agrees:
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("target", metavar="TARGET")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Sizes of an input, 1,3,224,224 or B,3,H,W. Repeatable.",
)
@click.option("--res", help="Short for --input 1,3,RES,RES.")
@click.option(
    "--arg", "arguments", multiple=True, help="Argument of the target, name=value. Repeatable."
)
@click.option(
    "--example", "examples", multiple=True, help="Example of a free size, tokens=77. Repeatable."
)
@CONVENTION
@click.option("--by", default="layer", help="layer, block, stage or kind.", show_default=True)
@click.option(
    "--strict", is_flag=True, help="Exit 1 if an operator is unknown or a branch was assumed."
)
@click.option(
    "--format", "format_name", help="As for compare; with free sizes text, latex, python or json."
)
@OUTPUT
def profile(
    target: str,
    inputs: tuple[str, ...],
    res: str | None,
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    convention: str,
    by: str,
    strict: bool,
    format_name: str | None,
    output_path: str | None,
) -> None:
    """Trace your own network: a table at numbers, closed forms at free sizes.

    TARGET is path/to/file.py:Name, package.module:Name, timm:NAME, torchvision:NAME or a model
    of the catalogue; Name is an nn.Module, or a class or function that makes one. Loading a
    Python target runs its code.

    \b
    flopscope profile net.py:Net --res 224
    flopscope profile net.py:Net --arg width=24 --input B,3,H,W
    """
    from flopscope import profiling
    from flopscope.conventions import convention as named
    from flopscope.ledger import Level
    from flopscope.present.profile import profile_text

    if bool(inputs) == bool(res):
        raise BadInput("give either --input, such as --input B,3,H,W, or --res, such as --res 224")
    if res:
        height, width = resolution(res) or (0, 0)
        inputs = (f"1,3,{height},{width}",)
    counting, level = named(convention), Level.named(by)
    with output(output_path) as write:
        found = profiling.profile(
            target, inputs, profiling.parse_arguments(arguments), profiling.parse_examples(examples)
        )
        write(profile_text(found, counting, level, format_name))
    if strict and found.unknown:
        raise click.exceptions.Exit(1)


def _render(document: Document, format_name: str) -> str:
    from flopscope.present.render import render

    return render(document, format_name)


def _check_format(name: str) -> None:
    from flopscope.present.render import check_format

    check_format(name)
