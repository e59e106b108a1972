"""The commands that show what the catalogue holds: list and conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.quantities import budget_options
from flopscope.cli.sections import command

if TYPE_CHECKING:
    from flopscope.choosing.budgets import Budget


@command(name="list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN...]")
@budget_options("--max-{}", "List only models of at most {}.")
@FORMAT
@OUTPUT
@answered
def list_models(patterns: tuple[str, ...], budgets: list[Budget]) -> Answer:
    """List the models of the catalogue, with their options, costs and papers.

    PATTERN is a word that the name of a model or family contains, such as ghost, or a pattern of
    the whole name, in which * stands for any letters and ? for one. Costs are those at the input
    size for which the model is made.

    \b
    flopscope list ghost
    flopscope list 'mobilenetv?' 'shufflenetv2*' --max-macs 300M
    """
    from flopscope.choosing.listing import listing
    from flopscope.present.catalog import list_document
    from flopscope.present.provenance import Sources

    return Answer(list_document(listing(patterns, budgets)), Sources())


@command()
@FORMAT
@OUTPUT
@answered
def conventions() -> Answer:
    """List the conventions: what each tool and the papers count."""
    from flopscope.present.catalog import conventions_document
    from flopscope.present.provenance import Sources

    return Answer(conventions_document(), Sources())
