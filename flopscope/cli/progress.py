"""A line that shows that a long computation is running. It goes to standard error, and only to a
terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
