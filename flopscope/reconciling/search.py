"""The accounts that give a reported number, simplest first, or the nearest ones if none does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from flopscope.brief import number_of, short
from flopscope.errors import BadInput, UnknownName
from flopscope.reconciling.accounts import Account, parameter_accounts, work_accounts
from flopscope.reconciling.answered import OWN, answer_of, answered
from flopscope.reconciling.chance import chances
from flopscope.reconciling.changes import SEVERAL, Change
from flopscope.reconciling.countings import Counting, countings
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.subjects import Subject, Version
from flopscope.reconciling.tools import Unmodelled

NEAREST = 5
"""The number of accounts that are shown if none gives the number."""

STRICT = (Digits.ROUNDED, Digits.TRUNCATED)
"""How the digits of a number that stands alone may end."""

TELLING = 10_000
"""Numbers of five digits and more tell readings with several changes from each other."""


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
    accounts that were compared. `chances` has, for each number of steps, the share of the numbers
    near it that an account of at most so many gives.
    """

    subject: Subject
    reported: Reported
    quantity: str
    fits: tuple[FittingAccount, ...]
    nearest: tuple[Account, ...]
    tried: int
    elsewhere: tuple[FittingAccount, ...] = ()
    chances: Mapping[int, Fraction] = field(default_factory=dict)

    def __repr__(self) -> str:
        found = f"{number_of(self.fits, 'way')} found" if self.fits else "unexplained"
        return short(self, f"{self.subject.name}, {self.reported.text} of {self.quantity}: {found}")

    def __bool__(self) -> bool:
        """Does a reading give the number at this input?"""
        return bool(self.fits)

    def chance(self, fit: FittingAccount) -> Fraction:
        """The share of the numbers near it that would be explained as simply as by this."""
        return self.chances[fit.steps]

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

    def accounts(version: Version, *changes: Sequence[Change]) -> Iterator[Account]:
        if version is subject.asked and not changes:
            yield from stated.accounts
        yield from work_accounts(version, stated.countings, *changes)

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
    accounts: Callable[..., Iterator[Account]],
) -> Explanation:
    """The readings of the network as asked and of its near versions. If none of them gives the
    number, those with several changes at once follow where its digits can tell them apart, then
    those with other numbers of classes, and then those with other inputs."""
    asked = list(accounts(subject.asked))
    known = {(account.counted, account.count) for account in asked}
    other = [account for version in subject.near() for account in accounts(version)]
    near = tried = [*asked, *(a for a in other if (a.counted, a.count) not in known)]
    fits = fits_of(reported, tried)
    if not fits and reported.value / reported.unit >= TELLING:
        further = list(accounts(subject.asked, SEVERAL))
        fits, tried = fits_of(reported, further), [*tried, *further]
    if not fits:
        further = [account for version in subject.far() for account in accounts(version)]
        fits, tried = fits_of(reported, further), [*tried, *further]
    elsewhere: tuple[FittingAccount, ...] = ()
    if not fits:
        others = [account for version in subject.elsewhere() for account in accounts(version)]
        elsewhere = fits_of(reported, others)
        tried = [*tried, *others]
    if not fits:
        _check_scale(subject, reported, asked)
    nearest = sorted(near, key=lambda a: (abs(reported.value - a.count), a.steps))[:NEAREST]
    by_chance = chances(tried, _read(reported), STRICT) if fits or elsewhere else {}
    return Explanation(
        subject, reported, quantity, fits, tuple(nearest), len(tried), elsewhere, by_chance
    )


SCALES = (3, -3, 6, -6, 9, -9)
"""The powers of ten by which a slip of the unit moves a number."""
CLOSE = Fraction(1, 10)
PARTS = {3: "a thousandth", 6: "a millionth", 9: "a billionth"}
LETTERS = {3: "K", 6: "M", 9: "G", 12: "T"}


def _check_scale(subject: Subject, reported: Reported, asked: Sequence[Account]) -> None:
    """Raises BadInput for a number that is near the simplest count in MACs or in FLOPs, or of
    parameters, but for its unit."""
    plain = {account.unit: account for account in reversed(asked)}
    for power in SCALES:
        meant = reported.value * Fraction(10) ** power
        for account in sorted(plain.values(), key=lambda account: account.steps):
            if account.count and abs(meant / account.count - 1) <= CLOSE:
                of = f"{PARTS[power]} of" if power > 0 else f"{10**-power:,} times"
                raise BadInput(
                    f"{reported.text} is about {of} the {int(account.count):,} {account.unit} of "
                    f"{subject.name}; did you mean {_written(meant)}?"
                )


def _written(value: Fraction) -> str:
    """A number in the unit in which people write it.

    >>> _written(Fraction(300_000_000)), _written(Fraction(3_500_000)), _written(Fraction(900))
    ('300M', '3.5M', '900')
    """
    power = max((p for p in LETTERS if value >= 10**p), default=0)
    return f"{float(value / 10**power):.10g}{LETTERS.get(power, '')}"


def fits_of(reported: Reported, accounts: Iterable[Account]) -> tuple[FittingAccount, ...]:
    """The accounts that give the number, rounded or truncated, simplest first.

    A number that is not rounded is one step further, and so is a letter read as a power of 1024.
    """
    read = _read(reported)
    fits = [fit for account in accounts if (fit := next(_fits(account, read), None)) is not None]
    return tuple(sorted(fits, key=lambda fit: (fit.steps, fit.digits.steps)))


def _read(reported: Reported) -> list[Reported]:
    """The text with its letter as a power of a thousand, and of 1024 if it has one."""
    return [reported, *([reported.binary] if reported.binary else [])]


def _fits(account: Account, read: Sequence[Reported]) -> Iterator[FittingAccount]:
    for reported in read:
        kind = reported.digits(account.count)
        if kind is not None and kind in STRICT:
            yield FittingAccount(account, kind, reported)
