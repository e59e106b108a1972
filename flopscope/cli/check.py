"""The command that compares a closed form with its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORM, FORMAT, OUTPUT
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.answers.counted import Given

PACKAGES = ("torch", "fvcore")


@command()
@target_argument("models", "TARGET|BLOCK...", nargs=-1, required=True)
@subject_options
@FORM
@click.option(
    "--prove",
    is_flag=True,
    help="Prove the formula for all sizes, by tracing the module on symbolic sizes.",
)
@FORMAT
@OUTPUT
@answered
def check(
    models: tuple[str, ...],
    given: Given,
    form: str | None,
    prove: bool,
) -> Answer:
    """Check a formula against the real PyTorch module; exit 1 on any difference.

    The closed form of a catalogue model is compared, row by row, with what fvcore and torch's
    FlopCounterMode count as the PyTorch module runs. With --prove it is compared with the formula
    that is traced from the module's code: they must be the same for all sizes of the input (B, H,
    W), and for a block, such as inverted_residual, for all channels, kernels and groups too. Any
    other TARGET has no closed form, so its trace is compared with fvcore and torch.

    \b
    flopscope check mobilenetv2 --res 224
    flopscope check net.py:Net --res 224
    flopscope check mobilenetv2 inverted_residual --prove
    """
    from flopscope.answers.counted import Given
    from flopscope.catalog.variant import with_form

    if prove and given != Given():
        raise BadInput(
            "--prove holds for every size and takes no --res, --batch, --input, --arg or "
            "--example; leave them out"
        )
    formed = with_form(models, form)
    return _proved(formed) if prove else _checked(formed, given)


def _checked(models: Sequence[str], given: Given) -> Answer:
    from flopscope.answers import check as answers
    from flopscope.present.check import agreement_document
    from flopscope.present.provenance import of_checked

    with waiting(f"checking {', '.join(models)}"):
        found = answers.check(models, **vars(given))
    document = agreement_document(found.entries)
    return Answer(document, of_checked(found), found.agrees)


def _proved(models: Sequence[str]) -> Answer:
    from flopscope.answers import check as answers
    from flopscope.present.proof import proof_document
    from flopscope.present.provenance import Sources

    with waiting(f"proving {', '.join(models)}"):
        found = answers.prove(models)
    sources = Sources(networks=models, packages=PACKAGES)
    return Answer(proof_document(found), sources, all(proof for _, proof in found))
