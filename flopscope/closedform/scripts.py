"""Functions in JavaScript that count what a formula counts and refuse sizes outside its domain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import NamedTuple

from flopscope.closedform.javascript import RESERVED, code, in_doubles
from flopscope.domain import AtLeast, Condition, Members, Multiple, Relation
from flopscope.errors import BadInput
from flopscope.sizes import Size
from flopscope.sizes.rules import RULES
from flopscope.symbolic import Polynomial, Symbol


class Check(NamedTuple):
    """A condition: its words, the names of its symbols, and the values and text of its truth."""

    words: str
    symbols: tuple[str, ...]
    text: str


def checks(conditions: Iterable[Condition]) -> list[Check]:
    """The conditions as JavaScript. Raises BadInput as `code` does."""
    return [_check(condition) for condition in conditions]


def bounds(symbols: Iterable[Symbol], needed: Iterable[Symbol]) -> dict[str, dict[str, object]]:
    """What each symbol must be, for `checkSizes` of `exact.js`."""
    by_name = {s.name: s for s in symbols}
    wanted = {s.name for s in needed}
    return {
        name: {"least": s.lower, "whole": s.integer, "needed": name in wanted}
        for name, s in sorted(by_name.items())
    }


def function(
    name: str, said: str, values: Sequence[Size], symbols: Sequence[Symbol],
    conditions: Sequence[Condition],
) -> str:  # fmt: skip
    """A function of an object with the sizes, which checks the domain. It returns the number where
    there is one value, else an array of them."""
    written, rules = code(values), checks(conditions)
    every = {*symbols, *(s for each in conditions for s in each.symbols())}
    taken = destructured(s.name for s in every)
    results = written.results[0] if len(values) == 1 else f"[{', '.join(written.results)}]"
    lines = [f"const {n} = {text};" for n, text in written.assignments] + [f"return {results};"]
    holds = _lines(f"($, {taken}) => {each.text}," for each in rules)
    both = f"    {{ holds: [{holds}],\n      count: ($, {taken}) => {{{_lines(lines)}      }} }}"
    known = json.dumps(bounds(every, symbols), ensure_ascii=False)
    words = json.dumps([[each.words, each.symbols] for each in rules], ensure_ascii=False)
    return "\n".join(
        [
            f"/** {said.replace('*/', '* /')} */",
            f"const {name} = (sizes) => exactly({name}.program, sizes);",
            f"{name}.program = {{",
            f"  bounds: {known},",
            f"  rules: {words},",
            f"  doubles:\n{in_doubles(both)},",
            f"  bigints:\n{both},",
            "};",
        ]
    )


@cache
def runtime() -> str:
    """What the texts need: both kinds of arithmetic, and the rounding rules of the one table."""
    rows = (f"  {name}: {rule.javascript}," for name, rule in RULES.items())
    table = "\n".join(["/** The rounding rules. */", "const rules = {", *rows, "};"])
    return f"{_file('exact.js')}\n{table}\n"


def _file(name: str) -> str:
    return (resources.files("flopscope.closedform") / name).read_text(encoding="utf-8")


def _lines(texts: Iterable[str]) -> str:
    found = [f"        {text}\n" for text in texts]
    return "".join(["\n", *found]) if found else ""


def destructured(names: Iterable[str]) -> str:
    """The pattern that takes sizes out of an object.

    >>> destructured(["new", "H"])
    '{ H, new: $new }'
    """
    return "{ " + ", ".join(n if n not in RESERVED else f"{n}: ${n}" for n in sorted(names)) + " }"


# --- conditions --------------------------------------------------------------------------------


def _check(condition: Condition) -> Check:
    names = tuple(sorted(s.name for s in condition.symbols()))
    values, text = _truth(condition)
    written = code(values)
    inner = " ".join(f"const {n} = {t};" for n, t in written.assignments)
    truth = text.format(*written.results)
    return Check(str(condition), names, f"{{ {inner} return {truth}; }}" if inner else truth)


def _truth(condition: Condition) -> tuple[list[Size], str]:
    """Whole values, and the text of a truth about them."""
    if isinstance(condition, AtLeast):
        above, below = _quotient(condition.value)
        return [above, condition.minimum * below], "{0} >= {1}"
    if isinstance(condition, Multiple):
        (a, b), (c, d) = _quotient(condition.value), _quotient(condition.divisor)
        return [a * d, c * b], "$.isMultiple({0}, {1})"
    if isinstance(condition, Relation):
        above, _ = _quotient(condition.difference)
        sign = {(True, False): "==", (True, True): "!=", (False, False): ">=", (False, True): "<"}
        return [above], f"{{0}} {sign[condition.equality, condition.negated]} 0"
    assert isinstance(condition, Members)
    return [condition.value], _membership(condition)


def _quotient(value: Size) -> tuple[Size, Size]:
    """(a, b) of the value a/b, b positive. Raises BadInput for one that is not whole."""
    below = value.denominator() if isinstance(value, Polynomial) else Fraction(value).denominator
    atoms = value.atoms() if isinstance(value, Polynomial) else ()
    if not all(atom.integer for atom in atoms):
        raise BadInput(
            f"the domain compares {value}, which is no whole number, and JavaScript has no exact "
            "arithmetic of such; take --format python"
        )
    return value * below, below


def _membership(members: Members) -> str:
    parts = [f"[{', '.join(map(str, sorted(members.others)))}].includes(Number({{0}}))"]
    if not members.others:
        parts = []
    if members.residues:
        every = len(members.residues) == members.modulus
        rest = f"[{', '.join(map(str, sorted(members.residues)))}]"
        fits = "" if every else f" && {rest}.includes(Number({{0}}) % {members.modulus})"
        parts.append(f"({{0}} >= {members.least}{fits})")
    return " || ".join(parts) or "false"
