"""The command that holds a network to its budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_budget, device_files
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import waiting
from flopscope.cli.quantities import budget_options
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_of, subject_options
from flopscope.cli.training import training_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.choosing.budgets import Budget
    from flopscope.timing.device import Device


@command(name="assert")
@target_argument("target", "TARGET")
@budget_options("--max-{}", "At most {}.")
@device_budget("--max-latency", "Where the time of --max-latency is predicted.")
@subject_options
@training_options
@FORMAT
@OUTPUT
@answered
def assert_(
    target: str,
    given: Given,
    optimizer: str | None,
    device: Device | None,
    budgets: list[Budget],
) -> Answer:
    """Test that a network keeps its budgets.

    If it breaks one, the exit status is 1, and the largest layers that make up the excess are
    named. A network with an operator of unknown cost keeps no budget.

    \b
    flopscope assert net.py:Net --max-macs 300M --max-params 5M --res 224
    flopscope assert mobilenetv2 --max-macs 310M
    flopscope assert resnet50 --batch 64 --max-memory 8GB --training
    flopscope assert net.py:Net --res 224 --max-latency 12ms --device laptop.json

    TARGET is a network of any kind, as `flopscope --help` lists them.
    """
    from flopscope.answers.timed import warnings
    from flopscope.choosing.assertion import assess
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.assert_ import verdict_document
    from flopscope.present.provenance import Sources

    if device is not None and not any(budget.measure for budget in budgets):
        raise BadInput("--device is for a time, and none is bounded; give --max-latency too")
    if not budgets:
        raise BadInput("no budget is given; give one, such as --max-macs 300M")
    if optimizer is not None:
        return _held(target, given, budgets, optimizer)
    with waiting(f"counting {target}"):
        subject = subject_of(target, given)
    ledger = subject.asked.ledger
    verdicts = assess(ledger, budgets)
    warned = [] if device is None else warnings(target, ledger, device)
    sources = Sources(CONVENTIONS["macs"], files=tuple(device_files()))
    return Answer(verdict_document(target, verdicts, warned), sources, all(verdicts))


def _held(name: str, given: Given, budgets: list[Budget], optimizer: str) -> Answer:
    """The memory of a training step against its budget."""
    from flopscope.answers.target import parse_target
    from flopscope.answers.training_memory import Step
    from flopscope.choosing.fitting import check_fit
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.fitting import held_document
    from flopscope.present.provenance import PACKAGES, Sources

    limit = check_fit(budgets, "batch").limit
    target = parse_target(name).taking(given.pairs) if given.pairs else parse_target(name)
    with waiting(f"counting {name}"):
        held = Step(target, given, optimizer).whole(given.batch)
    packages = tuple(dict.fromkeys(("torch", *PACKAGES[target.source])))
    sources = Sources(CONVENTIONS["macs"], files=target.files, packages=packages)
    document = held_document(target.name, held, optimizer, limit)
    return Answer(document, sources, held.most <= limit)
