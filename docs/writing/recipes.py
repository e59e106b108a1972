"""The two tables of docs/recipes.md, from the results that notebooks/11_training.json holds.

`python docs/writing/recipes.py` writes them anew into the page; a test compares them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from flopscope.training.seeds import difference

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "recipes.md"
RESULTS = ROOT / "notebooks" / "11_training.json"

TRAINED = "| way | network, sizes | epochs | accuracy | MACs | processor s |"
STORED = "| stored as | accuracy | bytes of the file |"
COMPARED = "| way | less | difference |"
INT8 = ("float32", "int8 per channel", "int8 per tensor", "int8 per channel, ends kept")
PAIRS = (
    ("fixed", "progressive from 32"),
    ("fixed", "progressive from 48"),
    ("fixed", "fixed, fewer epochs"),
    ("fixed, fewer epochs", "progressive from 32"),
    ("plain", "distilled"),
    ("plain", "plain, more epochs"),
    ("plain, more epochs", "distilled"),
    *(("float32", way) for way in INT8[1:]),
)


class Study:
    """The results, by way and in the order of seeds."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.found, self.seeds = found, found["provenance"]["seeds"]
        self.ways: Mapping[str, Any] = found["ways"]

    def rows(self, way: str) -> list[Mapping[str, Any]]:
        """One row a seed."""
        rows = {row["seed"]: row for row in self.found["runs"] if row["way"] == way}
        return [rows[seed] for seed in self.seeds]

    def accuracies(self, way: str) -> list[float]:
        """In percent."""
        return [100 * row["accuracy"] for row in self.rows(way)]


def study() -> Study:
    """The results that are stored."""
    return Study(json.loads(RESULTS.read_text(encoding="utf-8")))


def tables(found: Study) -> dict[str, str]:
    """Each table of the page by its first line."""
    trained = [_trained(found, way) for way in found.ways]
    stored = [(way, _spread(found.accuracies(way)), _bytes(found, way)) for way in INT8]
    compared = [
        (second, first, str(difference(found.accuracies(first), found.accuracies(second))))
        for first, second in PAIRS
    ]
    of = {TRAINED: ("llrrrr", trained), STORED: ("lrr", stored), COMPARED: ("lll", compared)}
    return {head: _table(head, sides, rows) for head, (sides, rows) in of.items()}


def _trained(found: Study, way: str) -> tuple[str, ...]:
    network, given = found.ways[way]
    rows = found.rows(way)
    sizes = given["sizes"] if isinstance(given["sizes"], list) else [given["sizes"]]
    seconds = [sum(stage["processor_seconds"] for stage in row["stages"]) for row in rows]
    return (
        way,
        f"`{network}`, {', '.join(map(str, sizes))}",
        str(given["epochs"]),
        _spread(found.accuracies(way)),
        f"{rows[0]['macs']:.3e}",
        f"{mean(seconds):.0f}",
    )


def _bytes(found: Study, way: str) -> str:
    return f"{mean(row['bytes'] for row in found.rows(way)):,.0f}"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def _table(head: str, sides: str, rows: Sequence[Sequence[str]]) -> str:
    rule = "|".join({"l": "---", "r": "---:"}[side] for side in sides)
    return "\n".join([head, f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])


def main() -> None:
    """Write the tables into the page, each in the place of the one that has its first line."""
    page = PAGE.read_text(encoding="utf-8")
    for head, table in tables(study()).items():
        page = re.sub(rf"^{re.escape(head)}\n(?:\|.*\n)*", f"{table}\n", page, flags=re.MULTILINE)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
