"""A closed form as terminal text: collected over the stages' grids, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from textwrap import wrap

from flopscope.alphabet import text_of
from flopscope.closedform.collect import (
    Definition,
    Namer,
    collect,
    common_monomial,
    shown_arguments,
)
from flopscope.domain import Condition, Multiple
from flopscope.sizes import Size
from flopscope.symbolic import (
    Atom,
    Call,
    Monomial,
    Polynomial,
    Symbol,
    Term,
    joined,
    ordered,
    power_text,
)

WIDTH = 78
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def expression_lines(value: Size) -> list[str]:
    """The sum over grids, one grid a line, and the definitions of rounded widths under it.

    >>> from flopscope.symbolic import symbol
    >>> expression_lines(symbol("B") * 9 * ((symbol("H") + 1) // 2))
    ['  9 · B · ⌈H/2⌉']
    """
    namer = Namer(lambda atom: isinstance(atom, Call), _channel_name)
    return [*_sum_lines(namer(value)), *_definition_lines(namer.definitions)]


def domain_text(symbols: Iterable[Symbol], conditions: Sequence[Condition]) -> str:
    """The domain in words.

    >>> from flopscope.symbolic import symbol
    >>> domain_text([Symbol("B"), Symbol("H")], [Multiple(symbol("H"), 32, "H")])
    'B, H ≥ 1; H a multiple of 32'
    """
    symbols = sorted(symbols, key=lambda s: s.name)
    clauses = []
    for lower in sorted({s.lower for s in symbols if s.integer}):
        names = [text_of(s.name) for s in symbols if s.integer and s.lower == lower]
        clauses.append(f"{', '.join(names)} ≥ {lower}")
    clauses += [f"{text_of(s.name)} > {s.lower}" for s in symbols if not s.integer]
    multiples = [c for c in conditions if isinstance(c, Multiple) and c.odd is None]
    for divisor in dict.fromkeys(str(c.divisor) for c in multiples):
        values = list(dict.fromkeys(str(c.value) for c in multiples if str(c.divisor) == divisor))
        noun = "multiples" if len(values) > 1 else "a multiple"
        clauses.append(f"{', '.join(values)} {noun} of {divisor}")
    clauses += dict.fromkeys(str(c) for c in conditions if c not in multiples)
    return "; ".join(clauses) or "no free sizes"


def _sum_lines(value: Size) -> list[str]:
    collected = collect(value)
    common, below = _monomial(collected.common), _divided_by(collected.below)
    alone = len(collected.terms) == 1 and bool(common or below)
    summands = [_summand(grid, coefficient, alone) for grid, coefficient in collected.terms]
    if len(summands) > 1:
        return _grid_lines(summands, common, below)
    grid, coefficient = summands[0]
    factors = (
        [coefficient, common, grid] if _is_number(coefficient) else [common, grid, coefficient]
    )
    text = " · ".join(part for part in factors if part and part != "1") or "1"
    return _wrapped(text + below, "  ", "    ")


def _grid_lines(summands: list[tuple[str, str]], common: str, below: str) -> list[str]:
    """One grid a line, number coefficients aligned, brackets where something multiplies the sum."""
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
        lines += _wrapped(text, lead, " " * (len(opening) + 4))
    return [*lines[:-1], f"{lines[-1]} ){below}"] if common or below else lines


def _summand(grid: Monomial, coefficient: Term, multiplied: bool) -> tuple[str, str]:
    """(grid, coefficient) as text; brackets only where something multiplies a sum."""
    if not grid and not multiplied and isinstance(coefficient, Polynomial):
        return "", _terms(coefficient)
    return _monomial(grid), _coefficient(coefficient)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    body = text.lstrip(" ")
    first += " " * (len(text) - len(body))  # the blanks that align numbers
    return wrap(
        body,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(",", "").replace("/", "").isdigit()


def _coefficient(value: Term) -> str:
    """A coefficient in brackets where it is a sum, with its common factor in front."""
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
    """High degree first; c₂ before c₁₀."""
    names = [(len(str(atom)), str(atom)) for atom, _ in ordered(monomial)]
    return (-sum(power for _, power in monomial), names)


def _number(value: int | Fraction) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator:,}/{value.denominator:,}"
    return f"{value:,}"


def _monomial(monomial: Monomial) -> str:
    return "·".join(power_text(atom, power) for atom, power in ordered(monomial))


def _divided_by(monomial: Monomial) -> str:
    text = _monomial(monomial)
    return "" if not text else f" / ({text})" if len(monomial) > 1 else f" / {text}"


def _channel_name(atom: Atom, number: int) -> str:
    return f"c{str(number).translate(_SUBSCRIPT)}"


def _definition_lines(definitions: Sequence[Definition]) -> list[str]:
    if not definitions:
        return []
    width = max(len(d.name) for d in definitions)
    lines = ["", "  with"]
    for d in definitions:
        lines += _wrapped(_call_text(d.atom), f"    {d.name.ljust(width)} = ", " " * (width + 7))
    return lines


def _call_text(atom: Atom) -> str:
    assert isinstance(atom, Call)
    return f"{atom.function.__name__}({', '.join(map(str, shown_arguments(atom)))})"
