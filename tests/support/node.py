"""Node runs the JavaScript that is written, where the machine has it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from flopscope.closedform.scripts import runtime

NODE = shutil.which("node")
REASON = "node, which runs the JavaScript that is written, is not installed"


def needs_node(test: Any) -> Any:
    """The test is skipped, with the reason, where there is no node."""
    return pytest.mark.may_skip(REASON)(pytest.mark.skipif(NODE is None, reason=REASON)(test))


def run(script: str, data: Any = None) -> Any:
    """What a script prints as JSON, whose `data` are these. Integers of any size are texts."""
    assert NODE is not None
    text = f"const data = {json.dumps(data)};\n{script}"
    done = subprocess.run([NODE, "-"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


CALLED = """
const called = (program, sizes) => {
  try { return String(program(sizes)); }
  catch (error) { if (error instanceof RangeError) return error.constructor.name; throw error; }
};
"""


def answers(functions: dict[str, str], points: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """What the functions, by name, give at these sizes: an integer as text, or "Outside"."""
    written = "\n".join(functions.values())
    table = "const every = {" + ",".join(functions) + "};"
    asked = "console.log(JSON.stringify(data.map(([name, s]) => called(every[name], s))));"
    return run("\n".join([runtime(), written, CALLED, table, asked]), points)
