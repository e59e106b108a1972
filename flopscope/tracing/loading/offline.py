"""A network is counted from its code alone: while the code runs, it neither downloads nor asks.

A connection to another machine is refused with an error of its own, as if there were no network, so
that what is in a cache is still found. Who tries again is stopped.
"""

from __future__ import annotations

import io
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from flopscope.errors import BadInput
from flopscope.tracing.callers import innermost, running

LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
"""The functions of `socket` that look a machine's name up."""

CONNECTIONS = ("connect", "connect_ex")
"""The methods of a socket that reach a machine."""

LOCAL = ("localhost", "127.", "::1", "0.0.0.0")
"""How the names and addresses of this machine begin."""


class Refused(ConnectionError):
    """A connection that was not made. Its text is the sentence for the reader."""


class Connections:
    """The connections that the code of one call asks for."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.thread = threading.current_thread()
        self.others = frozenset(threading.enumerate()) - {self.thread}
        self.first: tuple[str, str] | None = None

    def instead_of(self, reach: Callable[..., Any], host_of: Callable[..., Any]) -> Any:
        """A function that refuses the guarded code, and for everybody else is `reach`."""

        def reached(*given: Any, **named: Any) -> Any:
            host = host_of(*given, **named)
            theirs = threading.current_thread() not in self.others
            return self._refuse(host) if theirs and _is_far(host) else reach(*given, **named)

        return reached

    def _refuse(self, host: Any) -> NoReturn:
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
        again = self.first is not None
        if self.first is None:
            self.first = name, innermost(running(sys._getframe(2))) or "unknown"
        raise (BadInput if again else Refused)(self.said)

    @property
    def said(self) -> str:
        """The sentence about the first connection."""
        assert self.first is not None
        host, where = self.first
        return (
            f"{self.target} would download from {host} at {where}, and is counted from its code "
            "alone; leave out what loads weights, such as pretrained=True, or have the file in its "
            "cache"
        )


def _is_far(host: Any) -> bool:
    """Does it name another machine?"""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not isinstance(host, str) or not host:
        return False
    return not host.startswith(LOCAL) and host != socket.gethostname()


def _of_address(_: Any, address: Any, *more: Any) -> Any:
    """The machine of an address; None for a socket of this machine, whose address is a path."""
    return address[0] if isinstance(address, tuple) else None


def _of_name(host: Any = None, *more: Any, **named: Any) -> Any:
    return host


@contextmanager
def without_downloads(target: str) -> Iterator[None]:
    """While active, the code reaches no other machine. A line on standard error says so if it
    tried, and went on without."""
    watch, kind = Connections(target), socket.socket
    lookups = {name: getattr(socket, name) for name in LOOKUPS}
    own = {name: vars(kind).get(name) for name in CONNECTIONS}
    for name, lookup in lookups.items():
        setattr(socket, name, watch.instead_of(lookup, _of_name))
    for name in CONNECTIONS:
        setattr(kind, name, watch.instead_of(getattr(kind, name), _of_address))
    try:
        yield
    finally:
        for name, lookup in lookups.items():
            setattr(socket, name, lookup)
        for name, method in own.items():
            delattr(kind, name) if method is None else setattr(kind, name, method)
    if watch.first is not None:
        sys.stderr.write(f"flopscope: {watch.said}; it went on without\n")


def refused(error: BaseException | None) -> Refused | None:
    """The refused connection from which an error came, if it came from one."""
    while error is not None:
        if isinstance(error, Refused):
            return error
        reason = getattr(error, "reason", None)  # where urllib keeps it
        error = reason if isinstance(reason, Refused) else error.__cause__ or error.__context__
    return None


class Silent(io.TextIOBase):
    """Standard input, from which nothing is read."""

    def __init__(self, target: str) -> None:
        self.target = target

    def readable(self) -> bool:
        """It is open, as the code may ask."""
        return True

    def readline(self, *_: Any) -> NoReturn:
        """Raises BadInput, which names the line that reads."""
        where = innermost(running(sys._getframe(1))) or "unknown"
        raise BadInput(
            f"{self.target} asks for input at {where}, but nobody is there to answer; give what "
            "it asks for as an argument, such as --arg width=24"
        )

    read = readlines = __next__ = readline


@contextmanager
def without_questions(target: str) -> Iterator[None]:
    """While active, code that reads standard input is refused: nobody may be there to answer."""
    before = sys.stdin
    sys.stdin = Silent(target)
    try:
        yield
    finally:
        sys.stdin = before
