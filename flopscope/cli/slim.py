"""The command that slims EfficientFormer to a latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_files, device_option
from flopscope.cli.options import FORMAT, OUTPUT, RES, positive
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.timing.device import Device


@command()
@target_argument("target", "TARGET")
@device_option("Where the times of parts are predicted that --table has not.")
@click.option(
    "--latency", metavar="TIME", help="Slim until a run takes at most this time, such as 12ms."
)
@click.option(
    "--importance", metavar="FILE.csv",
    help="How important each block is: the columns block and importance, or block, importance_4d "
    "and importance_3d.",
)  # fmt: skip
@click.option(
    "--table", metavar="FILE.csv",
    help="Times of parts that you measured: part, stage, width and latency_ms; before, low_ms, "
    "high_ms, device, runtime, dtype and batch where they are known.",
)  # fmt: skip
@click.option("--every", is_flag=True, help="Show the actions that were not taken, too.")
@RES
@click.option(
    "--batch", callback=positive("batch"), help="Batch size; without it, the device's usual one."
)
@click.option("--runtime", help="The runtime that is meant; refused if it is not the device's.")
@click.option("--dtype", help="The type of numbers; refused if it is not the device's.")
@FORMAT
@OUTPUT
@answered
def slim(
    target: str,
    device: Device | None,
    latency: str | None,
    importance: str | None,
    table: str | None,
    every: bool,
    res: tuple[int, int] | None,
    batch: int | None,
    runtime: str | None,
    dtype: str | None,
) -> Answer:
    """Slim EfficientFormer block by block until it keeps a latency.

    TARGET is efficientformer_l1, l3 or l7, with a width and depth if you like. Each step drops the
    least important block, lets the first attending block pool, or narrows the least important stage
    by 16 channels: whichever loses least importance for each millisecond that it saves (arXiv
    2206.01191, section 3.3). The importances are yours, from a supernet that you trained; fs.slim
    takes a function that evaluates accuracies, too. Without --latency the times of all parts are
    listed, whose CSV is a form for --table.

    \b
    flopscope slim efficientformer_l7 --device i7-12700h-inductor --format csv
    flopscope slim efficientformer_l7 --device laptop.json \\
      --latency 40ms --importance a.csv
    flopscope slim efficientformer_l3 --table phone.csv \\
      --latency 3ms --importance a.csv
    """
    from flopscope.answers.target import parse_target
    from flopscope.choosing import slim as search
    from flopscope.present.provenance import Sources
    from flopscope.present.slim import parts_document, slimming_document

    network = parse_target(target)
    with waiting("slimming"):
        begun = search.start(
            network, device=device, table=table, res=res, batch=batch, runtime=runtime, dtype=dtype
        )
        files = [*(file for file in (table, importance) if file is not None), *device_files()]
        sources = Sources(networks=[str(network.variant)], files=tuple(files))
        if latency is None:
            if importance is not None or every:
                raise BadInput(
                    "--importance and --every are for slimming to a latency, and none is given; "
                    "give one such as --latency 12ms"
                )
            return Answer(parts_document(begun), sources)
        found = search.slim(begun, latency, importance)
        return Answer(slimming_document(found, every=every), sources)
