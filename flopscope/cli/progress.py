"""A line that shows that a long computation is running. It goes to standard error, and only to a
terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flopscope.present.progress import between as between


@contextmanager
def waiting(for_what: str, *, long: bool = True) -> Iterator[None]:
    """Show what is being done and for how long, in a line that is removed afterwards. Nothing is
    shown where it does not take long."""
    if not (long and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(for_what, total=None)
        yield


@contextmanager
def counting(for_what: str) -> Iterator[Callable[[int, int], None]]:
    """The same with a function that is told how many of how many things are done, and shows it."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(for_what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def on_terminal(text: str) -> None:
    """A sentence beside the answer, for a person who looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"flopscope: {text}\n")
