"""The command that recomputes published figures."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import waiting


@click.command()
@target_argument("models", "[MODEL...]", nargs=-1)
@click.option("--family", help="The figures of a family, such as mobilenetv3.")
@click.option("--summary", is_flag=True, help="Show only how many numbers have each verdict.")
@FORMAT
@OUTPUT
@answered
def audit(models: tuple[str, ...], family: str | None, summary: bool) -> Answer:
    """Recompute published figures: each is equal, explained by the reading of its table, an
    exception in it, or has a stated cause.

    Without a name it goes through all figures of the catalogue. Exit 1 if one that stands alone is
    left open.

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
