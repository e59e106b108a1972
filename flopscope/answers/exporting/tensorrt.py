"""What TensorRT needs of a file: the optimisation profile, the command that builds the engine, and
a script for torch_tensorrt; checked without a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.answers.exporting.script import script
from flopscope.answers.exporting.sizes import DIMENSIONS, Range, Sizes
from flopscope.answers.exporting.trt_operators import (
    LEAST_OPSET,
    MOST_OPSET,
    TYPES,
    VERSION,
    refusal,
)
from flopscope.answers.target import Target
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.onnxgraph.overview import Overview

OPTIONS: Mapping[int, str] = {0: "--batch", 2: "--res", 3: "--res"}
"""The option that gives the sizes of each axis of an image."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Input:
    """An input with the least shape, the one that counts most, and the greatest."""

    name: str
    type: str
    shapes: tuple[Shape, Shape, Shape]

    @property
    def is_one(self) -> bool:
        """Has it one shape?"""
        return len(set(self.shapes)) == 1


@dataclass(frozen=True)
class Plan:
    """The profile, and what TensorRT does not read of the graph: sentences, none where it reads all
    of it. `half` asks for 16-bit numbers."""

    inputs: tuple[Input, ...]
    half: bool
    refused: tuple[str, ...]

    def commands(self, file: str) -> dict[str, list[list[str]]]:
        """The command lines, word by word, for each generation of TensorRT.

        From TensorRT 11 on, the types of numbers are those of the file, and trtexec has no --fp16;
        NVIDIA's AutoCast writes a file of 16-bit numbers beforehand.
        """
        engine = f"{file.removesuffix('.onnx')}.engine"
        ten = [self._trtexec(file, engine, ["--fp16"] if self.half else [])]
        if not self.half:
            return {"TensorRT 10 and 11": ten}
        half = f"{file.removesuffix('.onnx')}.fp16.onnx"
        cast = ["python", "-m", "modelopt.onnx.autocast", "--onnx_path", file]
        eleven = [[*cast, "--output_path", half], self._trtexec(half, engine, [])]
        return {"TensorRT 10": ten, "TensorRT 11": eleven}

    def _trtexec(self, file: str, engine: str, more: Sequence[str]) -> list[str]:
        flags = []
        if not all(each.is_one for each in self.inputs):
            for place, which in enumerate(("min", "opt", "max")):
                shapes = ",".join(f"{i.name}:{_x(i.shapes[place])}" for i in self.inputs)
                flags.append(f"--{which}Shapes={shapes}")
        return ["trtexec", f"--onnx={file}", *flags, *more, f"--saveEngine={engine}"]

    def script(self, target: Target) -> str:
        """Python that compiles the module with torch_tensorrt."""
        return script(target, [(i.type, i.shapes) for i in self.inputs], half=self.half)


def _x(shape: Shape) -> str:
    return "x".join(map(str, shape))


def plan(name: str, found: Overview, sizes: Sizes, *, half: bool) -> Plan:
    """The profile of a file at these sizes, and what TensorRT refuses of it.

    Raises BadInput where the file fixes a size for which a range is given, or leaves one open for
    which none is.
    """
    inputs = tuple(
        Input(each, found.types[each], _shapes(name, each, dims, sizes))
        for each, dims in found.inputs.items()
    )
    return Plan(inputs, half, (*_versions(found), *_types(inputs), *_operators(found)))


def _shapes(
    name: str, given: str, dims: Sequence[int | str], sizes: Sizes
) -> tuple[Shape, Shape, Shape]:
    ranges = [_range(name, given, axis, dims, sizes) for axis in range(len(dims))]
    least, usual, most = (tuple(each[place] for each in ranges) for place in range(3))
    return least, usual, most


def _range(name: str, given: str, axis: int, dims: Sequence[int | str], sizes: Sizes) -> Range:
    size = dims[axis]
    asked = _asked(axis, dims, sizes)
    option = OPTIONS.get(axis, "--batch")
    if isinstance(size, str):
        if asked is None:
            shown = size or "a size without a name"
            raise BadInput(
                f"{name} leaves {shown} of its input {given} open, and {_missing(axis, len(dims))}"
            )
        return asked
    if asked is not None and asked != (size, size, size) and (axis or not asked.is_one):
        what = DIMENSIONS[0] if axis == 0 else DIMENSIONS[axis - 1]
        raise BadInput(
            f"{name} has a fixed {what} of {size}, and {option} asks for {asked}; give "
            f"{option} {size}, or export it with --dynamic {what}"
        )
    if asked is not None and asked.usual not in (size, 1):
        raise BadInput(
            f"{name} has a fixed batch of {size}, and --batch asks for {asked}; give --batch "
            f"{size}, or export it with --dynamic batch"
        )
    return Range(size, size, size)


def _missing(axis: int, rank: int) -> str:
    """What is missing for an open size, and what would be accepted."""
    if rank == 4 and axis != 1:
        return "no sizes are given for it; give them, such as --res 160:224:288"
    return "ranges are given to batches and images alone; give a file that fixes it"


def _asked(axis: int, dims: Sequence[int | str], sizes: Sizes) -> Range | None:
    if axis == 0:
        return sizes.batch
    if len(dims) != 4 or axis == 1:
        return None
    return sizes.height if axis == 2 else sizes.width


def _types(inputs: Sequence[Input]) -> list[str]:
    return [
        f"{VERSION} does not take inputs of the type {each.type}, as {each.name} is"
        for each in inputs
        if each.type not in TYPES
    ]


def _versions(found: Overview) -> list[str]:
    if LEAST_OPSET <= found.opset <= MOST_OPSET:
        return []
    return [
        f"{VERSION} reads versions {LEAST_OPSET} to {MOST_OPSET} of ONNX's operators, and the file "
        f"has version {found.opset}; give --opset {MOST_OPSET if found.opset > 20 else LEAST_OPSET}"
    ]


def _operators(found: Overview) -> list[str]:
    """The operators that it does not read, each with the number of its nodes and the first one."""
    refused: dict[str, list[str]] = {}
    for node in found.nodes:
        if why := refusal(node.operator, node.attributes):
            refused.setdefault(f"{node.operator}: {why}", []).append(node.name)
    counts = Counter({what: len(names) for what, names in refused.items()})
    return [
        f"{VERSION} does not read {what}; {count} such {'node' if count == 1 else 'nodes'}, first "
        f"{refused[what][0] or 'one without a name'}"
        for what, count in counts.items()
    ]
