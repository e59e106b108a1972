"""The command that writes the page to explore."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked, check_asked_format
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_option
from flopscope.cli.files import check_file, is_stream
from flopscope.cli.options import checked_by, format_option
from flopscope.cli.progress import counting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.errors import BadInput, listed

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.timing.device import Device

FORMATS: Mapping[str, Callable[[str], str]] = {"html": str}
"""The page is HTML and nothing else."""


@command()
@target_argument("targets", "[TARGET]...", nargs=-1)
@subject_options
@device_option(
    "Predict times on this device, in place of all that come with flopscope. Repeatable.",
    multiple=True,
)
@click.option("--only", is_flag=True, help="Leave the catalogue out.")
@format_option(lambda: listed(FORMATS), "html")
@click.option(
    "-o", "--output", "output_path", default="explorer.html", show_default=True, metavar="FILE",
    callback=checked_by(check_file), help="The page, a single file; - for standard output.",
)  # fmt: skip
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
@answered
def explore(
    targets: tuple[str, ...], given: Given, device: tuple[Device, ...], only: bool, show: bool
) -> Answer:
    """Write a page that computes the cost of networks while sliders move their sizes.

    The page is one file that asks no server. It has the catalogue and your own TARGETs, which are
    chosen when it opens. A network that is not of the catalogue is traced in free sizes of its
    image; --input gives other inputs, and --res and --batch where the sliders begin. Times are
    predicted on the devices that come with flopscope, or on those that you name.

    \b
    flopscope explore --open
    flopscope explore mobilenetv2:width=0.6 net.py:Net --res 160 -o mine.html
    flopscope explore model.onnx --only --device laptop.json
    """
    from flopscope.answers.explore import explore as explored
    from flopscope.present.explorer.page import explorer_page

    check_asked_format(FORMATS)
    path = asked("output_path")
    if show and is_stream(path):
        raise BadInput("--open opens a file in a browser; give one with -o, such as explorer.html")
    with counting("reading networks") as tell:
        found = explored(targets, given, devices=device or None, only=only, tell=tell)
    with counting("writing the page") as tell:
        page = explorer_page(found, tell)
    return Answer(page, formats=FORMATS, written=lambda: _open(path) if show else None)


def _open(path: str) -> None:
    webbrowser.open(Path(path).resolve().as_uri())
