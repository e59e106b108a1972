"""Exports a network of every family, runs each file beside its module, and counts both.

    python benchmarks/exports.py [MODEL ...]

`make exports` runs it in about two minutes. Of each family it takes the network with the fewest
multiply-accumulates, at its own input size. It prints a line a network, and exits with 1 where a
file's results are further than 1e-4 of the largest value from the module's, or where its MACs are
not the module's, row by row. MobileVLM's weights are more than an ONNX file holds, which is said.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from time import process_time

from flopscope.answers.counted import Given, counted
from flopscope.answers.export import Exported, export
from flopscope.answers.target import parse_target
from flopscope.catalog.models import MODELS
from flopscope.errors import BadInput

TOO_LARGE = {"mobilevlm"}
"""Families all of whose networks have more weights than an ONNX file holds."""


def smallest() -> list[str]:
    """The network of each family with the fewest multiply-accumulates."""
    families: dict[str, list[str]] = {}
    for name, model in MODELS.items():
        families.setdefault(model.family, []).append(name)
    return [min(names, key=macs) for names in families.values()]


def macs(name: str) -> int:
    """The multiply-accumulates of a network at its own input size."""
    return int(counted(parse_target(name), Given()).ledger.macs())


def line(found: Exported, seconds: float) -> str:
    """What a line says of an exported network."""
    relative = max(check.relative or 0.0 for check in found.checks)
    (first, *optimised) = found.steps
    others = len(first.other_macs)
    said = "MACs equal, row by row" if not others else f"{others} rows with other MACs"
    nodes = "/".join(str(stage.nodes) for stage in found.stages[1:])
    kept = "" if not any(step.other_macs for step in optimised) else ", not once optimised"
    return (
        f"{found.target.name:24} {len(found.content):11,} bytes, error {relative:.1e}, "
        f"{said}{kept}, nodes {nodes}, {seconds:.1f} s"
    )


def main(names: Sequence[str]) -> int:
    """Export all; 1 if one is not as it should be."""
    wrong = 0
    for name in names or smallest():
        begun = process_time()
        try:
            found = export(name)
        except BadInput as error:
            print(f"{name:24} refused: {error}", flush=True)
            wrong += MODELS[name].family not in TOO_LARGE
            continue
        print(line(found, process_time() - begun), flush=True)
        wrong += not found.holds or bool(found.steps[0].other_macs)
        del found
        gc.collect()
    print(f"{wrong} not as they should be")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
