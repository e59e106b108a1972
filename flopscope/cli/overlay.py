"""The command that writes the costs of a file's nodes for the programs that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.answering import Answer, answered, check_asked_format
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_option
from flopscope.cli.options import CONVENTION, PLAIN_OUTPUT, checked_by, format_option
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.errors import listed

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.conventions import Convention
    from flopscope.timing.device import Device


def _text(data: Any) -> str:
    from flopscope.present.overlay import overlay_text

    return overlay_text(data)


def _check_viewer(name: str) -> None:
    from flopscope.present.overlay import check_viewer

    check_viewer(name)


FORMATS: Mapping[str, Callable[[Any], str]] = {"json": _text}
"""Viewers read JSON and nothing else."""


@command()
@target_argument("target", "TARGET")
@click.option(
    "--for", "viewer", required=True, metavar="VIEWER", callback=checked_by(_check_viewer),
    help="model-explorer or netron.",
)  # fmt: skip
@click.option(
    "--of", "quantities", multiple=True, metavar="QUANTITY",
    help="What each node has: macs, params, activations, traffic, latency … Repeatable; Model "
    "Explorer takes one.",
)  # fmt: skip
@CONVENTION
@device_option("Add the time that is predicted on a device.")
@subject_options
@format_option(partial(listed, FORMATS), "json")
@PLAIN_OUTPUT
@answered
def overlay(
    target: str,
    viewer: str,
    quantities: tuple[str, ...],
    convention: Convention,
    device: Device | None,
    given: Given,
) -> Answer:
    """Write what each node of an ONNX file costs, for a program that shows the file.

    Google's Model Explorer colours the nodes by one quantity: load the file with "Add per-node
    data". Netron shows all of them among the properties of a node: open the network, then open this
    file over it. TARGET is an ONNX file, which is not changed.

    \b
    flopscope overlay net.onnx --for model-explorer --of macs -o macs.json
    flopscope overlay net.onnx --for model-explorer --device laptop.json
    flopscope overlay net.onnx --for netron --example batch=1 -o costs.json
    """
    from flopscope.answers.overlay import overlay as laid
    from flopscope.answers.target import parse_target
    from flopscope.present.overlay import VIEWERS, asked_of

    check_asked_format(FORMATS)
    of = asked_of(viewer, quantities, timed=device is not None)
    found = laid(parse_target(target), given, convention, of, device)
    data = VIEWERS[viewer](found)
    for note in found.notes:
        click.echo(f"{found.target}: {note}.", err=True)
    return Answer(data, formats=FORMATS)
