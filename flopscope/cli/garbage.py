"""How often Python looks for garbage in the process of a command.

It goes through everything that exists each time, and importing torch makes hundreds of thousands of
objects that stay. A command ends soon, so looking rarely costs little memory.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (50_000, 20, 100)
"""As `gc.set_threshold` takes it; Python's own numbers are 700, 10 and 10."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """While active, Python looks for garbage rarely."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def leave_the_rest() -> None:
    """Spare Python its last search for garbage, as the process ends. It is made where code of the
    user may have run, because it closes files that this code left open."""
    if "torch" not in sys.modules:
        gc.freeze()
