"""The command for a network of the reader's own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.options import (
    CONVENTION,
    OUTPUT,
    PLOT,
    format_option,
    natural,
    res_option,
    table_formats,
)
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import ADDITIVE
from flopscope.errors import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.profile import Profile
    from flopscope.cli.options import Plot
    from flopscope.conventions import Convention
    from flopscope.present.profile import ProfileReport
    from flopscope.present.view import View
    from flopscope.sizes import Shape


@click.command()
@target_argument("target", "MODEL|TARGET")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Sizes of an input, 1,3,224,224, B,3,H,W or ids=B,T:int64. Repeatable.",
)
@res_option("Short for --input 1,3,SIZE,SIZE; HxW as in 192x256 is read too.")
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    help="Argument of the target: width=24, act=nn.GELU, 'config=Config(width=24)'. Repeatable.",
)
@click.option(
    "--example",
    "examples",
    multiple=True,
    help="A value at which the target runs in place of a free size, tokens=77. Repeatable.",
)
@click.option(
    "--rules", help="Rules of your own operators, file.py:RULES: a mapping from name to rule."
)
@CONVENTION
@click.option(
    "--by",
    default="module",
    show_default=True,
    help="A tree by module, or flat by layer, operator (its kind), stage or block.",
)
@click.option(
    "--depth",
    callback=natural("depth"),
    help="Fold the tree below this depth; 0 leaves the total alone.",
)
@click.option(
    "--sort", help=f"Largest first by count, as the convention counts, or {listed(ADDITIVE)}."
)
@click.option(
    "--backward", is_flag=True, help="Count a training step, which has the backward pass too."
)
@click.option("--strict", is_flag=True, help="Exit 1 if the cost of an operator is unknown.")
@format_option(lambda: f"{table_formats()}; at free sizes python too", "table")
@OUTPUT
@PLOT
@answered
def profile(
    target: str,
    inputs: tuple[str, ...],
    res: tuple[int, int] | None,
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    rules: str | None,
    convention: Convention,
    by: str,
    depth: int | None,
    sort: str | None,
    backward: bool,
    strict: bool,
) -> Answer:
    """Trace a network and print its modules as a tree, with numbers or, at free sizes, formulas.

    TARGET is path/to/file.py:Name, package.module:Name, timm:NAME or torchvision:NAME. Name is an
    nn.Module, or a class or function that makes one; Net.small, 'Net(Config(width=16))' and
    'Net[width=16]', which is --arg width=16, are read too. Loading a Python target runs its code.
    Without --input and --res the input is the image that a model of the catalogue, of timm or of
    torchvision is made for. path/to/model.onnx is read and never run: it has inputs of its own,
    whose sizes --input replaces, and --example gives a named size its value.

    \b
    flopscope profile timm:convnext_tiny --res 224 --depth 2
    flopscope profile mobilenetv2
    flopscope profile net.py:Net --res 224 --by operator --sort macs
    flopscope profile net.py:Net --res 224 --by layer --plot layers.pdf
    flopscope profile net.py:Net --arg width=24 --input B,3,H,W
    flopscope profile model.onnx

    A total over an operator whose cost is unknown is a lower bound, and printed with ≥.
    """
    from flopscope import arguments as texts
    from flopscope.answers import profile as answers
    from flopscope.answers.target import parse_target
    from flopscope.present.view import View

    network = parse_target(target)
    values, sizes = texts.parse_arguments(arguments), texts.parse_examples(examples)
    given = network.given(inputs, res)
    view = View(convention, by, depth, sort)
    if not network.is_graph:  # whose sizes are in the file
        _check(view, (one.shape for one in given))
    with waiting(f"{'reading' if network.is_graph else 'tracing'} {target}"):
        found = answers.profile(network, given, values, sizes, rules, backward)
    _check(view, found.shapes)
    return _laid_out(found, view, strict, ("onnx",) if network.is_graph else ("torch",))


def _check(view: View, shapes: Iterable[Shape]) -> None:
    """Raises BadInput or UnknownName for an order or a format that is not offered at these sizes,
    free or numbers."""
    from flopscope.present.profile import check_view
    from flopscope.present.profile_formats import check_profile_format
    from flopscope.sizes import is_symbolic

    free = any(map(is_symbolic, chain.from_iterable(shapes)))
    check_view(view, free=free)
    check_profile_format(asked("format_name"), free=free)


def _laid_out(found: Profile, view: View, strict: bool, packages: tuple[str, ...]) -> Answer:
    from flopscope.present.profile import ProfileReport
    from flopscope.present.profile_formats import FORMATS
    from flopscope.present.provenance import Sources

    holds = not (strict and found.unknown(view.convention.name))
    sources = Sources(view.convention, packages=packages)
    report = ProfileReport(found, view)
    return Answer(report, sources, holds, lambda plot: _picture(report, plot), FORMATS)


def _picture(report: ProfileReport, plot: Plot) -> Figure:
    from flopscope.present.plots.parts import profile_figure

    return profile_figure(report.profile, report.view, plot.look)
