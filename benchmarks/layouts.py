"""Holds the copies into blocks of channels and back that flopscope counts for ONNX Runtime against
those that it makes, network by network: what it ran says its own profiler.

    OMP_NUM_THREADS=1 python benchmarks/layouts.py [MODEL …]

Without models it takes all of the catalogue up to 5 GMACs, some ten minutes. The number of blocks'
channels is that of processors with AVX-512.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime

from flopscope.answers.counted import Given
from flopscope.answers.running import runnable
from flopscope.answers.target import parse_target
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.facts import Movement
from flopscope.measured.runtimes.exported import exported
from flopscope.measured.runtimes.ort import PROVIDERS, SILENT
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.units import units

LARGEST = 5 * 10**9


def main() -> None:
    """Print the counts of each network, and how many are equal."""
    models = sys.argv[1:] or list(small())
    equal = 0
    for model in models:
        counted, ran = counted_copies(model), list(copies_that_ran(model))
        equal += counted == len(ran)
        mark = "" if counted == len(ran) else "  differs"
        print(f"{model:<30} counted {counted:4}   ran {len(ran):4}{mark}", flush=True)
    print(f"{equal} of {len(models)} networks have as many copies as were counted")


def small() -> Iterator[str]:
    """The models of the catalogue up to the largest size."""
    for model in MODELS:
        variant = parse(model)
        if variant.ledger(variant.resolution()).macs().value <= LARGEST:
            yield model


def counted_copies(model: str) -> int:
    """The copies that flopscope counts, of maps of more than one place."""
    variant = parse(model)
    found = units(variant.ledger(variant.resolution()).rows, RUNTIMES["ort"])
    rows = [row for unit in found for row in unit.rows]
    return sum(int(row.repeat) for row in rows if row.function is Movement.COPY)


def copies_that_ran(model: str) -> Iterator[tuple[int, ...]]:
    """The shapes of the maps of more than one place that ONNX Runtime copied."""
    for event in events(model):
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        facts = event["args"]
        if facts["op_name"] in ("ReorderInput", "ReorderOutput"):
            (shape,) = facts["input_type_shape"][0].values()
            if shape[2:] != [1, 1]:
                yield tuple(shape)


def events(model: str) -> list[dict[str, Any]]:
    """What ONNX Runtime's profiler says of one run."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with runnable(parse_target(model), Given()) as network:
            file = exported(network, folder)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = SILENT
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "run")
        session = onnxruntime.InferenceSession(str(file), options, providers=PROVIDERS)
        names = [given.name for given in session.get_inputs()]
        session.run(None, dict(zip(names, network.values, strict=True)))
        found: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text("utf-8"))
        return found


if __name__ == "__main__":
    main()
