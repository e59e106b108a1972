"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.catalog.scaling import Scaling

FORMAT = click.option(
    "--format",
    "format_name",
    default="table",
    help="table, markdown, latex, csv, json or html.",
    show_default=True,
)
OUTPUT = click.option(
    "-o", "--output", "output_path", help="Write to this file, whole or not at all."
)
RES = click.option("--res", help="Input size, 224 or HxW as in 192x256. Default: each model's own.")
PLOT = click.option(
    "--plot",
    "plot_path",
    help="Draw it: a .png, .svg or .pdf, with its provenance beside it in .json.",
)
BATCH = click.option("--batch", default="1", help="Batch size.", show_default=True)
SCALE = click.option(
    "--scale",
    help="Compound scaling: phi=1,alpha=1.2,beta=1.1,gamma=1.15 multiplies depth by alpha^phi, "
    "width by beta^phi, resolution by gamma^phi; these are the defaults.",
)
CONVENTION = click.option(
    "--convention",
    default="macs",
    show_default=True,
    help="What to count; see `flopscope conventions`.",
)


FORM = click.option(
    "--form",
    help="train or deploy, of every model named that has both; deploy where nothing is said.",
)


def resolution(text: str | None) -> tuple[int, int] | None:
    """'224' or '192x256' as (height, width). Raises BadInput for any other text."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise BadInput(
            f"--res {text} is not a size of at least 1; "
            "give a number such as 224, or HxW such as 192x256"
        )
    return (int(parts[0]), int(parts[-1]))


def scaling(text: str | None) -> Scaling | None:
    """'phi=1,alpha=1.2' as a Scaling. Raises BadInput or UnknownName."""
    from flopscope.catalog.scaling import parse_scaling

    return None if text is None else parse_scaling(text)


def positive(name: str, text: str) -> int:
    """The text of an option as an integer from 1. Raises BadInput for any other text."""
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"--{name} {text} is not a positive integer; give one such as 1")
    return int(text)


def natural(name: str, text: str | None) -> int | None:
    """The text of an option as an integer from 0, None where it is not given. Raises BadInput for
    any other text."""
    if text is not None and not text.isdecimal():
        raise BadInput(f"--{name} {text} is not an integer from 0; give one such as 2")
    return None if text is None else int(text)


def inputs_or_res(inputs: tuple[str, ...], res: str | None, *, optional: bool) -> tuple[str, ...]:
    """The inputs, or that of a resolution. Raises BadInput unless one of the two is given."""
    if optional and not inputs and not res:
        return ()
    if bool(inputs) == bool(res):
        raise BadInput("give either --input, such as --input B,3,H,W, or --res, such as --res 224")
    size = resolution(res)
    return inputs if size is None else (f"1,3,{size[0]},{size[1]}",)
