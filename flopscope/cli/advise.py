"""The command that picks a network by the field's rules and by published accuracies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.options import ACCURACY, FORMAT, OUTPUT, positive, read_by, res_option
from flopscope.cli.quantities import budget_options
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.choosing.budgets import Budget
    from flopscope.choosing.wish import LatencyLimit


def _latency(text: str) -> LatencyLimit:
    from flopscope.choosing.wish import parse_latency

    return parse_latency("--max-latency", text)


@command()
@click.option(
    "--platform", metavar="NAME",
    help="Where it is to run: mobile, edge, server or gpu.",
)  # fmt: skip
@budget_options("--max-{}", "Take only networks of at most {}.")
@click.option(
    "--max-latency", "most_latency", callback=read_by(_latency), metavar="DEVICE:TIME",
    help="Take only networks of at most TIME on DEVICE, pixel3-cpu-tflite:15ms or "
    "laptop.json:15ms: as published, or else as predicted where the device has a fit.",
)  # fmt: skip
@click.option(
    "--batch", callback=positive("batch"),
    help="The batch of the latencies.  [default: the commonest there]",
)  # fmt: skip
@click.option(
    "--context", metavar="NAME",
    help="global where what is seen depends on the whole image, which takes attention.  "
    "[default: local]",
)  # fmt: skip
@click.option(
    "--tokens", callback=positive("tokens"), metavar="N",
    help="Take only networks whose attention relates at least N positions; a global context.",
)  # fmt: skip
@res_option("Take only accuracies at this input size: 224, or HxW as in 192x256.")
@ACCURACY
@FORMAT
@OUTPUT
@style_options()
@answered
def advise(
    platform: str | None,
    budgets: list[Budget],
    most_latency: LatencyLimit | None,
    batch: int | None,
    context: str | None,
    tokens: int | None,
    res: tuple[int, int] | None,
    accuracy: str | None,
) -> Answer:
    """Say which network to take, by which rule, and what published accuracies say of the rule.

    The networks that the field's rules of thumb name for the platform and the budgets are held
    against all networks of the catalogue with a published accuracy. It is said which of them
    another network beats, and what was ruled out and why.

    \b
    flopscope advise --platform mobile --max-params 6M --max-macs 300M
    flopscope advise --platform server --accuracy torchvision:V1
    flopscope advise --platform mobile --max-params 6M --context global
    flopscope advise --platform mobile --max-latency pixel3-cpu-tflite:15ms
    flopscope advise --platform edge --max-latency laptop.json:15ms
    """
    from flopscope.choosing.advise import advise as answer
    from flopscope.choosing.wish import Wish
    from flopscope.present.advise import advice_document
    from flopscope.present.provenance import of_front

    if platform is None:
        raise BadInput(
            "advice depends on where the network runs; give --platform mobile, edge, server or gpu"
        )
    wish = Wish(
        platform, tuple(budgets), most_latency, context or "local", tokens, res, accuracy, batch
    )
    found = answer(wish)
    sources = of_front(found.front, None, [] if most_latency is None else most_latency.files)
    return Answer(advice_document(found), sources)
