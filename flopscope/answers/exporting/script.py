"""A script that compiles a network with torch_tensorrt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flopscope.answers.target import Source, Target

Shape = tuple[int, ...]

HEAD = '''"""Compile {name} with torch_tensorrt. This needs an NVIDIA GPU."""

import torch
import torch_tensorrt
{imports}

module = {module}
inputs = [
{inputs}
]
compiled = torch_tensorrt.compile(
    module.eval().cuda(),
    ir="dynamo",
    inputs=inputs,
{precision})
shapes = [
{examples}
]
with torch.no_grad():
    for given in shapes:
        compiled(*[torch.zeros(shape, dtype=kind).cuda() for shape, kind in given])
        print("ran on", given)
'''

HALF = """    # TensorRT chooses 16-bit kernels where they are faster, as --fp16 of trtexec lets it.
    use_explicit_typing=False,
    enabled_precisions={torch.float32, torch.float16},
"""

PLAIN = """    torch_tensorrt.Input(
        min_shape={0},
        opt_shape={1},
        max_shape={2},
        dtype=torch.{kind},
    ),"""
FIXED = "    torch_tensorrt.Input({0}, dtype=torch.{kind}),"


def script(
    target: Target, inputs: Sequence[tuple[str, tuple[Shape, Shape, Shape]]], *, half: bool
) -> str:
    """The script for inputs of these types, each with the three shapes of its profile.

    It makes a network of the catalogue, of timm or torchvision, or of an importable module; where
    there is only an object of Python, or a file of ONNX, it says where the module goes.
    """
    imports, module = _module(target)
    written = [
        (FIXED if len(set(shapes)) == 1 else PLAIN).format(*shapes, kind=kind)
        for kind, shapes in inputs
    ]
    examples = [_example(inputs, place) for place in range(3)]
    return HEAD.format(
        name=target.name,
        imports=imports,
        module=module,
        inputs="\n".join(written),
        precision=HALF if half else "",
        examples="\n".join(dict.fromkeys(examples)),
    )


def _example(inputs: Sequence[tuple[str, tuple[Shape, Shape, Shape]]], place: int) -> str:
    made = ", ".join(f"({shapes[place]}, torch.{kind})" for kind, shapes in inputs)
    return f"    [{made}],"


def _module(target: Target) -> tuple[str, str]:
    """The lines that import what makes the module, and the expression that makes it."""
    name = target.place.partition(":")[2]
    arguments = ", ".join(target.pairs)
    given = ", ".join(filter(None, (f'"{name}"', arguments)))
    if target.source is Source.CATALOG:
        return "\nimport flopscope as fs", f'fs.build("{target.name}")'
    if target.source is Source.TIMM:
        return "import timm", f"timm.create_model({given})"
    if target.source is Source.TORCHVISION:
        return "from torchvision import models", f"models.get_model({given})"
    if target.source is Source.OWN and name.replace(".", "").isidentifier():
        return _import(target.place.partition(":")[0], name, arguments)
    return "", "...  # put the module here that the file was exported from"


def _import(holder: str, name: str, arguments: str) -> tuple[str, str]:
    first = name.partition(".")[0]
    if not holder.endswith(".py"):
        return f"\nfrom {holder} import {first}", f"{name}({arguments})"
    path = Path(holder)
    folder = path.parent.as_posix()
    lines = ["import sys", f'\nsys.path.insert(0, "{folder}")', f"from {path.stem} import {first}"]
    return "\n".join(lines), f"{name}({arguments})"
