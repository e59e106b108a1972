"""The command that exports a network and makes it ready for another runtime."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.files import check_beside
from flopscope.cli.options import ARGUMENTS, FORMAT, OUTPUT, read_by
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import INPUTS
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput
from flopscope.numerals import integer_from

if TYPE_CHECKING:
    from flopscope.answers.export import Exported
    from flopscope.answers.exporting.recipes import Wanted
    from flopscope.answers.exporting.sizes import Range


def _batch(text: str) -> Range:
    from flopscope.answers.exporting.sizes import batches

    return batches(text)


def _res(text: str) -> tuple[Range, Range]:
    from flopscope.answers.exporting.sizes import images

    return images(text)


def _opset(text: str) -> int:
    value = integer_from(text, 1)
    if value is None:
        raise BadInput(f"--opset {text} is not a positive integer; give one such as 17")
    return value


@command()
@target_argument("target", "TARGET")
@click.option(
    "--batch", metavar="N|MIN:OPT:MAX", callback=read_by(_batch),
    help="Batch size, or the three of a profile, 1:16:32.  [default: 1]",
)  # fmt: skip
@click.option(
    "--res", metavar="SIZE|MIN:OPT:MAX", callback=read_by(_res),
    help="The input size, 224 or 192x256, or three of them, 160:224:288. Without it, each model "
    "has the size it is made for.",
)  # fmt: skip
@INPUTS
@ARGUMENTS
@click.option(
    "--dynamic", multiple=True, metavar="DIMENSION",
    help="A dimension that stays open: batch, height or width. Repeatable.",
)  # fmt: skip
@click.option(
    "--opset", default="17", show_default=True, callback=read_by(_opset),
    help="The version of ONNX's operators, 9 to 20.",
)  # fmt: skip
@click.option(
    "--for", "to", metavar="RUNTIME",
    help="Make it ready for tensorrt, openvino, ncnn, executorch or coreml.",
)  # fmt: skip
@click.option("--fp16", "half", is_flag=True, help="Numbers of 16 bits in that runtime.")
@FORMAT
@OUTPUT
@style_options()
@answered
def export(
    target: str,
    batch: Range | None,
    res: tuple[Range, Range] | None,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    dynamic: tuple[str, ...],
    opset: int,
    to: str | None,
    half: bool,
) -> Answer:
    """Export a network to ONNX, run the file beside the module, and count both; exit 1 if the file
    computes something else, or the asked runtime does not read it.

    TARGET is a network of any kind, as `flopscope --help` lists them. -o FILE.onnx keeps the file,
    whole or not at all; with any other name, or none, the report is written and the file is not
    kept. What torch folds away, and what ONNX Runtime folds and fuses, is named with its cost.

    \b
    flopscope export net.py:Net --res 224 --dynamic batch -o net.onnx
    flopscope export mobilenetv2 --for tensorrt --batch 1:16:32 --fp16 -o net.onnx
    flopscope export net.onnx --for tensorrt --batch 1:16:32
    flopscope export mobilenetv2 --for openvino --fp16 -o net.xml

    --for tensorrt writes the file with a script for torch_tensorrt beside it, and prints the
    optimisation profile and the command that builds the engine. The sizes of the profile are held
    against the file and the network's domain, and its operators against TensorRT's table.
    """
    from flopscope.answers import export as answers
    from flopscope.answers.counted import Given
    from flopscope.answers.exporting.writing import contents
    from flopscope.present.export import export_document
    from flopscope.present.provenance import Sources

    output = asked("output_path")
    wanted = _wanted(batch, res, dynamic, opset, to, half)
    keeps = _keeps(output, to)
    with waiting(f"exporting {target}"):
        found = answers.export(target, wanted, Given(inputs=inputs, pairs=arguments))
    document = export_document(found, output if keeps else None)
    sources = Sources(files=found.target.files, packages=_packages(found))
    if not (keeps and found.holds):
        return Answer(document, None if keeps else sources, found.holds, refrains=keeps)
    content, beside = contents(found, str(output))
    return Answer(document, sources, content=content, beside=beside)


def _wanted(
    batch: Range | None,
    res: tuple[Range, Range] | None,
    dynamic: tuple[str, ...],
    opset: int,
    to: str | None,
    half: bool,
) -> Wanted:
    from flopscope.answers.exporting.recipes import Wanted
    from flopscope.answers.exporting.sizes import Sizes, batches, dimensions

    height, width = res or (None, None)
    sizes = Sizes(batch or batches("1"), height, width, dimensions(dynamic))
    return Wanted(sizes, opset, to, half)


def _keeps(output: str | None, to: str | None) -> bool:
    """Does the name of the output file ask for the network and not for the report? Raises BadInput
    where it asks for that of another runtime, and for files that somebody else wrote."""
    from flopscope.answers.exporting.writing import beside, ending_for, endings

    ending = PurePath(output or "").suffix.lower()
    if output is None or ending not in endings():
        return False
    wanted = ending_for(to)
    if ending != wanted:
        what = f"--for {to}" if to else "export without --for"
        raise BadInput(
            f"{what} writes a file that ends in {wanted}, and --output is {output}; give "
            f"{PurePath(output).with_suffix(wanted)}, or another --for"
        )
    if (second := beside(output, to)) is not None:
        check_beside(output, second)
    return True


def _packages(found: Exported) -> tuple[str, ...]:
    from flopscope.measured.runtimes.recipes import RECIPES

    own = RECIPES[found.wanted.to].packages if found.wanted.to else ()
    return ("onnx", "onnxruntime", *(() if found.target.is_graph else ("torch",)), *own)
