"""The command that makes a device from measured networks."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import counting
from flopscope.cli.sections import command


@command()
@click.option(
    "--from", "table", required=True, metavar="FILE.csv",
    help="A table of measured networks: model, device, runtime, dtype, batch, resolution and "
    "latency_ms or throughput_ips; or a benchmark of timm under timm's own file name.",
)  # fmt: skip
@click.option("--device-name", help="The name of the device; without it, the table's.")
@click.option(
    "--sister", metavar="FILE|NAME",
    help="A device of the same runtime and type, whose constants times one scale are the start; "
    "few networks are enough then.",
)  # fmt: skip
@click.option("--skip-unknown", is_flag=True, help="Leave out networks that cannot be found.")
@FORMAT
@OUTPUT
@answered
def calibrate(
    table: str,
    device_name: str | None,
    sister: str | None,
    skip_unknown: bool,
) -> Answer:
    """Make a device that predicts times, from a table of measured networks.

    Every network of the table is counted, a model of the catalogue from its closed form and others
    by a trace, which takes a second or so each. The constants are fitted with families held out,
    and the error on these is printed beside the errors of simpler predictors. As JSON the answer is
    the device file, which `flopscope predict --device` takes.

    \b
    flopscope calibrate --from laptop.csv -o laptop.json
    flopscope calibrate --from few.csv --sister laptop.json -o desk.json
    """
    from flopscope.answers import calibrate as answers
    from flopscope.present.calibrate import calibration_document
    from flopscope.present.provenance import Sources
    from flopscope.timing.builtin import device_of
    from flopscope.timing.latency_table import read_latencies

    latencies = read_latencies(table)
    known = None if sister is None else device_of(sister)
    with counting("counting the networks") as progress:
        found = answers.calibrate(
            latencies, device_name, known, skip_unknown=skip_unknown, progress=progress
        )
    return Answer(calibration_document(found), Sources(files=(table,)))
