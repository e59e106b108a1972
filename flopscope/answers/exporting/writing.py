"""The files of an export: what they are called, and which may be written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from flopscope.errors import BadInput
from flopscope.storing import Content, write_whole

if TYPE_CHECKING:
    from flopscope.answers.export import Exported

ONNX = ".onnx"
BESIDE: Mapping[str, str] = {"tensorrt": ".tensorrt.py", "openvino": ".bin", "ncnn": ".bin"}
"""How the second file ends of a runtime that needs two."""


def ending_for(to: str | None) -> str:
    """How the main file ends that is made for a runtime, or for none."""
    from flopscope.measured.runtimes.recipes import RECIPES

    return RECIPES[to].ending if to is not None and to in RECIPES else ONNX


OTHERS = frozenset(
    (".bin", ".engine", ".mlmodel", ".plan", ".pt", ".pth", ".tflite", ".torchscript", ".trt")
)
"""How other files of networks end, of which a report is none either."""


def endings() -> frozenset[str]:
    """How files of networks end, of whatever runtime."""
    from flopscope.measured.runtimes.recipes import RECIPES

    return OTHERS | {recipe.ending for recipe in RECIPES.values()}


def check_output(output: str, to: str | None) -> None:
    """Raises BadInput for a name that ends as the file of another runtime does, or as none does,
    and for a folder that is not there."""
    ending = PurePath(output).suffix.lower()
    wanted = ending_for(to)
    if ending != wanted:
        raise BadInput(
            f"output {output} does not end in {wanted}, as what this writes does; give "
            f"{PurePath(output).with_suffix(wanted)}"
        )
    folder = Path(os.path.realpath(output)).parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise BadInput(
            f"cannot write '{output}'; give a file in a folder that exists and is writable"
        )


def beside(output: str, to: str | None) -> str | None:
    """The name of the second file of a runtime that needs two."""
    second = BESIDE.get(to or "")
    return None if second is None else f"{os.path.splitext(output)[0]}{second}"


def contents(found: Exported, output: str) -> tuple[Content, dict[str, bytes]]:
    """What the output file has, or the files of the output folder, and what the files beside it
    have, by their paths."""
    base, ending = os.path.splitext(output)
    inside = f"{ending.lower()}/"
    folder = {
        name.removeprefix(inside): content
        for name, content in found.files.items()
        if name.startswith(inside)
    }
    if folder:
        return folder, {}
    files = dict(found.files)
    main = files.pop(ending.lower())
    return main, {f"{base}{name}": content for name, content in files.items()}


def write(output: str, found: Exported) -> None:
    """Write all files, or none. Raises BadInput."""
    main, others = contents(found, output)
    files: dict[Path, Content] = {Path(os.path.realpath(output)): main}
    files |= {Path(os.path.realpath(name)): content for name, content in others.items()}
    write_whole(output, files)
