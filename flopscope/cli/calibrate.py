"""The command that makes a device from measured networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.calibrate_here import check_from_alone, here_options, measured_here
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import counting
from flopscope.cli.sections import command


@command()
@click.option(
    "--from", "table", metavar="FILE.csv",
    help="Measure nothing, and take a table of measured networks: model, device, runtime, dtype, "
    "batch, resolution and latency_ms or throughput_ips; or a benchmark of timm under timm's own "
    "file name.",
)  # fmt: skip
@click.option(
    "--device-name", help="The name of the device; without it, the table's or the machine's."
)
@click.option(
    "--sister", metavar="NAME|FILE",
    help="A device of the same runtime and type, whose constants times one scale are the start; "
    "few networks are enough then.",
)  # fmt: skip
@click.option("--skip-unknown", is_flag=True, help="Leave out networks that cannot be found.")
@here_options
@FORMAT
@OUTPUT
@answered
def calibrate(
    table: str | None,
    device_name: str | None,
    sister: str | None,
    skip_unknown: bool,
    here: Mapping[str, Any],
) -> Answer:
    """Make a device that predicts times, by measuring this machine or from a table.

    Here, 67 operators and 22 networks are run, in a minute or two; let nothing else run meanwhile.
    The measurements are written beside the device, laptop.csv beside laptop.json, and the tables
    are printed all the same. --from takes such measurements again.

    Every network of a table is counted, a model of the catalogue from its closed form and others by
    a trace, which takes a second or so each. The constants are fitted with families held out, and
    the error on these is printed beside the errors of simpler predictors. As JSON the answer is the
    device file, which `flopscope predict --device` takes.

    \b
    flopscope calibrate -o laptop.json
    flopscope calibrate --runtime ncnn --threads 4 -o laptop-ncnn.json
    flopscope calibrate --from laptop.csv -o laptop.json
    flopscope calibrate --from few.csv --sister laptop.json -o desk.json
    """
    from flopscope.answers import calibrate as answers
    from flopscope.present.calibrate import calibration_document
    from flopscope.present.provenance import Sources
    from flopscope.timing.builtin import device_of
    from flopscope.timing.latency_table import read_latencies

    known = None if sister is None else device_of(sister)
    refused: Mapping[str, str] = {}
    is_here = table is None
    if table is None:
        measured, table = measured_here(here, device_name)
        latencies, refused = list(measured.latencies), measured.refused
    else:
        check_from_alone(here)
        latencies = read_latencies(table)
    with counting("counting the networks") as progress:
        found = answers.calibrate(
            latencies, device_name, known, skip_unknown=skip_unknown, progress=progress
        )
    found = replace(found, left_out={**refused, **found.left_out})
    sources = Sources(files=() if table is None else (table,))
    return Answer(calibration_document(found), sources, told=is_here)
