"""What converts a network for another runtime, a file each. Nothing here is imported before it is
asked for, since each needs packages of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from flopscope.measured.runtimes import Array, Network


class Recipe(NamedTuple):
    """A runtime that networks are converted for: its own name, the packages that convert, the file
    that calls them, how the main file ends, what it is converted from (the ONNX file, or the
    module), and whether it has 16-bit numbers and open sizes here."""

    title: str
    packages: Sequence[str]
    home: str
    ending: str
    from_onnx: bool
    half: bool
    open_sizes: bool


RECIPES: Mapping[str, Recipe] = {
    "tensorrt": Recipe("TensorRT", (), "tensorrt", ".onnx", True, True, True),
    "openvino": Recipe("OpenVINO", ("openvino",), "openvino", ".xml", True, True, True),
    "ncnn": Recipe("ncnn", ("ncnn", "pnnx"), "ncnn", ".param", True, True, False),
    "executorch": Recipe("ExecuTorch", ("executorch",), "executorch", ".pte", False, False, False),
    "coreml": Recipe("Core ML", ("coremltools",), "coreml", ".mlpackage", False, True, False),
}
"""The runtimes by the names that are asked for."""


@dataclass(frozen=True)
class Converted:
    """A converted network: which version of which package made it, its files by what follows the
    name (of a folder, by their paths in it), what it computes of the inputs, or None where it
    cannot run here, and how many operators of each kind it has. `printed` is what the converter
    itself prints of the network's work; `milliseconds` is how long a run takes, where it was
    timed."""

    version: str
    files: Mapping[str, bytes]
    outputs: Sequence[Array] | None = None
    operators: Mapping[str, int] = field(default_factory=dict)
    printed: str = ""
    milliseconds: float | None = None

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(map(len, self.files.values()))


Converter = Callable[[Network, Path, Path, bool], Converted]
"""What makes of a network and its ONNX file, in a folder of its own, a converted one, with 16-bit
numbers or without."""


def converter(name: str) -> Converter:
    """The function of a recipe. It raises `Refused` with the converter's own words.

    Its packages are imported now, and not while somebody's module is watched: what they change as
    they are imported would be put back with the module.
    """
    home = import_module(f"flopscope.measured.runtimes.recipes.{RECIPES[name].home}")
    home.prepare()
    found: Converter = getattr(home, "convert", _none)
    return found


def _none(network: Network, file: Path, folder: Path, half: bool) -> Converted:
    """TensorRT builds an engine of a profile, and is asked by `built`."""
    raise AssertionError("this runtime has no converter")
