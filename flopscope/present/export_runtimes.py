"""What a runtime needs of an exported network: a profile and commands, or converted files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flopscope.answers.export import Exported
from flopscope.answers.exporting.recipes import Ready
from flopscope.answers.exporting.tensorrt import Plan
from flopscope.brief import number_of
from flopscope.present.numbers import integer
from flopscope.present.table import Column, Table
from flopscope.present.words import wrapped

NO_RUN = "runs on Apple's systems alone, so that nothing was compared"


def runtime_tables(found: Exported, name: str) -> list[Table]:
    """The tables of the asked runtime, for files of this name; none where none is asked for."""
    tables = []
    if found.plan is not None:
        tables += [_profile_table(found.plan), _command_table(found, found.plan, name)]
    if found.ready is not None:
        tables.append(_ready_table(found, found.ready, name))
    return tables


def _profile_table(plan: Plan) -> Table:
    places = (("min", "Minimum"), ("opt", "Optimum"), ("max", "Maximum"))
    shown = [
        Column("input", "Input", numeric=False),
        Column("type", "Type", numeric=False),
        *(Column(key, heading, numeric=False) for key, heading in places),
    ]
    rows = [[i.name, i.type, *("×".join(map(str, s)) for s in i.shapes)] for i in plan.inputs]
    notes = list(plan.refused) or ["TensorRT's table of operators has every operator of the file"]
    return Table(shown, rows, "The optimisation profile for TensorRT.", notes)


def _command_table(found: Exported, plan: Plan, name: str) -> Table:
    rows: list[list[str]] = []
    headings: list[str] = []
    for version, commands in plan.commands(f"{name}.onnx").items():
        for words in commands:
            lines = list(_lines(words))
            rows += [[line] for line in lines]
            headings += [version] * len(lines)
    notes = [
        f"-o {name}.onnx writes the file, and beside it {name}.tensorrt.py, which compiles the "
        "module with torch_tensorrt"
    ]
    if plan.half:
        notes.append(
            "TensorRT 11 takes the types of numbers from the file; AutoCast is part of NVIDIA's "
            "nvidia-modelopt"
        )
    if found.ready is None:
        notes.append("TensorRT is not installed here, so that no engine was built and timed")
    shown = [Column("line", "Command", numeric=False)]
    return Table(shown, rows, "What builds the engine.", notes, headings=headings)


def _lines(words: Sequence[str]) -> Iterator[str]:
    """A command line on several lines, as a shell reads it: a flag on each."""
    first, *flags = words
    head = [first]
    while flags and not flags[0].startswith("--"):
        head.append(flags.pop(0))
    parts = [" ".join(head)]
    for word in flags:
        if word.startswith("--"):
            parts.append(word)
        else:
            parts[-1] += f" {word}"
    for part in parts[:-1]:
        yield f"{part} \\"
    yield parts[-1]


def _ready_table(found: Exported, ready: Ready, name: str) -> Table:
    made = ready.converted
    shown = [
        Column("file", "File", numeric=False, fold=wrapped),
        Column("bytes", "Bytes", integer),
        Column("difference", "Over the\nlargest value", lambda value: f"{value:.1e}"),
        Column("ms", "ms", lambda value: f"{value:.3g}"),
    ]
    rows: list[list[Any]] = [
        [f"{name}{ending}", len(content), None, None] for ending, content in made.files.items()
    ]
    relative = None if ready.apart is None else ready.apart.relative
    rows.append(["total", made.size, relative, made.milliseconds])
    numbers = 16 if found.wanted.half else 32
    title = f"Converted for {ready.title} by {made.version}, weights of {numbers} bits."
    return Table(shown, rows, title, list(_ready_notes(found, ready)), total=True)


def _ready_notes(found: Exported, ready: Ready) -> Iterator[str]:
    operators = ready.converted.operators
    if operators:
        count = sum(operators.values())
        most = sorted(operators.items(), key=lambda each: (-each[1], each[0]))
        named = ", ".join(f"{name} {number}" for name, number in most)
        nodes = sum(found.overview.operators.values())
        whole = [None] * count
        yield f"{nodes} nodes of the ONNX file became {number_of(whole, 'operator')}: {named}"
    if ready.converted.printed:
        yield ready.converted.printed
    if ready.apart is None:
        yield f"{ready.title} {NO_RUN}"


def runtime_data(found: Exported, name: str) -> dict[str, Any]:
    """The facts of the asked runtime for JSON."""
    data: dict[str, Any] = {"for": found.wanted.to, "fp16": found.wanted.half}
    if found.plan is not None:
        data["profile"] = [
            {
                "name": i.name,
                "type": i.type,
                **dict(zip(("min", "opt", "max"), i.shapes, strict=True)),
            }
            for i in found.plan.inputs
        ]
        data["refused"] = list(found.plan.refused)
        data["commands"] = found.plan.commands(f"{name}.onnx")
        data["script"] = found.plan.script(found.target)
    if found.ready is not None:
        made = found.ready.converted
        data["converted"] = {
            "version": made.version,
            "files": {f"{name}{ending}": len(content) for ending, content in made.files.items()},
            "bytes": made.size,
            "operators": dict(sorted(made.operators.items())),
            "difference": found.ready.apart and found.ready.apart._asdict(),
            "printed": made.printed,
            "ms": made.milliseconds,
        }
    return data
