"""The runtimes that can really run a network, a file each. Nothing here is imported before it is
asked for, since each needs a package of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[Any]
Clock = Callable[[], float]


class Timed(NamedTuple):
    """How long an operator took in a run, the median of some: the module that it belongs to, as the
    names of the runtime say, the runtime's word for it, and seconds."""

    path: str
    operator: str
    seconds: float


@dataclass(frozen=True)
class Network:
    """A network that can be run: a `module` of PyTorch, or the `file` of its ONNX graph, with the
    values of its inputs. `named` are those that the module takes by name."""

    name: str
    inputs: Sequence[Array]
    named: Mapping[str, Array]
    module: nn.Module | None = None
    file: Path | None = None

    @property
    def values(self) -> list[Array]:
        """All inputs, in order."""
        return [*self.inputs, *self.named.values()]


@dataclass(frozen=True)
class Asked:
    """How a network is to be run: threads, type of numbers, and "cpu" or "cuda"."""

    threads: int = 1
    dtype: str = "float32"
    place: str = "cpu"


def _nothing() -> None:
    """What a runtime does that has finished when it returns."""


@dataclass(frozen=True)
class Running:
    """A network that a runtime has loaded.

    `run` runs it once, and `finish` waits for what it has started. `outputs` are its results as
    arrays. `clock` is the processor time of the threads that run it, in seconds; None where another
    processor does the work. `profile` gives the time of each operator, the median of so many runs;
    None where the runtime has no profiler. `close` lets go of what it holds.
    """

    version: str
    run: Callable[[], Any]
    outputs: Callable[[], list[Array]]
    clock: Clock | None
    finish: Callable[[], None] = _nothing
    profile: Callable[[int], list[Timed]] | None = None
    close: Callable[[], None] = _nothing


class Runtime(NamedTuple):
    """A runtime: the name by which tables know it, its own name, the packages it needs, the file
    that runs it, whether it reads ONNX, the types of numbers that it can be asked for, whether it
    runs on a GPU here too, and whether it compiles."""

    known_as: str
    title: str
    packages: Sequence[str]
    home: str
    reads_onnx: bool
    dtypes: Sequence[str]
    cuda: bool = False
    compiles: bool = False

    def states_memory(self, place: str) -> bool:
        """Is the memory by which the process grows that of the network? Not where a compiler works
        in the same process."""
        return place == "cuda" or not self.compiles


_TORCH = ("float32", "float16", "bfloat16", "amp")

RUNTIMES: Mapping[str, Runtime] = {
    "eager": Runtime("eager", "PyTorch eager", ("torch",), "eager", False, _TORCH, cuda=True),
    "compile": Runtime(
        "inductor", "torch.compile", ("torch",), "compiled", False, _TORCH, cuda=True, compiles=True
    ),
    "ort": Runtime("ort", "ONNX Runtime", ("onnxruntime",), "ort", True, ("float32",)),
    "openvino": Runtime(
        "openvino", "OpenVINO", ("openvino",), "openvino", True, ("float32", "bfloat16")
    ),
    "ncnn": Runtime("ncnn", "ncnn", ("ncnn", "pnnx"), "ncnn", True, ("float32",)),
}
"""The runtimes by the names that are asked for."""


def loader(name: str) -> Callable[[Network, Asked, Path], Running]:
    """The function that loads a network into this runtime. It may write files into the folder.

    It raises `Refused` with the runtime's own words where the runtime does not take the network.
    """
    found: Callable[[Network, Asked, Path], Running]
    found = import_module(f"flopscope.measured.runtimes.{RUNTIMES[name].home}").load
    return found


class Refused(Exception):
    """A runtime does not take the network; the text is what it says of it."""
