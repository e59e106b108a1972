"""The commands that show what the catalogue holds: show, list, conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import BATCH, CONVENTION, FORM, FORMAT, OUTPUT, RES, SCALE
from flopscope.cli.quantities import budget_options

if TYPE_CHECKING:
    from flopscope.catalog.scaling import Scaling
    from flopscope.conventions import Convention
    from flopscope.search.budgets import Budget


@click.command()
@target_argument("model", "TARGET")
@RES
@SCALE
@BATCH
@FORM
@CONVENTION
@click.option(
    "--by",
    default="layer",
    help="A row for each layer, block, stage or kind of operator.",
    show_default=True,
)
@FORMAT
@OUTPUT
@answered
def show(
    model: str,
    res: tuple[int, int] | None,
    scaling: Scaling | None,
    batch: int,
    form: str | None,
    convention: Convention,
    by: str,
) -> Answer:
    """Show one network layer by layer.

    TARGET is a model of the catalogue, or what `flopscope profile` takes.

    \b
    flopscope show mobilenetv2 --by stage
    flopscope show timm:mobilenetv4_conv_small
    """
    from flopscope.answers import compare as answers
    from flopscope.catalog.variant import with_form
    from flopscope.ledger import Level
    from flopscope.present.catalog import show_document
    from flopscope.present.provenance import of_entries

    models = with_form([model], form)
    compared = answers.compare(models, res=res, batch=batch, scaling=scaling)
    shown = compared.entries[0]
    document = show_document(shown, convention, Level.named(by))
    return Answer(document, of_entries(convention, [shown]))


@click.command(name="list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN...]")
@budget_options("--max-{}", "List only models of at most {}.")
@FORMAT
@OUTPUT
@answered
def list_models(patterns: tuple[str, ...], budgets: list[Budget]) -> Answer:
    """List the models, their options and papers.

    PATTERN is a word that the name of a model or family contains, or a pattern of such names.
    Costs are those at the input size that the model is made for.

    \b
    flopscope list ghost
    flopscope list 'mobilenetv?' 'shufflenetv2*' --max-macs 300M
    """
    from flopscope.present.catalog import list_document
    from flopscope.present.provenance import Sources
    from flopscope.search.listing import listing

    return Answer(list_document(listing(patterns, budgets)), Sources())


@click.command()
@FORMAT
@OUTPUT
@answered
def conventions() -> Answer:
    """List the conventions: what each tool and the papers count."""
    from flopscope.present.catalog import conventions_document
    from flopscope.present.provenance import Sources

    return Answer(conventions_document(), Sources())
