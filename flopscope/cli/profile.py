"""The command for a network of the reader's own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import click

from flopscope.cli.options import CONVENTION, OUTPUT, inputs_or_res, natural
from flopscope.cli.output import command_line, exported
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import ADDITIVE, listed


@click.command()
@click.argument("target", metavar="TARGET")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Sizes of an input, 1,3,224,224, B,3,H,W or ids=B,T:int64. Repeatable.",
)
@click.option("--res", help="Short for --input 1,3,RES,RES.")
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    help="Argument of the target: width=24, act=nn.GELU, 'config=Config(width=24)'. Repeatable.",
)
@click.option(
    "--example", "examples", multiple=True, help="Example of a free size, tokens=77. Repeatable."
)
@click.option(
    "--rules", help="Your own operators' rules, file.py:RULES: a mapping from name to rule."
)
@CONVENTION
@click.option(
    "--by",
    default="module",
    show_default=True,
    help="module (a tree), or flat by layer, operator (its kind), stage or block.",
)
@click.option("--depth", help="Fold the tree below this depth; 0 leaves the total.")
@click.option(
    "--sort", help=f"Largest first by count, as the convention counts, or {listed(ADDITIVE)}."
)
@click.option("--backward", is_flag=True, help="A training step: the backward pass too.")
@click.option("--strict", is_flag=True, help="Exit 1 if the cost of an operator is unknown.")
@click.option(
    "--format",
    "format_name",
    default="table",
    show_default=True,
    help="table, markdown, latex, csv, json or html; at free sizes python too.",
)
@OUTPUT
def profile(
    target: str,
    inputs: tuple[str, ...],
    res: str | None,
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    rules: str | None,
    convention: str,
    by: str,
    depth: str | None,
    sort: str | None,
    backward: bool,
    strict: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Trace your own network, a tree of modules: numbers, or closed forms at free sizes.

    TARGET is path/to/file.py:Name, package.module:Name, timm:NAME, torchvision:NAME or a model
    of the catalogue; Name is an nn.Module, or a class or function that makes one, Net.small or
    'Net(Config(width=16))' too. Loading a Python target runs its code. path/to/model.onnx is read
    and never run: it has inputs of its own, whose sizes --input replaces, and --example gives a
    named size its value.

    \b
    flopscope profile timm:convnext_tiny --res 224 --depth 2
    flopscope profile net.py:Net --res 224 --by operator --sort macs
    flopscope profile net.py:Net --arg width=24 --input B,3,H,W
    flopscope profile model.onnx

    A total over an operator that is not known is a lower bound, and printed with ≥.
    """
    from flopscope import arguments as texts
    from flopscope.answers import profile as answers
    from flopscope.conventions import convention as named
    from flopscope.present.profile import ProfileReport, check_view
    from flopscope.present.profile_formats import check_format, profile_text
    from flopscope.present.sources import of_document
    from flopscope.present.view import View
    from flopscope.sizes import Shape, is_symbolic

    graph = answers.is_onnx(target)
    inputs = inputs_or_res(inputs, res, optional=graph)
    view = View(named(convention), by, natural("depth", depth), sort)

    def check(shapes: Iterable[Shape]) -> None:
        free = any(map(is_symbolic, chain.from_iterable(shapes)))
        check_view(view, free=free)
        check_format(format_name, free=free)

    if not graph:  # whose sizes are in the file
        check(texts.parse_input(text).shape for text in inputs)
    values = texts.parse_arguments(arguments), texts.parse_examples(examples)
    with exported(output_path) as write:
        with waiting(f"{'reading' if graph else 'tracing'} {target}"):
            found = answers.profile(target, inputs, *values, rules, backward)
            check(found.shapes)
            report = ProfileReport(found, view)
            text = profile_text(report, format_name)
        packages = ("onnx",) if graph else ("torch",)
        command = command_line()
        write(
            text,
            lambda: of_document(report.document(), command, view.convention, packages=packages),
        )
    if strict and found.unknown(convention):
        raise click.exceptions.Exit(1)
