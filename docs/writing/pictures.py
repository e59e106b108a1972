"""Draw every picture of the pages again, each by the command that its provenance states."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from pathlib import Path

from flopscope.cli import main

ROOT = Path(__file__).parent.parent.parent


def draw() -> int:
    """Draw all pictures; the number of those that could not be drawn."""
    os.chdir(ROOT)
    failed = 0
    for made in sorted(Path("docs").rglob("*.png.json")):
        _, *arguments = shlex.split(json.loads(made.read_text(encoding="utf-8"))["command"])
        with contextlib.redirect_stdout(None):
            status = main(arguments)
        failed += status != 0
        sys.stdout.write(f"{'drew' if status == 0 else 'could not draw'} {made.with_suffix('')}\n")
    return failed


if __name__ == "__main__":
    sys.exit(draw())
