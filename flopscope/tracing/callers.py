"""Which line of the reader's code a message names: one that runs, or one that an error passed.

Frames of torch, of Python's own library, of this project and of what runs it from a command line
are left out. Of the rest, files of the reader's own come before installed packages, so that readers
who call a package are told which of their own lines does.
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
"""Packages that run a command or a cell, and so stand around the reader's lines."""

SITES = ("site-packages", "dist-packages")
"""Folders in which packages are installed."""

PYTHON = tuple(
    f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "scripts")
)


def is_theirs(filename: str) -> bool:
    """Is it a file of the reader's or of a package of theirs: neither torch's, ours, Python's, a
    runner's, nor made at run time?"""
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
    """file:line of the innermost running frame of the reader's code, "unknown" where there is none.
    The code that called this project is left out: the code that it runs is what is meant."""
    running = list(_running(sys._getframe(1)))
    ours = [at for at, (file, _) in enumerate(running) if file.startswith(OWN)]
    return innermost(running[: ours[-1]] if ours else running) or "unknown"


def _running(frame: FrameType | None) -> Iterator[Line]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def innermost(lines: Iterable[Line]) -> str | None:
    """file:line of the first line in the reader's own files, with the line in an installed package
    that it led to; else of the first line in such a package; None where there is neither. `lines`
    start with the innermost."""
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
    """package/file:line, without where packages are installed."""
    parts = Path(filename).parts
    at = next(i for i, part in enumerate(parts) if part in SITES)
    return f"{Path(*parts[at + 1 :])}:{line}"


def shown_line(filename: str, line: int) -> str:
    """file:line, from the working directory on where the file lies below it."""
    path = Path(filename)
    near = path.is_relative_to(Path.cwd())
    return f"{path.relative_to(Path.cwd()) if near else path}:{line}"


def place_of(error: BaseException) -> str:
    """Type, text and place of an error of the reader's code, in one line."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    where = line_of(error)
    said = f"{type(error).__name__}: {shortened(text) or _code(where)}".removesuffix(": ")
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    return f"{said} at {where}{notes}" if where else f"{said}{notes}"


def _code(where: str | None) -> str:
    """What stands in the line, for an error without a text: assert x.dim() == 4."""
    file, _, line = (where or "").rpartition(":")
    return linecache.getline(file, int(line)).strip() if line.isdecimal() else ""


def line_of(error: BaseException) -> str | None:
    """file:line that an error came from, the innermost that is the reader's."""
    if isinstance(error, SyntaxError) and error.filename and is_theirs(error.filename):
        return shown_line(error.filename, error.lineno or 1)
    lines, step = [], error.__traceback__
    while step is not None:
        lines.append((step.tb_frame.f_code.co_filename, step.tb_lineno))
        step = step.tb_next
    return innermost(reversed(lines))


def shortened(text: str) -> str:
    """The text in one line, and no more of it than fits a sentence."""
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
"""The names of functions in which torch and its users give weights their first values."""


def initialises() -> bool:
    """Is a function that only gives weights their first values running? No count depends on it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name in INITIALISERS or code.co_filename.endswith("torch/nn/init.py"):
            return True
        frame = frame.f_back
    return False
