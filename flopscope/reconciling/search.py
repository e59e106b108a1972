"""The accounts that give a reported number, simplest first, or the nearest ones if none does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flopscope.brief import number_of, short
from flopscope.errors import UnknownName
from flopscope.reconciling.accounts import Account, parameter_accounts, work_accounts
from flopscope.reconciling.answered import OWN, answer_of, answered
from flopscope.reconciling.countings import Counting, countings
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.subjects import Subject, Version
from flopscope.reconciling.tools import Unmodelled

NEAREST = 5
"""The number of accounts that are shown if none gives the number."""

STRICT = (Digits.ROUNDED, Digits.TRUNCATED)


@dataclass(frozen=True)
class FittingAccount:
    """An account, and how the reported text, which is read as `reported`, comes from its count."""

    account: Account
    digits: Digits
    reported: Reported

    def __repr__(self) -> str:
        return short(self, f"{self.account.name}, {self.said}")

    @property
    def steps(self) -> int:
        """Its distance from the plain count, rounded, with letters for powers of a thousand."""
        return self.account.steps + self.digits.steps + bool(self.reported.prefix)

    @property
    def remainder(self) -> Fraction:
        """The reported number less the count."""
        return self.reported.value - self.account.count

    @property
    def said(self) -> str:
        """How the text comes from the count."""
        prefix = self.reported.prefix
        return f"{self.digits.value}, {prefix}" if prefix else self.digits.value


@dataclass(frozen=True)
class Explanation:
    """What was found about a reported number. `fits` give it, simplest first. If there are none,
    `nearest` come closest, and `elsewhere` give it at another input. `tried` is the number of
    accounts that were compared.
    """

    subject: Subject
    reported: Reported
    quantity: str
    fits: tuple[FittingAccount, ...]
    nearest: tuple[Account, ...]
    tried: int
    elsewhere: tuple[FittingAccount, ...] = ()

    def __repr__(self) -> str:
        found = f"{number_of(self.fits, 'way')} found" if self.fits else "unexplained"
        return short(self, f"{self.subject.name}, {self.reported.text} of {self.quantity}: {found}")

    def __bool__(self) -> bool:
        """Does a reading give the number at this input?"""
        return bool(self.fits)

    def remainder(self, account: Account) -> Fraction:
        """The reported number less the count."""
        return self.reported.value - account.count


def explain_work(subject: Subject, reported: Reported, tool: str | None = None) -> Explanation:
    """The readings in the tables that give the reported work, of all tools or of one.

    Raises UnknownName for an unknown tool.

    >>> from flopscope.reconciling.subjects import of_catalog
    >>> found = explain_work(of_catalog("mobilenetv1"), Reported.parse("578,875,904"))
    >>> found.fits[0].account.name
    'fvcore'
    """
    chosen = countings() if tool is None else of_tool(tool)
    stated = answered(subject, chosen)

    def accounts(version: Version) -> Iterator[Account]:
        if version is subject.asked:
            yield from stated.accounts
        yield from work_accounts(version, stated.countings)

    return _explain(subject, reported, "work", accounts)


def explain_parameters(subject: Subject, reported: Reported) -> Explanation:
    """The readings in the tables that give the reported number of parameters."""
    return _explain(subject, reported, "parameters", parameter_accounts)


def answers(subject: Subject, tool: str) -> tuple[Account, ...] | Unmodelled:
    """What a tool answers for the network as asked.

    For the reader's own network that is one account, or the statement that it is not modelled. For
    a closed form it is the accounts of layers written as modules, and then of other ways to write
    them.

    Raises UnknownName for an unknown tool.
    """
    if subject.answer is not None and of_tool(tool) and tool not in OWN:
        found = answer_of(subject, tool)
        return found if isinstance(found, Unmodelled) else (found,)
    spelled = {counting.name for counting in of_tool(tool)}
    accounts = work_accounts(subject.asked, of_tool(tool))
    return tuple(account for account in accounts if account.name in spelled)


def of_tool(tool: str) -> tuple[Counting, ...]:
    """The countings of a tool. Raises UnknownName for an unknown tool."""
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
    """The readings of the network as asked and of its near versions. If none of them gives the
    number, those with other numbers of classes follow, and then those with other inputs."""
    asked = list(accounts(subject.asked))
    known = {(account.counted, account.count) for account in asked}
    other = [account for version in subject.near() for account in accounts(version)]
    near = tried = [*asked, *(a for a in other if (a.counted, a.count) not in known)]
    if not (fits := fits_of(reported, tried, STRICT)):
        further = [account for version in subject.far() for account in accounts(version)]
        fits = fits_of(reported, further, STRICT)
        tried = [*tried, *further]
    elsewhere: tuple[FittingAccount, ...] = ()
    if not fits:
        others = [account for version in subject.elsewhere() for account in accounts(version)]
        elsewhere = fits_of(reported, others, STRICT)
        tried = [*tried, *others]
    nearest = sorted(near, key=lambda a: (abs(reported.value - a.count), a.steps))[:NEAREST]
    tally = len(tried)
    return Explanation(subject, reported, quantity, fits, tuple(nearest), tally, elsewhere)


def fits_of(
    reported: Reported,
    accounts: Iterable[Account],
    digits: Sequence[Digits],
    *,
    powers_of_1024: bool = True,
) -> tuple[FittingAccount, ...]:
    """The accounts that give the number with digits of these kinds, simplest first.

    A number that is not rounded is one step further, and so is a letter read as a power of 1024.
    """
    read = [reported, *([reported.binary] if powers_of_1024 and reported.binary else [])]
    fits = [
        fit for account in accounts if (fit := next(_fits(account, read, digits), None)) is not None
    ]
    return tuple(sorted(fits, key=lambda fit: (fit.steps, fit.digits.steps)))


def _fits(
    account: Account, read: Sequence[Reported], digits: Sequence[Digits]
) -> Iterator[FittingAccount]:
    for reported in read:
        kind = reported.digits(account.count)
        if kind is not None and kind in digits:
            yield FittingAccount(account, kind, reported)
