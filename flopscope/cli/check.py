"""The command that asks the witnesses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from flopscope.cli.options import BATCH, FORM, FORMAT, OUTPUT, RES, positive, resolution
from flopscope.cli.output import check_format, command_line, exported, rendered
from flopscope.cli.progress import waiting
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.table import Document


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL|BLOCK...")
@RES
@BATCH
@FORM
@click.option(
    "--prove", is_flag=True, help="Prove it for all sizes: trace the module with symbolic ones."
)
@FORMAT
@OUTPUT
def check(
    models: tuple[str, ...],
    res: str | None,
    batch: str,
    form: str | None,
    prove: bool,
    format_name: str,
    output_path: str | None,
) -> None:
    """Check the closed form against the real module, row by row; exit 1 on any difference.

    The witnesses are fvcore and torch's FlopCounterMode on the reference PyTorch module. With
    --prove, the formula traced from the module's code, as an identity in the sizes of its inputs
    (B, H, W); of a named block, such as inverted_residual, in its channels, kernel and groups too.
    """
    from flopscope.answers import compare as answers
    from flopscope.catalog.variant import with_form
    from flopscope.present.check import agreement_document
    from flopscope.present.proof import proof_document
    from flopscope.present.sources import of_document

    check_format(format_name)
    if prove and (res is not None or batch != "1"):
        raise BadInput(
            "--prove holds for every size and takes neither --res nor --batch; leave them out"
        )
    with exported(output_path) as write:
        models = with_form(models, form)

        def write_document(document: Document) -> None:
            made = partial(
                of_document, document, command_line(), names=models, packages=("torch", "fvcore")
            )
            write(rendered(document, format_name), made)

        if prove:
            with waiting(f"proving {', '.join(models)}"):
                proved = answers.proofs(models)
            write_document(proof_document(proved))
            if not all(proof for _, proof in proved):
                raise click.exceptions.Exit(1)
            return
        with waiting(f"checking {', '.join(models)}"):
            result = answers.compare(
                models, res=resolution(res), batch=positive("batch", batch), check=True
            )
        write_document(agreement_document(result.entries))
    if not result.agrees:
        raise click.exceptions.Exit(1)
