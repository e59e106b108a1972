"""The command that predicts the bytes of a quantised network, and quantises it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.options import FORMAT, OUTPUT
from flopscope.cli.progress import counting, waiting
from flopscope.cli.sections import command
from flopscope.cli.subject import subject_options
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput, check_name

if TYPE_CHECKING:
    from flopscope.answers.counted import Given
    from flopscope.answers.quantize import Quantised
    from flopscope.quantising.scheme import Scheme

RUNTIMES = ("ort",)


@command()
@target_argument("target", "TARGET")
@subject_options
@click.option(
    "--bits", multiple=True, metavar="N", default=("8",), show_default=True,
    help="Bits of the weights, 2 to 8; PATTERN=N for the layers of a pattern. Repeatable.",
)  # fmt: skip
@click.option("--per-tensor", is_flag=True, help="A scale for each tensor, not for each channel.")
@click.option("--skip", metavar="LAYERS", help="Layers left in float32: first,last, or patterns.")
@click.option(
    "--activations", metavar="TYPE", default="uint8", show_default=True,
    help="The type of activations, uint8 or int8.",
)  # fmt: skip
@click.option("--runtime", metavar="NAME", help="Quantise it for real; ort is ONNX Runtime.")
@click.option("--images", metavar="FOLDER", help="Images to calibrate with, for --runtime.")
@click.option(
    "--sensitivity", is_flag=True,
    help="Quantise each layer alone too, and see what it does; takes minutes.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Show all layers.")
@FORMAT
@OUTPUT
@style_options()
@answered
def quantize(
    target: str,
    given: Given,
    bits: tuple[str, ...],
    per_tensor: bool,
    skip: str | None,
    activations: str,
    runtime: str | None,
    images: str | None,
    sensitivity: bool,
    everything: bool,
) -> Answer:
    """Predict the bytes of a network once it is quantised, or quantise it and see.

    TARGET is a network of any kind, as `flopscope --help` lists them. The bytes are those of the
    file that ONNX Runtime's static quantisation writes, term by term, before anything runs.

    \b
    flopscope quantize mobilenetv2
    flopscope quantize mobilenetv2 --bits 4 --bits 'head*=8' --skip first,last
    flopscope quantize net.py:Net --res 224 --runtime ort --images photos

    With --runtime ort the network is exported, norms are folded, activations get their ranges from
    the images, and the file is compared with the formula, its outputs and times with those in
    float32. -o FILE.onnx keeps it.
    """
    from flopscope.answers.quantize import refuse_itself
    from flopscope.answers.target import parse_target
    from flopscope.present.provenance import Sources
    from flopscope.present.quantize import quantize_document
    from flopscope.quantising.scheme import Scheme, parse_bits, parse_skip

    output = asked("output_path")
    is_graph = PurePath(output or "").suffix.lower() == ".onnx"
    _check(runtime, is_graph, images, sensitivity)
    if output is not None:
        refuse_itself(parse_target(target), output)
    every, mixed = parse_bits(bits)
    scheme = Scheme(
        every, mixed, not per_tensor, () if skip is None else parse_skip(skip), activations
    )
    found = _found(target, scheme, given, runtime, images, sensitivity)
    content = found.run.content if is_graph and found.run is not None else None
    document = quantize_document(found, everything=everything)
    sources = Sources(files=found.target.files, packages=("onnxruntime",) if runtime else ())
    return Answer(document, sources, found.holds, content=content)


def _found(
    target: str,
    scheme: Scheme,
    given: Given,
    runtime: str | None,
    images: str | None,
    sensitivity: bool,
) -> Quantised:
    from flopscope.answers.quantize import quantize as predict
    from flopscope.answers.target import is_catalog

    if runtime is None:
        with waiting(f"counting {target}", long=not is_catalog(target)):
            return predict(target, scheme, given)
    from flopscope.answers.quantised.run import quantize_for_real

    if sensitivity:
        with counting(f"quantising each layer of {target}") as tell:
            return quantize_for_real(target, scheme, given, images, None, True, tell)
    with waiting(f"quantising {target}"):
        return quantize_for_real(target, scheme, given, images)


def _check(runtime: str | None, is_graph: bool, images: str | None, sensitivity: bool) -> None:
    if runtime is not None:
        check_name("runtime", runtime, RUNTIMES)
        return
    needs = [
        ("--images", images is not None),
        ("--sensitivity", sensitivity),
        ("an output file that ends in .onnx", is_graph),
    ]
    for what, is_given in needs:
        if is_given:
            raise BadInput(
                f"{what} needs a runtime that quantises the network; give --runtime ort too"
            )
