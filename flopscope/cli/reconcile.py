"""Commands about reported numbers: reconcile and audit."""

from __future__ import annotations

from typing import Any

import click

from flopscope.cli.options import BATCH, FORMAT, OUTPUT, RES
from flopscope.cli.output import check_format, command_line, exported, rendered
from flopscope.cli.progress import waiting
from flopscope.cli.subject import counted
from flopscope.errors import BadInput


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--reported", help="The work as it was reported, such as 579M or 1.14G.")
@click.option("--params", help="The parameters as they were reported, such as 4.2M.")
@click.option("--tool", help="Readings of this tool alone; without a number, what it would answer.")
@RES
@BATCH
@click.option("--input", "inputs", multiple=True, help="Sizes of an input of your own module.")
@click.option(
    "--arg", "arguments", multiple=True, help="Argument of your own class, name=value. Repeatable."
)
@click.option("--example", "examples", multiple=True, help="A named size of an ONNX file, batch=1.")
@FORMAT
@OUTPUT
def reconcile(
    model: str,
    reported: str | None,
    params: str | None,
    tool: str | None,
    res: str | None,
    batch: str,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    format_name: str,
    output_path: str | None,
) -> None:
    """Explain a reported number: which reading gives it, and of what terms it is the sum.

    MODEL is a name of the catalogue, or a network of your own as `flopscope profile` takes it.
    Exit status 1 if no reading gives the number, at the input that is asked; the remainder of the
    nearest is shown. And 1 if it is not modelled what a tool would answer.

    \b
    flopscope reconcile mobilenetv1 --reported 579M
    flopscope reconcile mobilenetv1 --params 4.24M
    flopscope reconcile net.py:Net --res 224 --tool thop
    """
    from flopscope.present.reconcile import explanation_document, tool_document
    from flopscope.present.sources import of_readings
    from flopscope.reconciling import search
    from flopscope.reconciling.digits import Reported

    check_format(format_name)
    if reported is None and params is None and tool is None:
        raise BadInput("give a number, such as --reported 579M or --params 4.2M, or --tool fvcore")
    work, stored = (None if text is None else Reported.parse(text) for text in (reported, params))
    if tool is not None:
        search.of_tool(tool)
    with exported(output_path) as write:
        with waiting(f"reconciling {model}"):
            subject = counted(model, res, batch, inputs, arguments, examples)
            found: list[Any] = []
            if work is not None:
                found.append(search.explain_work(subject, work, tool))
            if stored is not None:
                found.append(search.explain_parameters(subject, stored))
            if found:
                document = explanation_document(found)
            else:
                assert tool is not None
                answers = search.answers(subject, tool)
                found = [isinstance(answers, tuple)]
                document = tool_document(subject, tool, answers)
        text = rendered(document, format_name)
        write(text, lambda: of_readings(document, command_line()))
    if not all(found):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL...]")
@click.option("--family", help="The figures of a family, such as mobilenetv3.")
@FORMAT
@OUTPUT
def audit(
    models: tuple[str, ...], family: str | None, format_name: str, output_path: str | None
) -> None:
    """Recompute published figures: each equal, explained by a reading, or with a stated cause.

    Without a name all figures of the catalogue. Exit status 1 if one is left open.

    \b
    flopscope audit mobilenetv2
    flopscope audit --family efficientnet --format csv
    """
    from flopscope.present.audit import audit_document
    from flopscope.present.sources import of_readings
    from flopscope.reconciling import audit as auditing

    check_format(format_name)
    with exported(output_path) as write:
        with waiting("recomputing published figures"):
            findings = auditing.audit(models, family)
        document = audit_document(findings)
        text = rendered(document, format_name)
        write(text, lambda: of_readings(document, command_line()))
    if any(finding.verdict is auditing.FigureVerdict.OPEN for finding in findings):
        raise click.exceptions.Exit(1)
