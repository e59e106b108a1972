"""The command that shows published latencies."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options


@command()
@target_argument("models", "[MODEL]...", nargs=-1)
@click.option(
    "--device",
    metavar="NAME",
    help="The device whose published latencies are taken; `flopscope latencies` lists them.",
)
@FORMAT
@OUTPUT
@style_options()
@answered
def latencies(models: tuple[str, ...], device: str | None) -> Answer:
    """Show latencies that others measured and published, each with its source.

    MODEL is a model of the catalogue. Without one, the networks of a device are shown, and without
    --device the devices.

    \b
    flopscope latencies
    flopscope latencies mobilenetv2 mobilenetv3_large
    flopscope latencies --device pixel3-cpu-tflite
    """
    from flopscope.answers.latencies import published_latencies
    from flopscope.present.latencies import latencies_document
    from flopscope.present.provenance import Sources

    found = published_latencies(models, device)
    return Answer(latencies_document(found), Sources(networks=found.networks))
