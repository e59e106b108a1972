"""The command that predicts how long networks take on a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_files, device_option
from flopscope.cli.options import ARGUMENTS, EXAMPLES, FORMAT, OUTPUT, RES, plot_options, positive
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.counted import Given
    from flopscope.answers.predict import Prediction
    from flopscope.cli.options import Plot
    from flopscope.timing.device import Device


@command()
@target_argument("targets", "TARGET...", nargs=-1, required=True)
@device_option("Where they run.", required=True)
@click.option(
    "--by", metavar="LEVEL", help="Show the parts of one network: stage, block, layer or kind."
)
@RES
@click.option(
    "--batch",
    callback=positive("batch"),
    help="Batch size; without it, the one that most networks had which the device was calibrated "
    "with.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="The sizes of an input of your own network, 1,3,224,224. Repeatable.",
)
@ARGUMENTS
@EXAMPLES
@click.option("--runtime", help="The runtime that is meant; refused if it is not the device's.")
@click.option("--dtype", help="The type of numbers; refused if it is not the device's.")
@FORMAT
@OUTPUT
@plot_options(
    option="roofline",
    words="Draw one network's units under the roofs of the device into a .png, .svg or .pdf; "
    "FILE.json beside it says how it was made.",
)
@answered
def predict(
    targets: tuple[str, ...],
    device: Device,
    by: str | None,
    res: tuple[int, int] | None,
    batch: int | None,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    runtime: str | None,
    dtype: str | None,
) -> Answer:
    """Predict how long networks take on a device, with an interval.

    TARGET is a network of any kind, as `flopscope --help` lists them. A device comes with
    flopscope, or from `flopscope calibrate`. Below the table stand where and how the networks ran
    that the device was calibrated with, and how far the predictions were from those of families
    that were held out.

    \b
    flopscope predict mobilenetv2 efficientnet_b0 --device i7-12700h-inductor
    flopscope predict net.py:Net --res 224 --device rtx4090-eager --by layer
    flopscope predict mobilenetv2 --device laptop.json --roofline roof.pdf
    """
    from flopscope.answers import predict as answers
    from flopscope.answers.target import parse_target
    from flopscope.ledger import Level
    from flopscope.present.predict import prediction_document
    from flopscope.present.provenance import PACKAGES, Sources

    if asked("plot_path") is not None and len(targets) != 1:
        raise BadInput(
            f"--roofline draws one network, and {len(targets)} are given; give one of them"
        )
    if by is not None:
        Level.named(by)
    networks = [parse_target(name) for name in targets]
    with waiting("counting networks", long=any(each.variant is None for each in networks)):
        found = answers.predict(
            networks, _given(res, inputs, arguments, examples), device, batch=batch,
            runtime=runtime, dtype=dtype,
        )  # fmt: skip
    files = [path for each in networks for path in each.files]
    files += device_files()
    packages = [name for each in networks for name in PACKAGES[each.source]]
    sources = Sources(files=tuple(dict.fromkeys(files)), packages=tuple(dict.fromkeys(packages)))
    return Answer(
        prediction_document(found, by), sources, picture=lambda plot: _picture(found, plot)
    )


def _picture(found: Sequence[Prediction], plot: Plot) -> Figure:
    from flopscope.present.plots.roofline import roofline_figure

    return roofline_figure(found[0], plot.look)


def _given(
    res: tuple[int, int] | None,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
) -> Given:
    from flopscope.answers.counted import Given
    from flopscope.cli.subject import examples_of

    return Given(res, 1, inputs, arguments, examples_of(examples))
