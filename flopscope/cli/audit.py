"""The command that recomputes published figures."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command


@command()
@target_argument("models", "[MODEL...]", nargs=-1)
@click.option("--family", help="The figures of a family, such as mobilenetv3.")
@click.option("--summary", is_flag=True, help="Show only how many numbers have each verdict.")
@FORMAT
@OUTPUT
@answered
def audit(models: tuple[str, ...], family: str | None, summary: bool) -> Answer:
    """Recompute the published figures of the catalogue.

    Each figure gets a verdict: it equals the exact count, it is explained by the way of counting
    of its table, it is an exception in that table, or it differs for a stated cause. Without a name
    all figures are recomputed. The exit status is 1 if nothing explains a figure that has no others
    beside it in its table.

    \b
    flopscope audit mobilenetv2
    flopscope audit --family efficientnet --format csv
    flopscope audit --summary
    """
    from flopscope.present.audit import audit_document
    from flopscope.present.provenance import of_readings
    from flopscope.reconciling import audit as answers

    with waiting("recomputing published figures"):
        findings = answers.audit(models, family)
    is_open = answers.FigureVerdict.OPEN
    holds = all(finding.verdict is not is_open for finding in findings)
    return Answer(audit_document(findings, whole=not summary), of_readings(), holds)
