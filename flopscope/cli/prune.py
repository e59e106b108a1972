"""The command that says what a network costs when channels are removed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import ARGUMENTS, FORMAT, OUTPUT, RES, positive, read_by
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options


def _share(name: str) -> Callable[[str], Fraction]:
    def read(text: str) -> Fraction:
        from flopscope.answers.prune.prune import parse_share

        return parse_share(name, text)

    return read


@command()
@target_argument("target", "TARGET")
@click.option(
    "--keep", default="1", callback=read_by(_share("keep")), show_default=True,
    help="The share of the channels that each group keeps.",
)  # fmt: skip
@click.option(
    "--skip", "skips", multiple=True, metavar="LAYER",
    help="A layer, module or pattern whose channels all stay. Repeatable.",
)  # fmt: skip
@click.option(
    "--density", callback=read_by(_share("density")),
    help="In theory: the share of each layer's weights that is not zero.",
)  # fmt: skip
@click.option("--formula", is_flag=True, help="Add the formulas in the widths that are kept.")
@RES
@click.option("--batch", default="1", callback=positive("batch"), help="Batch size.  [default: 1]")
@click.option(
    "--input", "inputs", multiple=True,
    help="The sizes of an input of your own network. Repeatable.",
)  # fmt: skip
@ARGUMENTS
@FORMAT
@OUTPUT
@style_options()
@answered
def prune(
    target: str,
    keep: Fraction,
    skips: tuple[str, ...],
    density: Fraction | None,
    formula: bool,
    res: tuple[int, int] | None,
    batch: int,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
) -> Answer:
    """Say what a network costs when channels are removed from it.

    Channels that an addition or a depthwise convolution ties to each other are a group and go
    together; a group that is grouped, concatenated or moved in another way is kept whole. Needs
    torch, and traces the network. fs.prune also builds the slimmed module.

    \b
    flopscope prune mobilenetv2 --keep 0.5
    flopscope prune resnet50 --keep 0.7 --skip 'layer1.*' --formula
    flopscope prune net.py:Net --res 64 --keep 0.5 --density 0.3
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.prune.prune import prune as pruned
    from flopscope.answers.target import parse_target
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import PACKAGES, Sources
    from flopscope.present.prune import prune_document

    network = parse_target(target).taking(arguments)
    with waiting(f"tracing {network.name}"):
        found = pruned(network, Given(res, batch, inputs), keep, skips, density)
    packages = tuple(dict.fromkeys(("torch", *PACKAGES[network.source])))
    sources = Sources(CONVENTIONS["macs"], files=network.files, packages=packages)
    return Answer(prune_document(found, formula=formula), sources)
