"""The line of the reader's code that a message names: a line that is running, or one through which
an error came.

Frames of torch, of Python's own library, of this project and of programs that run a command or test
are left out. Of the rest, the reader's own files come before installed packages, so that readers
who call a package learn which of their own lines calls it.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

import torch

LONGEST = 300
"""The most characters of somebody else's error that a message repeats."""

Line = tuple[str, int]
"""A file and a line in it."""


def _folder(file: str | None) -> str:
    return f"{Path(file or '').parent}{os.sep}"


OWN = f"{Path(__file__).parents[1]}{os.sep}"

NOBODYS = (_folder(torch.__file__), OWN, "<")

RUNNERS = frozenset("click rich pytest _pytest pluggy IPython ipykernel".split())
"""Packages that run a command, a test or a cell, whose frames surround the reader's."""

SITES = ("site-packages", "dist-packages")
"""Folders in which packages are installed."""

PYTHON = tuple(
    f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "scripts")
)


def is_theirs(filename: str) -> bool:
    """Is it a file of the reader or of a package that they use? Files of torch, of this project, of
    Python and of runners are not, nor is code made at run time."""
    if filename.startswith(NOBODYS):
        return False
    package = package_of(filename)
    return not filename.startswith(PYTHON) if package is None else package not in RUNNERS


def package_of(filename: str) -> str | None:
    """The installed package that the file belongs to, None for the reader's own files."""
    parts = Path(filename).parts
    at = next((i for i, part in enumerate(parts) if part in SITES), len(parts))
    return parts[at + 1].removesuffix(".py") if at + 1 < len(parts) else None


def caller() -> str:
    """file:line of the innermost running frame of the reader's code; "unknown" if there is none.
    Code that called this project is left out, because the code that this project runs is meant."""
    lines = list(running(sys._getframe(1)))
    ours = [at for at, (file, _) in enumerate(lines) if file.startswith(OWN)]
    return innermost(lines[: ours[-1]] if ours else lines) or "unknown"


def running(frame: FrameType | None) -> Iterator[Line]:
    """The lines that run in a frame and in those that called it, the innermost first."""
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def innermost(lines: Iterable[Line]) -> str | None:
    """file:line of the innermost line in the reader's own files, with the line in an installed
    package to which it led; else of the innermost line in such a package; None if there is neither.
    `lines` start with the innermost."""
    theirs = [(file, line) for file, line in lines if is_theirs(file)]
    own = next((line for line in theirs if package_of(line[0]) is None), None)
    if not theirs or own is None:
        return shown_line(*theirs[0]) if theirs else None
    return (
        shown_line(*own)
        if own == theirs[0]
        else f"{shown_line(*own)} (in {_in_package(*theirs[0])})"
    )


def _in_package(filename: str, line: int) -> str:
    """package/file:line, without the folder in which packages are installed."""
    parts = Path(filename).parts
    at = next(i for i, part in enumerate(parts) if part in SITES)
    return f"{Path(*parts[at + 1 :])}:{line}"


def shown_line(filename: str, line: int) -> str:
    """file:line, relative to the working directory if the file is below it."""
    path = Path(filename)
    near = path.is_relative_to(Path.cwd())
    return f"{path.relative_to(Path.cwd()) if near else path}:{line}"


def place_of(error: BaseException) -> str:
    """The type, text and place of an error in the reader's code, on one line."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    where = line_of(error)
    said = f"{type(error).__name__}: {shortened(text) or _code(where)}".removesuffix(": ")
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    return f"{said} at {where}{notes}" if where else f"{said}{notes}"


def _code(where: str | None) -> str:
    """The code of the line, such as assert x.dim() == 4, for an error without a text."""
    file, _, line = (where or "").rpartition(":")
    return linecache.getline(file, int(line)).strip() if line.isdecimal() else ""


def line_of(error: BaseException) -> str | None:
    """The file:line from which an error came: the innermost one in the reader's code."""
    if isinstance(error, SyntaxError) and error.filename and is_theirs(error.filename):
        return shown_line(error.filename, error.lineno or 1)
    lines, step = [], error.__traceback__
    while step is not None:
        lines.append((step.tb_frame.f_code.co_filename, step.tb_lineno))
        step = step.tb_next
    return innermost(reversed(lines))


def shortened(text: str) -> str:
    """The text on one line, cut to the length of a sentence."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    start = line[:LONGEST]
    sentence = start.rfind(". ")
    return start[:sentence] if sentence > 0 else f"{start[: start.rfind(' ')]} …"


INITIALISERS = frozenset(
    "reset_parameters _reset_parameters init_weights _init_weights initialize_weights "
    "_initialize_weights trunc_normal_ variance_scaling_".split()
)
"""The names of functions in which torch and its users initialise weights."""


def initialises() -> bool:
    """Is a function running that only initialises weights? No count depends on it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name in INITIALISERS or code.co_filename.endswith("torch/nn/init.py"):
            return True
        frame = frame.f_back
    return False
