"""The command that finds the networks that keep a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.beside import Beside, free_target_options
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_budget, device_files
from flopscope.cli.options import FORMAT, OUTPUT, positive
from flopscope.cli.progress import counting
from flopscope.cli.quantities import budget_options
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.cli.training import training_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.choosing.budgets import Budget
    from flopscope.timing.device import Device


@command()
@target_argument("target", "TARGET")
@budget_options("--{}", "At most {}.")
@device_budget("--latency", "Where the time of --latency is predicted.")
@click.option(
    "--free",
    help="The sizes to choose, with commas between them. A name may have its values: "
    "width=0.25:2:0.05 (from, to, step) or width=16,24,32.",
)
@click.option(
    "--when",
    metavar="EQUATION",
    help="Find where two costs are equal, such as 'attention = conv', in place of a budget.",
)
@free_target_options
@click.option(
    "--step",
    callback=positive("step"),
    help="The resolutions that are tried are multiples of this if another size is free too.  "
    "[default: 32]",
)
@training_options
@FORMAT
@OUTPUT
@style_options()
@answered
def solve(
    target: str,
    free: str | None,
    when: str | None,
    beside: Beside,
    step: int | None,
    optimizer: str | None,
    device: Device | None,
    budgets: list[Budget],
) -> Answer:
    """Find the largest network that keeps a budget, or where one cost overtakes another.

    TARGET is a network of any kind, as `flopscope --help` lists them. These sizes can be free: the
    side of a square input, called res; the batch; the options of a catalogue model, such as width;
    the numbers that a constructor takes; and the named sizes of an ONNX file.

    \b
    flopscope solve mobilenetv3_large --macs 150M --free width
    flopscope solve efficientnet_b0 --macs 1G --params 8M --free width,res
    flopscope solve mobilenetv2 --latency 9ms --device laptop.json --free width
    flopscope solve net.py:Net --macs 40M --free width=16:128:8 --res 160
    flopscope solve efficientnet_b0 --when 'conv = 100 linear'
    flopscope solve resnet50 --memory 8GB --free batch
    flopscope solve resnet50 --memory 8GB --free batch --training

    If no network keeps the budgets, the exit status is 1 and the nearest budget that can be kept is
    named.
    """
    if device is not None and not any(budget.measure for budget in budgets):
        raise BadInput("--device is for a time, and none is bounded; give --latency too")
    if optimizer is not None:
        if when is not None:
            raise BadInput("--training is for a budget of memory, and --when has none; give one")
        return _fitted(target, budgets, free or (), beside, step, optimizer)
    if when is None:
        return _kept(target, budgets, free or (), beside, step)
    if budgets or step is not None or "," in (free or ""):
        raise BadInput(
            "--when is an equation along one free size; leave budgets, --step and further free "
            "sizes out"
        )
    beside.refuse_all_but_sizes("--when is for models of the catalogue")
    return _crossed(target, when, (free,) if free else (), beside)


def _kept(
    target: str,
    budgets: Sequence[Budget],
    free: str | Sequence[str],
    beside: Beside,
    step: int | None,
) -> Answer:
    """The largest networks within the budgets."""
    from flopscope.choosing.solve import solve as solved
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import PACKAGES, Sources
    from flopscope.present.solve import solution_document

    with counting(f"solving {target}") as tell:
        found = solved(target, budgets, free, step=step, tell=tell, **beside.given)
    networks = [str(found.variant)] if found.variant else []
    packages = PACKAGES[found.target.source]
    sources = Sources(
        CONVENTIONS["macs"],
        networks,
        files=(*found.target.files, *device_files()),
        packages=packages,
    )
    return Answer(solution_document(found), sources, bool(found.designs))


def _fitted(
    name: str,
    budgets: Sequence[Budget],
    free: str | Sequence[str],
    beside: Beside,
    step: int | None,
    optimizer: str,
) -> Answer:
    """The largest batch of a training step within a memory."""
    from flopscope.answers.counted import Given
    from flopscope.answers.target import parse_target
    from flopscope.choosing.fitting import check_fit, largest_batch
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.fitting import fit_document
    from flopscope.present.provenance import PACKAGES, Sources

    budget = check_fit(budgets, free, step)
    given, arguments = beside.given, beside.given["arguments"]
    if given["batch"] is not None:
        raise BadInput("batch is given and free at once; leave one of them out")
    with counting(f"solving {name}"):
        target = parse_target(name)
        at = Given(given["res"], 1, given["inputs"], (), given["examples"])
        fit = largest_batch(target, budget, at, optimizer, arguments)
    packages = dict.fromkeys(("torch", *PACKAGES[target.source]))
    sources = Sources(CONVENTIONS["macs"], files=target.files, packages=tuple(packages))
    return Answer(fit_document(fit), sources, fit.fits is not None)


def _crossed(model: str, when: str, free: Sequence[str], beside: Beside) -> Answer:
    """Where the costs of an equation are equal."""
    from flopscope.choosing.crossing import crossing
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import Sources
    from flopscope.present.solve import crossing_document

    found = crossing(model, when, *free, res=beside.res, batch=beside.batch or 1)
    sources = Sources(CONVENTIONS["macs"], [str(found.variant)])
    return Answer(crossing_document(found), sources, found.settled is not None)
