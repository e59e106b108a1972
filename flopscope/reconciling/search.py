"""Which accounts give a reported number: all that do, simplest first, or the nearest ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flopscope.errors import UnknownName
from flopscope.reconciling.accounts import Account, parameter_accounts, work_accounts
from flopscope.reconciling.countings import Counting, countings
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.subjects import Subject, Version

NEAREST = 5
"""Accounts that are shown where none gives the number."""

STRICT = (Digits.ROUNDED, Digits.TRUNCATED)


@dataclass(frozen=True)
class Fit:
    """An account, and how the reported text comes from its count."""

    account: Account
    digits: Digits

    @property
    def steps(self) -> int:
        """From the plain count, rounded."""
        return self.account.steps + self.digits.steps


@dataclass(frozen=True)
class Explanation:
    """What was found of a reported number: `fits` give it, simplest first; without any, `nearest`
    come closest. `tried` accounts were compared."""

    subject: Subject
    reported: Reported
    quantity: str
    fits: tuple[Fit, ...]
    nearest: tuple[Account, ...]
    tried: int

    def __bool__(self) -> bool:
        """Does a reading give the number?"""
        return bool(self.fits)

    def remainder(self, account: Account) -> Fraction:
        """Reported less counted."""
        return self.reported.value - account.count


def explain_work(subject: Subject, reported: Reported, tool: str | None = None) -> Explanation:
    """The readings of the tables that give the reported work, all of them or those of one tool.

    Raises UnknownName for a tool that is none.

    >>> from flopscope.reconciling.subjects import of_catalogue
    >>> found = explain_work(of_catalogue("mobilenetv1"), Reported.parse("578,875,904"))
    >>> found.fits[0].account.name
    'fvcore'
    """
    chosen = countings() if tool is None else of_tool(tool)

    def accounts(version: Version) -> Iterator[Account]:
        return work_accounts(version, chosen)

    return _explain(subject, reported, "work", accounts)


def explain_parameters(subject: Subject, reported: Reported) -> Explanation:
    """The readings of the tables that give the reported number of parameters."""
    return _explain(subject, reported, "parameters", parameter_accounts)


def answers(subject: Subject, tool: str) -> tuple[Account, ...]:
    """What a tool answers of the network as asked: of layers as modules, then otherwise written.

    Raises UnknownName for a tool that is none.
    """
    spelled = {counting.name for counting in of_tool(tool)}
    accounts = work_accounts(subject.asked, of_tool(tool))
    return tuple(account for account in accounts if account.name in spelled)


def of_tool(tool: str) -> tuple[Counting, ...]:
    """The countings of a tool. Raises UnknownName."""
    known = dict.fromkeys(counting.tool for counting in countings())
    if tool not in known:
        raise UnknownName("tool", tool, known)
    return tuple(counting for counting in countings() if counting.tool == tool)


def _explain(
    subject: Subject,
    reported: Reported,
    quantity: str,
    accounts: Callable[[Version], Iterator[Account]],
) -> Explanation:
    """Other inputs and numbers of classes are tried only where nothing nearer gives the number."""
    asked = list(accounts(subject.asked))
    known = {(account.counted, account.count) for account in asked}
    other = [account for version in subject.near() for account in accounts(version)]
    near = tried = [*asked, *(a for a in other if (a.counted, a.count) not in known)]
    if not (fits := fits_of(reported, tried, STRICT)):
        further = [account for version in subject.far() for account in accounts(version)]
        fits = fits_of(reported, further, STRICT)
        tried = [*tried, *further]
    nearest = sorted(near, key=lambda a: (abs(reported.value - a.count), a.steps))[:NEAREST]
    return Explanation(subject, reported, quantity, fits, tuple(nearest), len(tried))


def fits_of(
    reported: Reported, accounts: Iterable[Account], digits: Sequence[Digits]
) -> tuple[Fit, ...]:
    """The accounts that give the number with digits of those kinds; a number that is not rounded is
    a step more."""
    found = ((account, reported.digits(account.count)) for account in accounts)
    fits = [Fit(account, kind) for account, kind in found if kind is not None and kind in digits]
    return tuple(sorted(fits, key=lambda fit: (fit.steps, fit.digits.steps)))
