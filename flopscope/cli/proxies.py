"""The command for zero-cost proxies."""

from __future__ import annotations

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import ARGUMENTS, FORMAT, OUTPUT, RES, names, natural, positive, read_by
from flopscope.cli.progress import counting
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options


@command()
@target_argument("targets", "TARGET...", nargs=-1, required=True)
@click.option(
    "--of", "quantities", callback=read_by(names), metavar="NAMES",
    help="The proxies, such as naswot,synflow.  [default: all]",
)  # fmt: skip
@RES
@click.option(
    "--batch", default="16", callback=positive("batch"), show_default=True,
    help="How many random images each proxy sees.",
)  # fmt: skip
@click.option(
    "--seed", default="0", callback=natural("seed"), show_default=True,
    help="The seed of weights, images and labels.",
)  # fmt: skip
@click.option(
    "--input", "inputs", multiple=True,
    help="The sizes of one image of your own network, 1,1,28,28.",
)  # fmt: skip
@ARGUMENTS
@FORMAT
@OUTPUT
@style_options()
@answered
def proxies(
    targets: tuple[str, ...],
    quantities: list[str] | None,
    res: tuple[int, int] | None,
    batch: int,
    seed: int,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
) -> Answer:
    """Show zero-cost proxies of untrained networks, and what each knows of accuracy.

    TARGET is a classifier of images of any kind that runs in PyTorch. It is built with random
    weights and run on random images. Beside each proxy stands its rank correlation with the
    accuracies of NAS-Bench-Macro, and how much is left of it given the MACs. docs/proxies.md has
    the definitions.

    \b
    flopscope proxies mobilenetv2 mobilenetv3_large --res 64
    flopscope proxies net.py:Net --res 32 --of naswot,synflow,az_nas
    """
    from flopscope.answers.proxies import proxies as answer
    from flopscope.present.provenance import PACKAGES, Sources
    from flopscope.present.proxies import proxies_document

    with counting("proxies") as tell:
        found = answer(
            targets, quantities or (), res=res, batch=batch, seed=seed, inputs=inputs,
            pairs=arguments, tell=tell,
        )  # fmt: skip
    asked = [each.counted.target for each in found.networks]
    packages = dict.fromkeys(["torch", *(name for each in asked for name in PACKAGES[each.source])])
    sources = Sources(
        networks=[each.name for each in asked if each.variant is not None],
        files=tuple(dict.fromkeys(path for each in asked for path in each.files)),
        packages=tuple(packages),
    )
    return Answer(proxies_document(found), sources)
