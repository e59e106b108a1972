"""The command that matches two networks row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import CONVENTION, FORM, FORMAT, OUTPUT
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.cli.tables import style_options

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.conventions import Convention


@command()
@target_argument("before", "TARGET")
@target_argument("after", "TARGET")
@subject_options
@FORM
@CONVENTION
@click.option("--by", help="Sum the differences by module, layer, block, stage or kind.")
@click.option("--all", "everything", is_flag=True, help="Show the rows that are the same, too.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if the networks differ, 0 if not.")
@FORMAT
@OUTPUT
@style_options()
@answered
def diff(
    before: str,
    after: str,
    given: Given,
    form: str | None,
    convention: Convention,
    by: str | None,
    everything: bool,
    exit_code: bool,
) -> Answer:
    """Show what was added, removed and changed between two networks, and what each change costs.

    TARGET is a network of any kind, as `flopscope --help` lists them. The rows of the two are
    matched by their names and by what they are, so a layer that only has another name is no
    difference.

    \b
    flopscope diff net.py:Net 'net.py:Net[width=24]' --res 224
    flopscope diff mobilenetv2 torchvision:mobilenet_v2
    flopscope diff net.py:Net net.onnx --res 224
    flopscope diff mobileclip_s0:form=train mobileclip_s0 --by stage

    A difference is the cost of the second network less that of the first, and the differences of
    the rows add up to that of the networks. Without --res or --input each network has the input
    that it is made for.
    """
    from flopscope.answers import diff as answers
    from flopscope.answers.target import is_catalog
    from flopscope.catalog.variant import with_form
    from flopscope.present.diff import diff_document
    from flopscope.present.provenance import of_entries

    traced = not all(map(is_catalog, (before, after)))
    first, second = with_form((before, after), form)
    with waiting(f"counting {before} and {after}", long=traced):
        found = answers.diff(first, second, **vars(given), convention_name=convention.name, by=by)
    document = diff_document(found, everything=everything)
    sources = of_entries(convention, [found.before, found.after])
    return Answer(document, sources, found.same or not exit_code)
