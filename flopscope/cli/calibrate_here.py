"""The options with which `calibrate` measures the machine at hand, and the measuring itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.answering import asked
from flopscope.cli.files import STANDARD_OUTPUT, check_file, write_with
from flopscope.cli.options import positive
from flopscope.cli.progress import between
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.calibrate_here import Here

OPTIONS = (
    click.option(
        "--runtime", help="What runs the networks: eager, compile, ort, openvino or ncnn.  "
        "[default: ort]",
    ),
    click.option(
        "--threads", callback=positive("threads"), help="Threads of a run.  [default: 1]"
    ),
    click.option("--batch", callback=positive("batch"), help="Images of a run.  [default: 1]"),
    click.option("--dtype", help="The type of numbers.  [default: float32]"),
    click.option("--on", "place", help="Where: on the cpu or a cuda GPU.  [default: cpu]"),
)  # fmt: skip
"""How this machine is measured. Without a value each is left to what it is usually."""


def here_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options. It receives those that were given as `here`."""

    @wraps(command)
    def folded(
        runtime: str | None,
        threads: int | None,
        batch: int | None,
        dtype: str | None,
        place: str | None,
        **others: Any,
    ) -> Any:
        all_of_them = {
            "runtime": runtime, "threads": threads, "batch": batch, "dtype": dtype, "place": place
        }  # fmt: skip
        here = {name: value for name, value in all_of_them.items() if value is not None}
        return command(here=here, **others)

    found: Callable[..., Any] = folded
    for option in reversed(OPTIONS):
        found = option(found)
    return found


def check_from_alone(here: Mapping[str, Any]) -> None:
    """Raises BadInput where a table is given and also how to measure."""
    if here:
        name = next(iter(here))
        option = "on" if name == "place" else name
        raise BadInput(
            f"--{option} says how to measure this machine, and --from gives measurements that were "
            "made before; leave one of them out"
        )


def measured_here(here: Mapping[str, Any], device_name: str | None) -> tuple[Here, str | None]:
    """What this machine takes for operators and networks, and the file beside the command's output
    that has been written with it; None where the answer is only printed.

    The file is checked before anything is measured, and written before anything is fitted, so that
    no measurement is lost.
    """
    from flopscope.answers.calibrate_here import measure_here
    from flopscope.answers.how import How
    from flopscope.timing.latency_table import latencies_csv

    how = How(**{name: here[name] for name in here if name != "batch"}, device=device_name or "")
    table = _table_beside(asked("output_path"))
    with between("measuring operators and networks, a minute or two") as tell:
        found = measure_here(how, here.get("batch") or 1, tell)
    if table is not None:
        write_with(table, latencies_csv(found.latencies).encode(), None)
    return found, table


def _table_beside(output: str | None) -> str | None:
    """The name of the table of measurements: the output's, ending in .csv. Raises BadInput where
    both would be the same file, and where it cannot be written."""
    if output is None or output == STANDARD_OUTPUT:
        return None
    table = str(PurePath(output).with_suffix(".csv"))
    if table == output:
        raise BadInput(
            f"--output {output} would be the table of measurements, which is written beside the "
            "device; give the device a name that ends in .json"
        )
    check_file(table)
    return table
