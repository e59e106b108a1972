"""What is wanted of an export, and the network as the asked runtime takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flopscope.answers.exporting.sizes import Sizes
from flopscope.answers.exporting.tensorrt import Plan
from flopscope.answers.target import Target
from flopscope.errors import BadInput, check_name, listed
from flopscope.extras import require_runtime

if TYPE_CHECKING:
    from flopscope.measured.outputs import Apart
    from flopscope.measured.runtimes import Array, Network
    from flopscope.measured.runtimes.recipes import Converted

OPSET, LEAST_OPSET, MOST_OPSET = 17, 9, 20
"""The version of ONNX's operators, and those that torch writes and ONNX Runtime reads."""


@dataclass(frozen=True)
class Wanted:
    """The sizes that the file is for, the version of its operators, the runtime that it is made
    ready for, if one is asked for, and whether that gets numbers of 16 bits."""

    sizes: Sizes = field(default_factory=Sizes)
    opset: int = OPSET
    to: str | None = None
    half: bool = False

    def check(self, target: Target) -> None:
        """Raises BadInput or UnknownName for what cannot be wanted of this target."""
        from flopscope.measured.runtimes.recipes import RECIPES

        if not LEAST_OPSET <= self.opset <= MOST_OPSET:
            raise BadInput(
                f"--opset {self.opset} is not a version that torch exports and ONNX Runtime reads; "
                f"give one from {LEAST_OPSET} to {MOST_OPSET}"
            )
        if self.to is None:
            self._check_alone(target)
            return
        check_name("runtime to export for", self.to, RECIPES)
        self._check_recipe(target, self.to)

    def _check_alone(self, target: Target) -> None:
        from flopscope.measured.runtimes.recipes import RECIPES

        if self.half:
            names = [name for name, each in RECIPES.items() if each.half]
            raise BadInput(
                "an ONNX file is exported in numbers of 32 bits; --fp16 is for a runtime that "
                f"halves them, so give --for {listed(names)} too"
            )
        if target.is_graph:
            raise BadInput(
                f"{target.name} is an ONNX file already; give what it is to be made ready for, "
                f"--for {listed(RECIPES)}"
            )

    def _check_recipe(self, target: Target, to: str) -> None:
        from flopscope.measured.runtimes.recipes import RECIPES

        found = RECIPES[to]
        if self.half and not found.half:
            raise BadInput(
                f"{found.title} is converted in numbers of 32 bits here; leave --fp16 out"
            )
        if self.sizes.open and not found.open_sizes:
            raise BadInput(
                f"{found.title} is converted for one size here, and "
                f"{' and '.join(self.sizes.open)} would stay open; give one of each"
            )
        if target.is_graph and not found.from_onnx:
            raise BadInput(
                f"{target.name} is an ONNX file, and {found.title} is converted from the network "
                "of PyTorch; give that"
            )
        if target.is_graph and self.sizes.asked:
            raise BadInput(
                f"{target.name} is an ONNX file, whose open sizes are what they are; leave "
                "--dynamic out"
            )
        require_runtime(*found.packages)


@dataclass(frozen=True)
class Ready:
    """A network that is ready for a runtime: the runtime's own name, what it was converted to, and
    how far its results are from the reference, None where it cannot run here."""

    title: str
    converted: Converted
    apart: Apart | None


def recipe(
    wanted: Wanted,
    plan: Plan | None,
    network: Network,
    file: Path,
    folder: Path,
    values: Sequence[Array],
) -> Ready | None:
    """The network, converted for the asked runtime; None where none is asked for, and for TensorRT
    where that cannot be imported. `values` are those of the inputs that the file has. Raises
    Refused."""
    from flopscope.measured.runtimes.recipes import RECIPES, converter

    if wanted.to is None:
        return None
    inner = folder / wanted.to
    inner.mkdir()
    if plan is not None:
        converted = _engine(plan, values, file)
        if converted is None:
            return None
    else:
        from_file = RECIPES[wanted.to].from_onnx
        given = replace(network, inputs=values, named={}) if from_file else network
        converted = converter(wanted.to)(given, file, inner, wanted.half)
    apart = _apart(converted, network, file, inner)
    return Ready(RECIPES[wanted.to].title, converted, apart)


def _engine(plan: Plan, given: Sequence[Array], file: Path) -> Converted | None:
    from flopscope.measured.runtimes.recipes.tensorrt import built, is_here

    if not is_here() or plan.refused:
        return None
    profile = {each.name: each.shapes for each in plan.inputs}
    values = dict(zip(profile, given, strict=True))
    return built(file, profile, values, half=plan.half)


def _apart(converted: Converted, network: Network, file: Path, folder: Path) -> Apart | None:
    """The results beside those of the module, or of the file where there is no module."""
    from flopscope.answers.exporting.checked import results
    from flopscope.measured.outputs import apart
    from flopscope.measured.runtimes import Asked, loader

    if converted.outputs is None:
        return None
    if network.module is not None:
        return apart(converted.outputs, results(network, network.values))
    run = loader("ort")(replace(network, file=file), Asked(), folder)
    return apart(converted.outputs, run.outputs())
