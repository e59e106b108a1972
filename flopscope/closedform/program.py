"""A closed form as Python text, which names the roundings and then computes one sum over the
stages' grids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from textwrap import wrap
from typing import Any, NamedTuple

from flopscope import sizes
from flopscope.alphabet import ALPHABET
from flopscope.closedform.collect import GRID, Definition, Namer, collect
from flopscope.sizes import Size
from flopscope.sizes.rules import shown_arguments
from flopscope.symbolic import (
    ONE,
    Atom,
    Call,
    Floor,
    Monomial,
    Number,
    Polynomial,
    Term,
    factors,
    in_order,
    ordered,
)

WIDTH = 96
INDENT = "    "


class Program(NamedTuple):
    """A formula as text: the `assignments` in order, then numerator/denominator, which is '1' if
    there is none.

    `functions` are the rounding rules that it calls, by name.
    """

    symbols: tuple[str, ...]
    functions: Mapping[str, Callable[..., Any]]
    assignments: tuple[str, ...]
    numerator: str
    denominator: str

    def function(self, name: str, first: Iterable[str], result: str) -> str:
        """The text of a function that takes the symbols by keyword: the lines `first`, the
        assignments, the result."""
        arguments = f"*, {', '.join(self.symbols)}" if self.symbols else ""
        body = [*first, *self.assignments, f"return {result}"]
        return "\n".join([f"def {name}({arguments}):", *(INDENT + line for line in body)])


def program(value: Size) -> Program:
    """The formula as a program with one denominator under its sum, so that only integers are added.

    >>> from flopscope.symbolic import symbol
    >>> written = program(9 * symbol("C") * symbol("H") / symbol("G"))
    >>> written.numerator, written.denominator
    ('9 * C * H', 'G')
    """
    symbols = sorted(s.name for s in value.symbols()) if isinstance(value, Polynomial) else []
    below = value.denominator() if isinstance(value, Polynomial) else Fraction(value).denominator
    namer = Namer(lambda _: True, variable(symbols))
    numerator, denominator = _body(value * below, namer), _factor(namer(below))
    calls = (d.atom.function for d in namer.definitions if isinstance(d.atom, Call))
    functions = {function.__name__: function for function in calls}
    assignments = tuple(f"{d.name} = {_definition(d)}" for d in namer.definitions)
    return Program(tuple(symbols), functions, assignments, numerator, denominator)


def source(value: Size, function: str, docstring: str, *, whole: bool = True) -> str:
    """The text of a function with the symbols as keyword arguments.

    `whole` says that the values are integers, so that the division at the end leaves no remainder.

    >>> from flopscope.symbolic import symbol
    >>> H = symbol("H")
    >>> print(source(3 * ((H + 1) // 2) ** 2, "count", "An example."))
    def count(*, H):
        \"\"\"An example.\"\"\"
        h2 = -(-H // 2)
        return 3 * h2**2
    """
    written = program(value)
    imports = _imports(written.functions)
    lines = [*imports, "", ""] if imports else []
    result = written.numerator
    if written.denominator != "1":
        result = f"{result} {'//' if whole else '/'} {written.denominator}"
    quoted = wrap(f'"""{docstring}"""', WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*lines, written.function(function, quoted, result)])


def _imports(functions: Mapping[str, Callable[..., Any]]) -> list[str]:
    """The imports of the rules: from `flopscope.sizes`, or from the module of a rule that is
    elsewhere."""
    homes: dict[str, list[str]] = {}
    for name in sorted(functions):
        own = getattr(sizes, name, None) is functions[name]
        home = sizes.__name__ if own else functions[name].__module__
        homes.setdefault(home, []).append(name)
    return [f"from {home} import {', '.join(names)}" for home, names in sorted(homes.items())]


def expression(value: Size) -> str:
    """The formula as one Python expression in its symbols, for `eval` on whole numbers.

    The rounding rules it may call are those of `flopscope.sizes`.

    >>> from flopscope.symbolic import symbol
    >>> expression(symbol("B") * ((symbol("H") + 1) // 2))
    'B * (-(-H // 2))'
    """
    written = program(value)
    text = written.numerator
    if written.denominator != "1":
        text = f"({text}) // {written.denominator}"
    for assignment in reversed(written.assignments):
        name, _, definition = assignment.partition(" = ")
        text = re.sub(rf"\b{name}\b", f"({definition})", text)
    return " ".join(text.split())


# --- names ------------------------------------------------------------------------------------


def variable(symbols: Iterable[str]) -> Callable[[Atom, int], str]:
    """Names for atoms: h2 for ⌈H/2⌉, c3 for the third rounding rule, and never the name of a
    symbol."""
    taken = set(symbols) | set(ALPHABET)

    def name(atom: Atom, number: int) -> str:
        candidate = f"c{number}" if isinstance(atom, Call) else _grid_name(atom) or f"n{number}"
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        return candidate

    return name


def _grid_name(atom: Atom) -> str:
    """h2 for ⌈H/2⌉, w4 for ⌈W/4⌉; "" for other floors."""
    ceiling = atom.as_ceiling() if isinstance(atom, Floor) else None
    size = str(ceiling)
    return f"{size.lower()}{atom.divisor}" if isinstance(atom, Floor) and size in GRID else ""


def _definition(definition: Definition) -> str:
    atom = definition.atom
    if isinstance(atom, Call):
        return f"{atom.function.__name__}({', '.join(_real_sum(a) for a in shown_arguments(atom))})"
    below = atom.numerator.denominator()
    if (ceiling := atom.as_ceiling()) is not None and len(ceiling.terms) == 1 and below == 1:
        return f"-(-{_sum(ceiling)} // {atom.divisor})"
    return f"({_sum(atom.numerator * below)}) // {_factor(atom.divisor * below)}"


# --- sums -------------------------------------------------------------------------------------


def _body(value: Term, namer: Namer) -> str:
    """common * (a sum over grids, with one grid a line), in brackets where the text is not a
    product."""
    collected = collect(value)
    grids = [(_powers(grid, namer), namer(coefficient)) for grid, coefficient in collected.terms]
    common = _powers(collected.common, namer)
    if len(grids) > 1:
        return _times([*common, _block(_times([_bracketed(c), *grid]) for grid, c in grids)])
    ((grid, coefficient),) = grids
    text = _sum(coefficient)
    fits = len(text) < WIDTH // 2
    return _times([_bracketed(coefficient) if fits else _block([text]), *common, *grid])


def _block(terms: Iterable[str]) -> str:
    """A sum in brackets on lines of its own, for the body of a function."""
    lines: list[str] = []
    for term in terms:
        lead = INDENT * 2 + ("+ " if lines else "")
        lines += wrap(term, WIDTH, initial_indent=lead, subsequent_indent=INDENT * 3)
    return "\n".join(["(", *lines, INDENT + ")"])


def _powers(monomial: Monomial, namer: Namer) -> list[str]:
    """The factors of a monomial without negative powers, as text."""
    named = namer(Polynomial({monomial: 1})) if monomial else 1
    return [_power(*factor) for m, _ in _terms(named) for factor in ordered(m)]


def _times(texts: Sequence[str]) -> str:
    return " * ".join([text for text in texts if text != "1"] or ["1"])


def _sum(value: Term) -> str:
    """A sum with integer coefficients and no quotients."""
    products = (_times([str(c), *(_power(*f) for f in ordered(m))]) for m, c in _terms(value))
    return _added(products)


def _real_sum(value: Term) -> str:
    """The text of a rounding rule's argument, in which fractions are floats as in the networks'
    code."""
    return _added(_real_product(m, c) for m, c in _terms(value))


def _real_product(monomial: Monomial, coefficient: Number) -> str:
    """A product in the order in which `symbolic.values` multiplies, so that both round in the same
    way."""
    whole, real = factors(monomial)
    text = str(coefficient) if isinstance(coefficient, int) else "1"
    for atom, power in whole:
        text += f" {'*' if power > 0 else '/'} {_power(atom, abs(power))}"
    if isinstance(coefficient, Fraction):
        text += f" * {float(coefficient)!r}"
    for atom, power in real:
        text += f" * {_power(atom, power)}"
    return text.removeprefix("1 * ")


def _terms(value: Term) -> list[tuple[Monomial, Number]]:
    """The terms in a fixed order."""
    if not isinstance(value, Polynomial):
        return [(ONE, value)]
    return [(monomial, value.terms[monomial]) for monomial in in_order(value.terms)]


def _added(texts: Iterable[str]) -> str:
    return " + ".join(texts).replace("+ -", "- ")


def _power(atom: Atom, power: int) -> str:
    name = getattr(atom, "name", str(atom))
    return f"{name}**{power}" if power != 1 else name


def _bracketed(value: Term) -> str:
    """A sum in brackets, to be multiplied."""
    return f"({_sum(value)})" if len(_terms(value)) > 1 else _sum(value)


def _factor(value: Term) -> str:
    """A sum as a divisor."""
    text = _sum(value)
    return text if text.isidentifier() or text.isdecimal() else f"({text})"
