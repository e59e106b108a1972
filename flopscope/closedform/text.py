"""A closed form as terminal text: collected over the stages' grids, at most 80 columns wide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from textwrap import wrap

from flopscope.closedform.collect import (
    Definition,
    Namer,
    collect,
    common_monomial,
)
from flopscope.closedform.table import table_rows
from flopscope.domain import Condition, Members, Multiple
from flopscope.sizes import Size
from flopscope.sizes.rules import shown_arguments
from flopscope.symbolic import (
    Atom,
    Call,
    Monomial,
    Polynomial,
    Symbol,
    Term,
    factor_text,
    is_double,
    joined,
    ordered,
    power_text,
)

WIDTH = 78
NO_BREAK = "\u00a0"
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def expression_lines(value: Size, width: int = WIDTH) -> list[str]:
    """The sum over grids with one grid a line, and below it the definitions of rounded widths.

    Lines are at most `width` long, or as long as their longest number.

    >>> from flopscope.symbolic import symbol
    >>> expression_lines(symbol("B") * 9 * ((symbol("H") + 1) // 2))
    ['  9 · B · ⌈H/2⌉']
    """
    if (table := table_rows(value)) is not None:
        return _table_lines(*table, width)
    namer = Namer(_has_a_name, _channel_name)
    return [*_sum_lines(namer(value), width), *_definition_lines(namer.definitions, width)]


def _table_lines(size: Term, rows: Mapping[int, Term], width: int) -> list[str]:
    """The lines of a table, one for each value of the size."""
    longest = max(len(str(number)) for number in rows)
    lines: list[str] = []
    for number, value in rows.items():
        lead = f"  {size} = {str(number).rjust(longest)}:  "
        lines += _wrapped(one_line(value), lead, " " * len(lead), width)
    return lines


def _has_a_name(atom: Atom) -> bool:
    """Is it written by a short name? What is computed in doubles is written out in the rounding's
    argument."""
    return isinstance(atom, Call) and not is_double(atom)


def one_line(value: Size) -> str:
    """The same on a single line, however long.

    >>> from flopscope.symbolic import symbol
    >>> one_line(symbol("B") * (9 * symbol("H") + 4 * ((symbol("H") + 1) // 2)))
    'B·(9·H + 4·⌈H/2⌉)'
    """
    text = " ".join(" ".join(expression_lines(value)).split())
    return text.replace("( ", "(").replace(" )", ")").replace(" · ", "·")


def domain_text(symbols: Iterable[Symbol], conditions: Sequence[Condition]) -> str:
    """The domain in words. Symbols with the same rule are named together.

    >>> from flopscope.symbolic import symbol
    >>> domain_text([Symbol("B"), Symbol("H")], [Multiple(symbol("H"), 32, "H")])
    'B, H ≥ 1; H a multiple of 32'
    >>> by_32 = [Members(symbol(name), 64, 32, frozenset([0])) for name in "HW"]
    >>> domain_text([Symbol(name) for name in "BHW"], by_32)
    'B ≥ 1; H, W multiples of 32, at least 64'
    """
    symbols = sorted(symbols, key=lambda s: s.name)
    members = [c for c in conditions if isinstance(c, Members)]
    multiples = [c for c in conditions if isinstance(c, Multiple) and c.odd is None]
    told = {str(m.value) for m in members if not _rule(m).startswith("≠")}
    bounds = [(str(s), f"≥ {s.lower}") for s in symbols if s.integer]
    clauses = [
        *_together((name, bound) for name, bound in bounds if name not in told),
        *(f"{s} > {s.lower}" for s in symbols if not s.integer),
        *_together(sorted((str(m.value), _rule(m)) for m in members)),
        *_together((str(m.value), f"multiple of {m.divisor}") for m in multiples),
        *_together(filter(None, map(_upper_bound, conditions))),
        *dict.fromkeys(
            str(c)
            for c in conditions
            if c not in members and c not in multiples and _upper_bound(c) is None
        ),
    ]
    return "; ".join(clauses) or "no free sizes"


def _upper_bound(condition: Condition) -> tuple[str, str] | None:
    """('H', '≤ 2⁵³') of a condition with this bound."""
    names = [str(s) for s in condition.symbols()]
    name, _, rule = str(condition).partition(" ")
    return (name, rule) if [name] == names and re.fullmatch("≤ 2[⁰-⁹¹²³]+", rule) else None


def _rule(members: Members) -> str:
    every = len(members.residues) == members.modulus and not members.others
    return f"≥ {members.least}" if every else members.rule


def _together(rules: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each rule with all names that it is about: 'H, W multiples of 32' for two names and one
    rule."""
    names: dict[str, list[str]] = {}
    for name, rule in dict.fromkeys(rules):
        names.setdefault(rule, []).append(name)
    for rule, about in names.items():
        noun = "multiples" if len(about) > 1 else "a multiple"
        yield f"{', '.join(about)} {re.sub('^multiple', noun, rule)}"


def _sum_lines(value: Size, width: int) -> list[str]:
    collected = collect(value)
    common, below = _monomial(collected.common), _divided_by(collected.below)
    alone = len(collected.terms) == 1 and bool(common or below)
    summands = [_summand(grid, coefficient, alone) for grid, coefficient in collected.terms]
    if len(summands) > 1:
        return _grid_lines(summands, common, below, width)
    grid, coefficient = summands[0]
    factors = (
        [coefficient, common, grid] if _is_number(coefficient) else [common, grid, coefficient]
    )
    text = " · ".join(part for part in factors if part and part != "1") or "1"
    return _wrapped(text + below, "  ", "    ", width)


def _grid_lines(summands: list[tuple[str, str]], common: str, below: str, width: int) -> list[str]:
    """The lines of a sum, with one grid a line and aligned numbers, in brackets where the sum is
    multiplied."""
    opening = f"  {common} · ( " if common else "  ( " if below else "    "
    plus, minus = (" " * (len(opening) - 2) + sign for sign in ("+ ", "- "))
    sizes = [coefficient.removeprefix("-") for _, coefficient in summands]
    number_width = max((len(size) for size in sizes if _is_number(size)), default=0)
    lines: list[str] = []
    for (grid, coefficient), size in zip(summands, sizes, strict=True):
        text = size.rjust(number_width) if _is_number(size) else size
        if grid:
            text = f"{text} · {grid}" if _is_number(size) else f"{grid} · {text}"
        lead = minus if size != coefficient else plus
        if not lines and (common or below or lead == plus):
            lead = opening + lead.strip(" +")
        lines += _wrapped(text, lead, " " * (len(opening) + 4), width)
    return [*lines[:-1], f"{lines[-1]} ){below}"] if common or below else lines


def _summand(grid: Monomial, coefficient: Term, multiplied: bool) -> tuple[str, str]:
    """(grid, coefficient) as text, with brackets only around sums that are multiplied."""
    if not grid and not multiplied and isinstance(coefficient, Polynomial):
        return "", _terms(coefficient)
    return _monomial(grid), _coefficient(coefficient)


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    """The text in lines with these beginnings. A rounding stays on one line if it fits on one."""
    body = text.lstrip(" ")
    first += " " * (len(text) - len(body))  # blanks that align numbers
    lines = wrap(
        _unbroken(body, width - len(rest)),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(NO_BREAK, " ") for line in lines]


def _unbroken(text: str, room: int) -> str:
    """The text with unbreakable blanks inside ⌊ ⌋ and ⌈ ⌉."""

    def kept(rounding: re.Match[str]) -> str:
        whole = rounding[0]
        return whole.replace(" ", NO_BREAK) if len(whole) <= room else whole

    return re.sub(r"[⌊⌈][^⌊⌈⌋⌉]*[⌋⌉]", kept, text)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(",", "").replace("/", "").isdigit()


def _coefficient(value: Term) -> str:
    """A coefficient as text. A sum is in brackets, with its common factor in front."""
    if not isinstance(value, Polynomial):
        return _number(value)
    common = common_monomial(value)
    inner = value / Polynomial({common: 1}) if common else value
    if not isinstance(inner, Polynomial) or len(inner.terms) == 1:
        return _terms(value)
    front = f"{_monomial(common)} · " if common else ""
    return f"{front}({_terms(inner)})"


def _terms(value: Polynomial) -> str:
    texts = []
    for monomial in sorted(value.terms, key=_order):
        coefficient = value.terms[monomial]
        sign, size = ("-", -coefficient) if coefficient < 0 else ("+", coefficient)
        parts = [_monomial(monomial)] if monomial else []
        if size != 1 or not parts:
            parts.insert(0, _number(size))
        texts.append(sign + "·".join(parts))
    return joined(texts)


def _order(monomial: Monomial) -> tuple[int, list[tuple[int, str]]]:
    """The key that orders terms of high degree first, and c₂ before c₁₀."""
    names = [(len(str(atom)), str(atom)) for atom, _ in ordered(monomial)]
    return (-sum(power for _, power in monomial), names)


def _number(value: int | Fraction) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator:,}/{value.denominator:,}"
    return f"{value:,}"


def _monomial(monomial: Monomial) -> str:
    factors = list(ordered(monomial))
    if len(factors) == 1:
        return power_text(*factors[0])
    return "·".join(factor_text(atom, power) for atom, power in factors)


def _divided_by(monomial: Monomial) -> str:
    text = _monomial(monomial)
    return "" if not text else f" / ({text})" if len(monomial) > 1 else f" / {text}"


def _channel_name(atom: Atom, number: int) -> str:
    return f"c{str(number).translate(_SUBSCRIPT)}"


def _definition_lines(definitions: Sequence[Definition], width: int) -> list[str]:
    if not definitions:
        return []
    longest = max(len(d.name) for d in definitions)
    lines = ["", "  with"]
    for d in definitions:
        name = d.name.ljust(longest)
        lines += _wrapped(_call_text(d.atom), f"    {name} = ", " " * (longest + 7), width)
    return lines


def _call_text(atom: Atom) -> str:
    assert isinstance(atom, Call)
    return f"{atom.function.__name__}({', '.join(map(str, shown_arguments(atom)))})"
