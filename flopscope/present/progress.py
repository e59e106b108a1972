"""A line that shows how far a long computation is. It goes to standard error, and only to a
terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def between(for_what: str) -> Iterator[Callable[[int, int], None]]:
    """Show what is being done, with a function that is told how many of how many things are done.
    The line is removed afterwards.

    It is for what is timed: the line is written when it is told something and never in between,
    because that would take time from what is measured.
    """
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as progress:
        task = progress.add_task(for_what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of, refresh=True)
