"""A sign of life while something takes long: on a terminal's standard error, nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting(for_what: str, *, long: bool = True) -> Iterator[None]:
    """While active, a line with what is done and for how long; it is gone afterwards. Nothing for
    what is not long."""
    if not (long and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(for_what, total=None)
        yield
