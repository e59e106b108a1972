"""The command that explains a reported number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_of, subject_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.reconciling.digits import Reported
    from flopscope.reconciling.search import Explanation
    from flopscope.reconciling.subjects import Subject


@command()
@target_argument("model", "TARGET")
@click.option("--reported", help="The work as it was reported, such as 579M or 1.14G.")
@click.option("--params", help="The parameters as they were reported, such as 4.2M.")
@click.option(
    "--tool",
    help="Try only the ways in which this tool counts. Without a number, say what the tool would "
    "answer.",
)
@subject_options
@FORMAT
@OUTPUT
@answered
def reconcile(
    model: str, reported: str | None, params: str | None, tool: str | None, given: Given
) -> Answer:
    """Find the way of counting that gives a reported number, term by term.

    TARGET is a network of any kind, as `flopscope --help` lists them. If no way of counting gives
    the number at this input, the nearest ones are shown with the difference that is left, and the
    exit status is 1. It is 1 too if --tool asks for an answer that is not modelled.

    \b
    flopscope reconcile mobilenetv1 --reported 579M
    flopscope reconcile mobilenetv1 --params 4.24M
    flopscope reconcile net.py:Net --res 224 --tool thop
    """
    from flopscope.reconciling import search
    from flopscope.reconciling.digits import Reported

    if reported is None and params is None and tool is None:
        raise BadInput("give a number, such as --reported 579M or --params 4.2M, or --tool fvcore")
    work, stored = (None if text is None else Reported.parse(text) for text in (reported, params))
    if tool is not None:
        search.of_tool(tool)
    with waiting(f"reconciling {model}"):
        subject = subject_of(model, given)
        found = _explained(subject, work, stored, tool)
        if tool is not None and not found:
            return _answered(subject, tool)
    return _reconciled(found)


def _explained(
    subject: Subject, work: Reported | None, stored: Reported | None, tool: str | None
) -> list[Explanation]:
    """The explanation of each number that was reported."""
    from flopscope.reconciling import search

    found = [] if work is None else [search.explain_work(subject, work, tool)]
    return found if stored is None else [*found, search.explain_parameters(subject, stored)]


def _reconciled(found: list[Explanation]) -> Answer:
    from flopscope.present.provenance import of_readings
    from flopscope.present.reconcile import explanation_document

    return Answer(explanation_document(found), of_readings(), all(found))


def _answered(subject: Subject, tool: str) -> Answer:
    """What a tool would answer for the network."""
    from flopscope.present.provenance import of_readings
    from flopscope.present.reconcile import tool_document
    from flopscope.reconciling import search

    answers = search.answers(subject, tool)
    document = tool_document(subject, tool, answers)
    return Answer(document, of_readings(), isinstance(answers, tuple))
