"""Rows of closed forms are appended by the operators of one folder."""

from __future__ import annotations

from pathlib import Path

import flopscope.analytic
from flopscope.analytic import operators

ANALYTIC = Path(flopscope.analytic.__file__).parent


def appending(files: list[Path]) -> list[str]:
    return sorted(file.name for file in files if ".record(" in file.read_text(encoding="utf-8"))


def test_no_family_appends_rows_itself() -> None:
    families = list(ANALYTIC.glob("*.py"))
    assert len(families) > 25
    assert appending(families) == []


def test_operators_do() -> None:
    found = appending(list(Path(operators.__file__).parent.glob("*.py")))
    assert found == [
        "convolutions.py", "elements.py", "moves.py", "norms.py", "pooling.py", "products.py",
        "stored.py",
    ]  # fmt: skip
