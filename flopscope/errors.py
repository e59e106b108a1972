"""What flopscope raises: one base class and a few children, whose messages a user can act on."""

from collections.abc import Collection, Iterable
from typing import Any

from flopscope.brief import shown

SHOWN = 16
"""The most names that a message lists."""


def listed(names: Iterable[str]) -> str:
    """Names joined as in a sentence.

    >>> listed(["table", "csv", "json"])
    'table, csv or json'
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


class FlopscopeError(ValueError):
    """Base of every error that a user's input can cause."""


class BadInput(FlopscopeError):
    """A value that breaks a rule: the message names the value, the rule and what would be
    accepted."""


class OutsideDomain(FlopscopeError):
    """Sizes for which the network does not exist: the real module would raise on them too."""


class UnboundSymbols(FlopscopeError):
    """A number was asked for, but not every symbol of the expression has a value."""


class MixedQuantities(FlopscopeError):
    """Two readings of different unit or convention were combined."""


class Overflow(FlopscopeError):
    """A vectorised count may leave 64 bits; nothing wrapped is ever returned."""


class UnknownName(FlopscopeError):
    """A name that is not in its table. The message offers the names that begin with it, or else
    the nearest names; `more` says where all of them are listed.

    >>> print(UnknownName("model", "mobilenet2", ["mobilenetv1", "mobilenetv2"]))
    unknown model 'mobilenet2'; did you mean mobilenetv2 or mobilenetv1?
    >>> print(UnknownName("level", 3, ["stage", "block"]))
    3 is not text, and so no level; known are stage, block
    >>> print(UnknownName("model", "resnet", ["resnet18", "resnet34", "regnet"]))
    unknown model 'resnet'; did you mean resnet18 or resnet34?
    """

    def __init__(self, what: str, name: Any, known: Iterable[str], more: str = "") -> None:
        known = list(known)
        if not isinstance(name, str):
            super().__init__(f"{shown(name)} is not text, and so no {what}; {_some(known)}")
            return
        nearest = _family(name, known) or _nearest(name, known)
        if nearest:
            hint = f"did you mean {listed(nearest)}?{more and f' {more}'}"
        else:
            hint = more or _some(known)
        super().__init__(f"unknown {what} '{name}'; {hint}")


def check_name(what: str, name: Any, known: Collection[str]) -> None:
    """Raises UnknownName unless the name is a text that the table has."""
    if not isinstance(name, str) or name not in known:
        raise UnknownName(what, name, known)


def _some(known: list[str]) -> str:
    """The first of the names, in words."""
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    are = "known are" if len(known) > 1 else "the only one is"
    return f"{are} {', '.join(known[:SHOWN])}{more}" if known else "there is none"


FAMILY = 3
"""Letters that a family's name has at least."""


def _family(name: str, known: list[str]) -> list[str]:
    """The names that begin with this one, unless they are too many to be of help."""
    begun = sorted((k for k in known if k.lower().startswith(name.lower())), key=len)
    return begun if len(name) >= FAMILY and len(begun) <= SHOWN else []


def _nearest(name: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]
