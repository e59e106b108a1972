"""Guards around a reader's code: what it prints is not the answer, it does not end the program, and
it neither downloads nor asks.

A program that ends inside `flopscope assert` would otherwise leave with status 0, as if the budgets
were kept.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import wraps
from typing import Any, NoReturn

from flopscope.errors import BadInput
from flopscope.tracing.callers import innermost, running
from flopscope.tracing.loading.offline import without_downloads, without_questions
from flopscope.tracing.loading.refusals import told

ENDINGS = [
    (module, name)
    for module in (os, sys.modules[os.name])
    for name in ("_exit", "execv", "execve")
    if hasattr(module, name)
]
"""The functions that end the program past every `except` and `finally`; os.name is the module that
os has them from."""

OUT, ERR = 1, 2
"""The descriptors of standard output and standard error."""


@contextmanager
def guarded(target: str) -> Iterator[None]:
    """While active, all guards hold. Raises BadInput where the target's code ended the program, in
    a thread too."""
    aside, kept = prints_aside(), kept_running(target)
    with aside, without_questions(target), without_downloads(target), kept:
        yield


# --- what it prints -------------------------------------------------------------------------------


@contextmanager
def prints_aside() -> Iterator[None]:
    """While active, what goes to standard output goes to standard error, also what C code and other
    programs write."""
    with redirect_stdout(sys.stderr):
        kept = _moved()
        try:
            yield
        finally:
            if kept is not None:
                _flush()
                os.dup2(kept, OUT)
                os.close(kept)


def _moved() -> int | None:
    """A copy of standard output's descriptor, which is now standard error's; None where one of them
    is closed."""
    try:
        kept = os.dup(OUT)
    except OSError:
        return None
    _flush()
    try:
        os.dup2(ERR, OUT)
    except OSError:
        os.close(kept)
        return None
    return kept


def _flush() -> None:
    """Write what Python and C hold back, while it goes where it belongs."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or there is none
        sys.__stdout__.flush()  # type: ignore[union-attr]
    with suppress(OSError, TypeError, AttributeError):  # where C's library cannot be asked
        ctypes.CDLL(None).fflush(None)


# --- how it ends ----------------------------------------------------------------------------------


@contextmanager
def kept_running(target: str) -> Iterator[None]:
    """While active, what would end the program raises SystemExit, and afterwards BadInput is raised
    if that happened. It stays so for threads that the code has left running."""
    ends = Ends()
    before = [(module, name, getattr(module, name)) for module, name in ENDINGS]
    for module, name, end in before:
        setattr(module, name, ends.instead_of(end))
    try:
        yield
    except SystemExit as error:
        raise _ended(target, told(error)) from error
    finally:
        ends.done = True
        if not ends.threads_run():
            for module, name, end in before:
                setattr(module, name, end)
    if ends.where is not None:
        raise _ended(target, f"its code ends the program at {ends.where}")


def _ended(target: str, how: str) -> BadInput:
    return BadInput(
        f"{target} cannot be counted: {how}; take out what ends the program, or keep it under "
        "if __name__ == '__main__'"
    )


class Ends:
    """What happens where the code of one call ends the program."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.thread = threading.current_thread()
        self.others = frozenset(threading.enumerate()) - {self.thread}
        self.done = False
        self.where: str | None = None

    def instead_of(self, end: Callable[..., Any]) -> Callable[..., Any]:
        """A function that ends nothing for the guarded code, and for everybody else is `end`."""

        @wraps(end)
        def ended(*given: Any, **named: Any) -> Any:
            return self._refuse() if self._is_theirs() else end(*given, **named)

        return ended

    def threads_run(self) -> bool:
        """Does a thread run still that was started since?"""
        return not self.others.issuperset({*threading.enumerate()} - {self.thread})

    def _is_theirs(self) -> bool:
        """Does the guarded code call? Not where it is a copy of this process, that is to end, nor a
        thread that was there before."""
        current = threading.current_thread()
        if os.getpid() != self.process or current in self.others:
            return False
        return not (self.done and current is self.thread)

    def _refuse(self) -> NoReturn:
        if self.where is None:
            self.where = innermost(running(sys._getframe(2))) or "unknown"
        raise SystemExit(1)
