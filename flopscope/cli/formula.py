"""The command that prints formulas: of the catalogue, of a law, of the reader's own module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from flopscope.cli.answering import Answer, answered, check_asked_format
from flopscope.cli.completing import target_argument
from flopscope.cli.options import PLAIN_OUTPUT, format_option, names, read_by
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import ADDITIVE
from flopscope.cli.sections import command
from flopscope.errors import BadInput, listed

USUAL = ("macs", "params")
"""The quantities that get a formula where --of names none."""


def _names_alone(text: str) -> list[str]:
    """The names of free sizes. Raises BadInput for values, which a formula does not take."""
    if "=" in text:
        name = text.partition("=")[0]
        raise BadInput(
            f"--free {text} gives values, and a formula holds for all of them; write --free "
            f"{name}, or count at the values with `flopscope sweep`"
        )
    return names(text)


def _formats() -> str:
    from flopscope.present import formula, laws

    more = [name for name in laws.FORMATS if name not in formula.FORMATS]
    return f"{listed(formula.FORMATS)}; of a law {listed(more)} too"


@command()
@target_argument("name", "MODEL|BLOCK|LAW|TARGET")
@click.option(
    "--of",
    "quantities",
    multiple=True,
    help=f"What to count: {', '.join(ADDITIVE)}, or a convention. Repeatable.",
)
@click.option(
    "--free",
    callback=read_by(_names_alone),
    help="Options of a model that are left free, as in width,depth.",
)
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
    "--example",
    "examples",
    multiple=True,
    help="The value that a free size has while the target is traced, C=48. Repeatable.",
)
@click.option(
    "--assume",
    "--when",  # the former name, which `solve` has for something else
    metavar="CONDITION",
    help="Assume that sizes are multiples, as in 'H, W multiples of 32'.",
)
@click.option(
    "--ideal",
    is_flag=True,
    help="Drop every rounding, so that the formula is a polynomial in the width too.",
)
@format_option(_formats, "text")
@PLAIN_OUTPUT
@answered
def formula(
    name: str,
    quantities: tuple[str, ...],
    free: list[str] | None,
    arguments: tuple[str, ...],
    inputs: tuple[str, ...],
    examples: tuple[str, ...],
    assume: str | None,
    ideal: bool,
) -> Answer:
    """Print a cost as a formula, with the sizes for which it holds.

    MODEL and BLOCK are names of the catalogue, and LAW is one that `flopscope laws` derives.
    TARGET is a class or function that makes an nn.Module, whose arguments may be free, a network
    of timm or torchvision, or an ONNX file, whose named sizes are free; `flopscope --help` says how
    each is written. A kernel size that is given as a name is taken as odd.

    \b
    flopscope formula mobilenetv2 --assume "H, W multiples of 32"
    flopscope formula mobilenetv2 --free width --ideal
    flopscope formula separable_conv
    flopscope formula separable-ratio
    flopscope formula width-law:mobilenetv2
    flopscope formula net.py:Block --arg in_channels=C --arg kernel_size=K
    flopscope formula model.onnx --input B,3,H,W
    """
    from flopscope.answers.graph_formula import is_graph
    from flopscope.answers.target import is_own
    from flopscope.laws import is_law

    if is_graph(name):
        if arguments:
            raise BadInput(f"{name} is an ONNX file, which takes no arguments; leave --arg out")
        return _of_graph(name, quantities or USUAL, free or (), inputs, examples, assume, ideal)
    own = is_own(name) and not is_law(name)
    if (arguments or inputs or examples) and not own:
        raise BadInput(
            f"{name} is not a target and takes no --arg, --input or --example; "
            "write a target as path/to/file.py:Name or package.module:Name"
        )
    if is_law(name):
        if quantities or free or assume or ideal:
            raise BadInput(f"{name} is a law and takes no --of, --free, --assume or --ideal")
        return _law(name)
    if own:
        if free or assume or ideal:
            raise BadInput(f"{name} is a target and takes no --free, --assume or --ideal")
        return _derived(name, arguments, inputs, quantities or USUAL, examples)
    return _closed(name, quantities or USUAL, free or (), assume, ideal)


def _of_graph(
    path: str,
    quantities: Sequence[str],
    free: Sequence[str],
    inputs: Sequence[str],
    examples: Sequence[str],
    assume: str | None,
    ideal: bool,
) -> Answer:
    """The formulas of an ONNX file in the named sizes of its inputs."""
    from flopscope.answers.formula import parse_multiples, reshaped
    from flopscope.answers.graph_formula import graph_formulas, graph_source
    from flopscope.arguments import parse_examples
    from flopscope.present.formula import FORMATS, FormulaPage

    check_asked_format(FORMATS)
    with waiting(f"reading {path}"):
        found, shapes = graph_formulas(path, quantities, free, inputs, parse_examples(examples))
    shaped = reshaped(found, parse_multiples(assume) if assume else {}, ideal)
    source, explained = graph_source(shapes), frozenset({"B", "H", "W"})
    page = FormulaPage(path, source, shaped, _cautions(quantities), explained)
    return Answer(page, formats=FORMATS)


def _law(name: str) -> Answer:
    from flopscope.laws import law
    from flopscope.present.laws import FORMATS, LawPage

    check_asked_format(FORMATS)
    return Answer(LawPage(name, law(name)), formats=FORMATS)


def _derived(
    target: str,
    arguments: Sequence[str],
    inputs: Sequence[str],
    quantities: Sequence[str],
    examples: Sequence[str],
) -> Answer:
    """The formulas of a reader's own class or function in its arguments."""
    from flopscope.answers.derive import derive
    from flopscope.answers.target import parse_target
    from flopscope.arguments import parse_examples
    from flopscope.present.derive import derivation_page
    from flopscope.present.formula import FORMATS

    check_asked_format(FORMATS)
    with waiting(f"deriving {target}"):
        network = parse_target(target)
        written = [*network.pairs, *arguments]
        found = derive(network.place, written, inputs, quantities, parse_examples(examples))
    page = replace(derivation_page(found), title=network.name)
    notes = [*page.notes, *_cautions(quantities)]
    return Answer(replace(page, notes=notes), formats=FORMATS)


def _closed(
    name: str, quantities: Sequence[str], free: Sequence[str], assume: str | None, ideal: bool
) -> Answer:
    """The closed forms of a model or block."""
    from flopscope.answers import formula as answers
    from flopscope.present.formula import FORMATS, FormulaPage

    check_asked_format(FORMATS)
    found = [answers.formula(name, quantity, free) for quantity in quantities]
    shaped = answers.reshaped(found, answers.parse_multiples(assume) if assume else {}, ideal)
    page = FormulaPage(*answers.publication(name), shaped, _cautions(quantities))
    return Answer(page, formats=FORMATS)


def _cautions(quantities: Sequence[str]) -> list[str]:
    from flopscope.present.quantities import cautions
    from flopscope.quantities import formulas

    return cautions(formulas()[name] for name in quantities)
