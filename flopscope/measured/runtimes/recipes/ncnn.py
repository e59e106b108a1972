"""ncnn's two files, which pnnx writes of the ONNX file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flopscope.measured.runtimes import Asked, Network, Refused
from flopscope.measured.runtimes.ncnn import converted, running
from flopscope.measured.runtimes.recipes import Converted

PRINTED = re.compile(r"^FLOPS = (\S+)", re.MULTILINE)


def prepare() -> None:
    """Import ncnn; pnnx is a program."""
    import ncnn  # noqa: F401


def convert(network: Network, file: Path, folder: Path, half: bool) -> Converted:
    """The two files, with weights of 16 bits if that is asked for, and what they compute in
    float32. Raises Refused with what pnnx or ncnn says, and for more than one image at a time."""
    made = converted(network, file, folder, half=half)
    run = running(network, made.param, made.weights, Asked())
    files = {".param": made.param.read_bytes(), ".bin": made.weights.read_bytes()}
    printed = PRINTED.search(made.said)
    operators = _operators(made.param.read_text(encoding="utf-8").splitlines())
    said = f"pnnx prints FLOPS = {printed[1]}" if printed else ""
    return Converted(run.version, files, run.outputs(), operators, said)


def _operators(lines: Sequence[str]) -> Counter[str]:
    """The layers of the text file: after a magic number and a line with two counts, each has a line
    that begins with its kind."""
    if len(lines) < 2 or lines[0].strip() != "7767517":
        raise Refused("pnnx wrote a file that is not ncnn's")
    return Counter(line.split()[0] for line in lines[2:] if line.strip())
