"""The published figures compared with exact counts: each is equal, explained, or has a stated
cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from itertools import chain

from flopscope.brief import short
from flopscope.catalog.figures import Figure, figures, has_figures
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import BadInput, UnknownName
from flopscope.reconciling.accounts import Account, parameter_accounts, work_accounts
from flopscope.reconciling.countings import Counting, countings
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.search import FittingAccount, fits_of
from flopscope.reconciling.subjects import Version, of_variant

FEW_STEPS = 2
"""How many steps from the plain count a figure of up to three digits supports; each further digit
supports one more."""

SAID: Sequence[tuple[str, Callable[[Counting], bool]]] = (
    ("FLOPs/2", lambda counting: counting.tool == "imgclsmob"),
    ("fvcore", lambda counting: counting.tool == "fvcore"),
    ("incl. bias", lambda counting: counting.name == "macs + bias"),
    ("incl. norm, activation, pooling", lambda counting: counting.tool in ("mmcv", "fvcore")),
    ("incl.", lambda counting: True),
    ("", lambda counting: counting.name in ("macs", "torch")),
)
"""The countings that may explain a figure, by its unit: a source is taken at its word."""


class FigureVerdict(Enum):
    """How a published number relates to the exact count."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    STATED = "cause stated"
    IRREPRODUCIBLE = "not reproducible"
    OPEN = "open"


@dataclass(frozen=True)
class Finding:
    """One stated number of one figure, with the exact count in its unit, the verdict, and the
    reading or cause. `nearest` is the reading that comes nearest."""

    figure: Figure
    quantity: str
    reported: Reported
    exact: int
    verdict: FigureVerdict
    because: str
    nearest: Account

    def __repr__(self) -> str:
        return short(
            self, f"{self.subject}, {self.quantity} {self.reported.text}: {self.verdict.value}"
        )

    @property
    def subject(self) -> str:
        """The network's name, with its options."""
        return str(variant_of(self.figure))


def audit(models: Sequence[str] = (), family: str | None = None) -> tuple[Finding, ...]:
    """Every figure of these catalogue models or of a family, in the order of the files; every
    figure there is, without a name. A name with options selects the figures of that variant.

    Raises UnknownName for a model or family that does not exist, BadInput if both are given.

    >>> [finding.verdict.value for finding in audit(["mobilenetv1:width=0.75"])][:2]
    ['equal', 'equal']
    """
    wanted = [str(parse(name)) for name in models]
    if family is not None and models:
        raise BadInput(f"give models or --family {family}, not both")
    known = dict.fromkeys(model.family for model in MODELS.values())
    if family is not None and family not in known:
        raise UnknownName("family", family, known)
    bases = {name.partition(":")[0] for name in wanted}
    chosen = [
        name
        for name in known
        if (family in (None, name)) and (not models or any(MODELS[b].family == name for b in bases))
    ]
    found = (figure for name in chosen if has_figures(name) for figure in figures(name))
    return tuple(_findings(figure for figure in found if not models or _is_wanted(figure, wanted)))


def _is_wanted(figure: Figure, wanted: Sequence[str]) -> bool:
    """Does the figure belong to one of the named models or variants?"""
    return figure.model in wanted or str(variant_of(figure)) in wanted


def _findings(chosen: Iterable[Figure]) -> Iterator[Finding]:
    """Figures of one network at one input share its accounts."""
    known: dict[tuple[str, str, tuple[int, int]], _Network] = {}
    for figure in chosen:
        key = (figure.model, figure.variant, figure.resolution)
        if key not in known:
            subject = of_variant(variant_of(figure), figure.resolution)
            known[key] = _Network((subject.asked, *subject.near()))
        if figure.params is not None:
            yield _params(figure, Reported.parse(figure.params), known[key])
        if figure.compute is not None:
            yield _compute(figure, Reported.parse(figure.compute), known[key])


def variant_of(figure: Figure) -> Variant:
    """The catalogue's network to which a figure belongs."""
    return parse(f"{figure.model}:{figure.variant}" if figure.variant else figure.model)


class _Network:
    """The versions of a network at one input, the asked one first, and the accounts of them."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.asked = versions[0].ledger
        self._versions = versions
        self._work: dict[tuple[str, int], list[Account]] = {}

    @cached_property
    def params(self) -> list[Account]:
        """Every account of its parameters."""
        return [account for version in self._versions for account in parameter_accounts(version)]

    def work(self, unit: str, most: int) -> list[Account]:
        """Every account of its work in this unit, with at most so many steps."""
        if (unit, most) not in self._work:
            found = (work_accounts(version, _countings(unit), most) for version in self._versions)
            self._work[unit, most] = list(chain.from_iterable(found))
        return self._work[unit, most]


def _params(figure: Figure, reported: Reported, network: _Network) -> Finding:
    return _finding(figure, "params", reported, int(network.asked.params()), network.params)


def _compute(figure: Figure, reported: Reported, network: _Network) -> Finding:
    accounts = network.work(figure.unit or "", max(_most_steps(reported), 1))
    return _finding(figure, "compute", reported, int(network.asked.macs()), accounts)


@cache
def _countings(unit: str) -> tuple[Counting, ...]:
    may = next(test for said, test in SAID if said in unit)
    return tuple(counting for counting in countings() if may(counting))


def _finding(
    figure: Figure, quantity: str, reported: Reported, exact: int, accounts: Sequence[Account]
) -> Finding:
    most = _most_steps(reported)
    fits = [
        fit
        for fit in fits_of(reported, accounts, tuple(Digits), powers_of_1024=False)
        if fit.steps <= most
    ]
    verdict, because = _verdict(figure, figure.cause(quantity), fits)
    nearest = min(accounts, key=lambda a: (abs(reported.value - a.count), a.steps))
    return Finding(figure, quantity, reported, exact, verdict, because, nearest)


def _verdict(
    figure: Figure, cause: str | None, fits: Sequence[FittingAccount]
) -> tuple[FigureVerdict, str]:
    """The verdict with its reason. A cause stated in the data has precedence over a reading that
    takes steps."""
    if fits and fits[0].steps == 0:
        return FigureVerdict.EQUAL, ""
    if cause is not None:
        irreproducible = cause == FigureVerdict.IRREPRODUCIBLE.value
        verdict = FigureVerdict.IRREPRODUCIBLE if irreproducible else FigureVerdict.STATED
        return verdict, cause
    if fits:
        fit = fits[0]
        said = "" if fit.digits is Digits.ROUNDED else f", {fit.digits.value}"
        return FigureVerdict.EXPLAINED, fit.account.name + said
    return FigureVerdict.OPEN, ""


def _most_steps(reported: Reported) -> int:
    digits = len(str(int(reported.value / reported.unit)))
    return max(FEW_STEPS, digits - 1)
