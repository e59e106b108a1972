"""Everything README.md shows is run here, and prints what it says.

A ```console block holds lines `$ command` and the output of each below it. `flopscope` is run as
the entry point that pyproject.toml declares. `make TARGET` must name a target; if output is shown,
it is that of the flopscope command in which the target ends. Nothing else is run. The ```python
blocks are doctests that share one namespace, in the order of the page.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from flopscope.catalog.models import MODELS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("git clone ", "pip install ", "cd ")


class Command(NamedTuple):
    line: str
    output: str


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str = README) -> list[Command]:
    """Every command of the console blocks, with the output shown below it."""
    found = []
    for block in blocks("console", text):
        before, *shown = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not before, f"output without a command: {before!r}"
        for part in shown:
            line, _, output = part.partition("\n")
            found.append(Command(line, output.rstrip("\n")))
    return found


def make(*arguments: str) -> str:
    """What make prints, free of the make that may be running this test."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    run = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, env=inherited, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def flopscope(*arguments: str) -> str:
    """Standard output of the command, run as the installed script runs it."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["flopscope"].split(":")
    program = (
        f"import sys; from {module} import {function}; sys.argv[0] = 'flopscope'; "
        f"sys.exit({function}())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def last_flopscope_command(target: str) -> str:
    """The flopscope command that a target of the Makefile ends in."""
    last = make("--dry-run", target).splitlines()[-1]
    program, _, arguments = last.partition(" ")
    assert Path(program).name == "flopscope", f"make {target} ends in: {last}"
    return f"flopscope {arguments}"


def problem(command: Command) -> str:
    """What is wrong with a command of the page, or nothing."""
    line, output = command
    if line.startswith("make "):
        target = line.removeprefix("make ")
        make("--dry-run", target)
        if not output:
            return ""
        line = last_flopscope_command(target)
    if line.startswith("flopscope "):
        printed = flopscope(*shlex.split(line)[1:]).rstrip("\n")
        return "" if printed == output else f"$ {line}\nshown:\n{output}\nprinted:\n{printed}"
    return "" if line.startswith(NOT_RUN) and not output else f"not run by this test: {line}"


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.line)
def test_command_prints_what_the_page_shows(command):
    assert problem(command) == ""


def wrong_examples(text: str) -> str:
    """What doctest finds wrong with the Python blocks of a page, or nothing."""
    report = []
    namespace = {}
    for number, block in enumerate(blocks("python", text), 1):
        name = f"Python block {number}"
        if not block.startswith(">>> "):
            report.append(f"{name} does not start with >>>")
        examples = doctest.DocTestParser().get_doctest(block, namespace, name, "README.md", 0)
        examples.globs = namespace
        doctest.DocTestRunner().run(examples, out=report.append, clear_globs=False)
    return "".join(report)


def test_python_blocks_are_true():
    assert wrong_examples(README) == ""


def test_the_page_and_the_changelog_state_how_many_networks_there_are():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"formulas of (\d+) published networks", README) == [str(len(MODELS))]
    assert re.findall(r"catalogue of (\d+) networks", changes) == [str(len(MODELS))]


def test_the_page_shows_commands():
    assert any(command.output for command in commands())


def test_ci_runs_what_the_page_tells_to_run():
    page = [command.line for command in commands() if command.line.startswith("make test")]
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    run = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert page == run == ["make test"]


def test_a_wrong_output_is_noticed():
    right = next(command for command in commands() if command.output)
    assert "printed:" in problem(right._replace(output=right.output + " "))


def test_an_unknown_command_is_noticed():
    assert problem(Command("rm -rf build", "")) == "not run by this test: rm -rf build"
    assert "not run" in problem(Command("pip install x", "Successfully installed x"))


def test_a_wrong_example_is_noticed():
    first, second = "```python\n>>> x = 2\n```\n", "```python\n>>> x + 2\n4\n```\n"
    assert wrong_examples(first + second) == ""
    assert "Expected:\n    4\nGot:\n    5" in wrong_examples(first.replace("2", "3") + second)
    assert "does not start" in wrong_examples("```python\nx = 2\n```\n")


def test_an_unknown_target_is_noticed():
    with pytest.raises(AssertionError, match="No rule to make target"):
        problem(Command("make coffee", ""))
