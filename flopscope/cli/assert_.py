"""The command that holds a network to its budgets."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.options import FORMAT, OUTPUT, budgets
from flopscope.cli.progress import waiting
from flopscope.cli.subject import Given, subject_options
from flopscope.errors import BadInput


@click.command(name="assert")
@click.argument("target", metavar="MODEL|TARGET")
@click.option("--max-macs", help="At most so many multiply-accumulates, such as 300M.")
@click.option("--max-params", help="At most so many parameters, such as 5M.")
@click.option("--max-activations", help="At most so many activations.")
@subject_options
@FORMAT
@OUTPUT
@answered
def assert_(
    target: str,
    max_macs: str | None,
    max_params: str | None,
    max_activations: str | None,
    given: Given,
) -> Answer:
    """Exit 1 unless a network keeps its budgets, naming the layers that hold the excess.

    \b
    flopscope assert net.py:Net --max-macs 300M --max-params 5M --res 224
    flopscope assert mobilenetv2 --max-macs 310M

    TARGET is what `flopscope profile` takes; loading a Python target runs its code.
    """
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.assert_ import verdict_document
    from flopscope.present.provenance import Sources
    from flopscope.search.assertion import assess

    limits = budgets(
        {"macs": max_macs, "params": max_params, "activations": max_activations}, "--max-{}"
    )
    if not limits:
        raise BadInput("no budget is given; give --max-macs, --max-params or --max-activations")
    with waiting(f"counting {target}"):
        subject = given.counted(target)
    verdicts = assess(subject.asked.ledger, limits)
    sources = Sources(CONVENTIONS["macs"])
    return Answer(verdict_document(target, verdicts), sources, all(verdicts))
