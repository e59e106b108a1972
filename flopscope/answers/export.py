"""A network as an ONNX file that is run beside its module, and what other runtimes need of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given, made
from flopscope.answers.exporting.checked import (
    Check,
    Subject,
    checks,
    is_fresh,
    stirred,
    taken,
)
from flopscope.answers.exporting.domain import beyond, check_ends
from flopscope.answers.exporting.recipes import Ready, Wanted, recipe
from flopscope.answers.exporting.stages import Stage, Step, of_file, of_module, step
from flopscope.answers.exporting.tensorrt import Plan, plan
from flopscope.answers.making import target_of
from flopscope.answers.running import runnable, values_of
from flopscope.answers.target import Source, Target
from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.extras import REQUIREMENTS, require_onnx, require_runtime, require_witnesses
from flopscope.facts import InputSpec

if TYPE_CHECKING:
    from flopscope.measured.runtimes import Network
    from flopscope.onnxgraph.overview import Overview

LARGEST = 2**31 - 1
"""The bytes of the largest ONNX file that holds its own weights."""

BASIC, EXTENDED = "basic", "extended"
OWN_WEIGHTS = (Source.OWN, Source.ONNX)
"""Where networks come from that may have weights of their own; those of all others are drawn."""


@dataclass(frozen=True)
class Exported:
    """An exported network: its file, what was compared with the module, and what it costs.

    `checks` are the runs of the file beside the module, none for a file that was there. `again` is
    the run of a copy whose norms have other statistics, where the module's are `fresh`: those with
    which norms are made; it is None, too, of a module that cannot be copied. `stages` are the
    module, the file, and the graphs that ONNX Runtime makes of it. `ready` is what the asked
    runtime needs; `beyond` names sizes within a profile that the network does not take, and `unrun`
    is true where the largest ones take too much memory to be run.
    """

    target: Target
    wanted: Wanted
    content: bytes
    overview: Overview
    checks: tuple[Check, ...]
    again: Check | None
    fresh: bool
    stages: tuple[Stage, ...]
    ready: Ready | None = None
    plan: Plan | None = None
    beyond: str = ""
    unrun: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return short(self, f"{self.target.name}, {len(self.content):,} bytes")

    @property
    def agrees(self) -> bool:
        """Does the file compute what the module computes, wherever they were compared?"""
        return all(each.is_same for each in (*self.checks, *([self.again] if self.again else [])))

    @property
    def holds(self) -> bool:
        """Does it agree, and can the asked runtime read it?"""
        return self.agrees and not (self.plan and self.plan.refused)

    @property
    def steps(self) -> tuple[Step, ...]:
        """From the module to the file, and from the file to each graph that a runtime makes."""
        by_name = {stage.name: stage for stage in self.stages}
        pairs = [("module", "file"), ("file", BASIC), ("file", EXTENDED)]
        return tuple(
            step(by_name[before], by_name[after])
            for before, after in pairs
            if before in by_name and after in by_name
        )

    @property
    def files(self) -> dict[str, bytes]:
        """The files that belong together, by what follows their common name."""
        if self.plan is not None:
            engine = dict(self.ready.converted.files) if self.ready else {}
            script = self.plan.script(self.target).encode()
            return {".onnx": self.content, ".tensorrt.py": script, **engine}
        return dict(self.ready.converted.files) if self.ready else {".onnx": self.content}


def export(
    target: Any,
    wanted: Wanted | None = None,
    given: Given | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Exported:
    """Export a target, run the file in ONNX Runtime beside the module, and count both.

    An ONNX file is taken as it is. Raises BadInput where torch does not export the network or the
    network does not take the sizes, with its own words, and for what `wanted` cannot be.
    """
    wanted, given = wanted or Wanted(), given or Given()
    (network,) = made([target_of(target)], given)
    require_onnx()
    require_runtime("onnxruntime")
    require_witnesses()
    wanted.check(network)
    if wanted.to is not None:
        _load(wanted.to)
    subject = Subject(network, wanted.sizes, given, arguments)
    with TemporaryDirectory() as folder:
        return _exported(subject, wanted, Path(folder))


def _load(to: str) -> None:
    """Import what converts for this runtime. Raises BadInput where its packages are broken."""
    from flopscope.measured.runtimes.recipes import RECIPES, converter

    try:
        converter(to)
    except Exception as error:  # a broken installation may raise any error
        said = " ".join(str(error).split())[:300]
        names = " ".join(f"'{REQUIREMENTS[name]}'" for name in RECIPES[to].packages)
        raise BadInput(
            f"what converts for {RECIPES[to].title} cannot be imported ({type(error).__name__}: "
            f"{said}); install it anew with: pip install {names or 'tensorrt'}"
        ) from error


def _exported(subject: Subject, wanted: Wanted, folder: Path) -> Exported:
    from flopscope.measured.runtimes.torch_threads import torch_settings
    from flopscope.tracing.loading.guards import prints_aside

    target = subject.target
    if target.is_graph:
        return _of_file(subject, wanted, folder)
    module = of_module(target, subject.specs(), subject.arguments)
    _check_size(target, module)
    check_ends(subject)
    peak = int(module.entry.ledger.peak_activation_bytes())
    subject = replace(subject, peak=peak)
    ready = runnable(target, subject.usual(), subject.arguments)
    with torch_settings(1), prints_aside(), _refusing(target), ready as network:
        return _made(subject, wanted, network, module, folder)


def _made(
    subject: Subject, wanted: Wanted, network: Network, written: Stage, folder: Path
) -> Exported:
    from flopscope.measured.runtimes.exported import exported

    module = network.module
    assert module is not None
    if subject.target.source not in OWN_WEIGHTS:
        module = stirred(network)
        network = replace(network, module=module)
    file = exported(network, folder, wanted.opset, subject.axes(), alone=True)
    compared = checks(subject, network, file, folder)
    fresh = is_fresh(module)
    again = _again(subject, wanted, network, folder) if fresh else None
    return _answer(subject, wanted, network, file, (written,), (compared, again, fresh), folder)


def _again(subject: Subject, wanted: Wanted, network: Network, folder: Path) -> Check | None:
    """A copy whose vectors are drawn, exported and compared: a norm that is left out would show.
    None where the module cannot be copied."""
    from flopscope.measured.runtimes.exported import exported

    assert network.module is not None
    try:
        module = stirred(network)
    except Exception:  # code of a user's classes runs while they are copied
        return None
    copy = replace(network, module=module)
    inner = folder / "again"
    inner.mkdir()
    file = exported(copy, inner, wanted.opset, alone=True)
    return checks(replace(subject, sizes=subject.sizes.usually()), copy, file, inner)[0]


def _of_file(subject: Subject, wanted: Wanted, folder: Path) -> Exported:
    """A file that is there already: nothing is exported, and there is no module to compare with."""
    from flopscope.measured.runtimes import Network
    from flopscope.onnxgraph.overview import overview

    path = Path(subject.target.place)
    found = overview(path)
    if found.external:
        raise BadInput(
            f"{path} keeps weights in files beside it, and this writes files that stand alone; "
            "give one that holds its own weights"
        )
    if subject.given.inputs:
        raise BadInput(
            f"{path} is an ONNX file, which states its inputs; leave --input out, and give sizes "
            "that it leaves open with --batch and --res"
        )
    if not found.inputs:
        raise BadInput(f"{path} takes no inputs; give a network that computes something of some")
    fitting = plan(str(path), found, wanted.sizes, half=wanted.half)
    values = [values_of(InputSpec(None, i.shapes[1], i.type)) for i in fitting.inputs]
    network = Network(subject.target.name, values, {}, file=path)
    with _refusing(subject.target):
        return _answer(subject, wanted, network, path, (), ((), None, False), folder)


def _answer(
    subject: Subject,
    wanted: Wanted,
    network: Network,
    file: Path,
    before: tuple[Stage, ...],
    compared: tuple[tuple[Check, ...], Check | None, bool],
    folder: Path,
) -> Exported:
    from flopscope.onnxgraph.overview import overview

    found = overview(file)
    values = taken(subject.target, network, network.values, file)
    shapes = [tuple(value.shape) for value in values]
    stages, version = _graphs(file, shapes, folder)
    name = subject.target.name
    trt = wanted.to == "tensorrt"
    asked = plan(name, found, wanted.sizes, half=wanted.half) if trt else None
    return Exported(
        subject.target, wanted, file.read_bytes(), found, *compared, (*before, *stages),
        recipe(wanted, asked, network, file, folder, values), asked, beyond(subject),
        bool(before) and subject.too_large(2), version,
    )  # fmt: skip


def _graphs(
    file: Path, shapes: list[tuple[int, ...]], folder: Path
) -> tuple[list[Stage], dict[str, str]]:
    """The file, and what ONNX Runtime makes of it, with the versions of both programs."""
    from flopscope.measured.runtimes.optimised import VERSION, optimised

    stages = [of_file("file", file, shapes)]
    stages += [
        of_file(level, optimised(file, level, folder), shapes) for level in (BASIC, EXTENDED)
    ]
    return stages, {"onnxruntime": VERSION}


def _check_size(target: Target, module: Stage) -> None:
    size = int(module.entry.ledger.weight_bytes())
    if size > LARGEST:
        raise BadInput(
            f"{target.name} has {size:,} bytes of weights, and an ONNX file that holds its own has "
            f"at most {LARGEST:,}; give a smaller network"
        )


@contextmanager
def _refusing(target: Target) -> Iterator[None]:
    from flopscope.measured.runtimes import Refused

    try:
        yield
    except Refused as error:
        what = "made ready" if target.is_graph else "exported"
        raise BadInput(f"{target.name} cannot be {what}: {error}") from error
