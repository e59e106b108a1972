"""The commands about what there is: show, list, conventions."""

from __future__ import annotations

import click

from flopscope.cli.options import (
    BATCH,
    CONVENTION,
    FORM,
    FORMAT,
    OUTPUT,
    RES,
    SCALE,
    positive,
    resolution,
    scaling,
)
from flopscope.cli.output import (
    check_format,
    command_line,
    exported,
    rendered,
)


@click.command()
@click.argument("model", metavar="MODEL")
@RES
@SCALE
@BATCH
@FORM
@CONVENTION
@click.option("--by", default="layer", help="layer, block, stage or kind.", show_default=True)
@FORMAT
@OUTPUT
def show(
    model: str,
    res: str | None,
    scale: str | None,
    batch: str,
    form: str | None,
    convention: str,
    by: str,
    format_name: str,
    output_path: str | None,
) -> None:
    """Show one network layer by layer."""
    from flopscope.answers import compare as answers
    from flopscope.catalog.variant import with_form
    from flopscope.conventions import convention as named
    from flopscope.ledger import Level
    from flopscope.present.catalog import show_document
    from flopscope.present.sources import of_document

    check_format(format_name)
    with exported(output_path) as write:
        compared = answers.compare(
            with_form([model], form),
            res=resolution(res),
            batch=positive("batch", batch),
            scaling=scaling(scale),
        )
        shown = compared.entries[0]
        counting = named(convention)
        document = show_document(shown, counting, Level.named(by))
        text = rendered(document, format_name)
        write(text, lambda: of_document(document, command_line(), counting, [str(shown.variant)]))


@click.command(name="list")
@FORMAT
@OUTPUT
def list_models(format_name: str, output_path: str | None) -> None:
    """List the models, their options and papers."""
    from flopscope.present.catalog import list_document
    from flopscope.present.sources import of_document

    check_format(format_name)
    with exported(output_path) as write:
        document = list_document()
        write(rendered(document, format_name), lambda: of_document(document, command_line()))


@click.command()
@FORMAT
@OUTPUT
def conventions(format_name: str, output_path: str | None) -> None:
    """List the conventions: what each tool and the papers count."""
    from flopscope.present.catalog import conventions_document
    from flopscope.present.sources import of_document

    check_format(format_name)
    with exported(output_path) as write:
        document = conventions_document()
        write(rendered(document, format_name), lambda: of_document(document, command_line()))
