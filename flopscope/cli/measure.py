"""The command that runs networks and times them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT, positive
from flopscope.cli.progress import between
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.cli.tables import style_options

if TYPE_CHECKING:
    from flopscope.answers.counted import Given


@command()
@target_argument("targets", "TARGET...", nargs=-1, required=True)
@click.option(
    "--runtime",
    default="ort",
    show_default=True,
    help="What runs the networks: eager, compile, ort, openvino or ncnn.",
)
@click.option(
    "--threads", default="1", callback=positive("threads"), show_default=True,
    help="Threads that one run may use.",
)  # fmt: skip
@click.option(
    "--dtype",
    default="float32",
    show_default=True,
    help="The type of numbers: float32; bfloat16, float16 or amp where the runtime has it.",
)
@click.option(
    "--rounds",
    callback=positive("rounds"),
    help="Runs that are timed.  [default: as many as a second has, from 10 to 100]",
)
@click.option(
    "--on", "place", default="cpu", show_default=True, help="Where: on the cpu or a cuda GPU."
)
@click.option("--by", help="Show the time of each layer too: layer.")
@click.option(
    "--device-name", default="", help="What tables call this machine.  [default: its own]"
)
@subject_options
@style_options(rivals=True)
@FORMAT
@OUTPUT
@answered
def measure(targets: tuple[str, ...], given: Given, device_name: str, **how: Any) -> Answer:
    """Run networks and time them; exit 1 if one computes something else than PyTorch.

    Each network is run in a runtime on this machine: some times to warm up, then in timed rounds.
    The latency is the mean of the middle half of the rounds, beside quartiles, processor time, peak
    memory and, where the machine has a meter, energy. A busy machine is said to be busy. Weights
    and inputs are random and always the same. The CSV is what `flopscope calibrate` reads.

    \b
    flopscope measure mobilenetv2 efficientnet_b0 --res 224 -o laptop.csv
    flopscope measure net.py:Net --res 224 --runtime eager --threads 4
    flopscope measure model.onnx --runtime openvino --by layer
    """
    from flopscope.answers import measure as answers
    from flopscope.answers.how import How
    from flopscope.present.measure import formats_of, measurement_document
    from flopscope.present.provenance import Sources

    asked = How(device=device_name, **how)
    with between(f"measuring {', '.join(targets)}") as tell:
        found = answers.measure(targets, asked, given, tell=tell)
    files = [path for entry in found.entries for path in entry.target.files]
    sources = Sources(files=tuple(dict.fromkeys(files)), packages=packages(asked.runtime))
    page = measurement_document(found)
    return Answer(page, sources, found.agrees, formats=formats_of(found))


def packages(runtime: str) -> tuple[str, ...]:
    """The packages by which a network is run."""
    from flopscope.measured.runtimes import RUNTIMES

    return tuple(dict.fromkeys(("torch", *RUNTIMES[runtime].packages)))
