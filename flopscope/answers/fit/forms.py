"""The forms of a law in one size: sums of powers of the size, of floors, of its logarithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import isqrt
from typing import Any

from flopscope.sizes import Size, floor_log2
from flopscope.symbolic import Polynomial, alone
from flopscope.symbolic.atoms import Atom, Floor

HIGHEST_DEGREE = 4
LONGEST_PERIOD = 12
"""Up to this period every residue may have a step of its own."""

PERIODS = (*range(2, 17), 24, 32, 48, 64, 96, 128, 192, 256)
"""Periods at which a form with one step a period is tried; up to 16 the step may be anywhere."""

WINDOW = 2 * max(PERIODS) + 1
"""Steps are sought among this many of the smallest and of the largest sizes."""

LEVELS = (1, 2, 3, 4, 6, 8)
"""Logarithms are divided by these, because an odd kernel may step at every second power of two."""

MOST_HINTS = 4
"""At most this many of the floors in the code are tried together."""

FEW, MANY = 2, 4
"""How many values must agree beyond those from which the form is computed: few for powers, and more
for forms with steps, since there are so many of them that one could fit by chance."""


@dataclass(frozen=True)
class Form:
    """Functions whose sum, with coefficients, is the law. `steps` are the floors among them."""

    functions: tuple[Size, ...]
    steps: tuple[Polynomial, ...] = ()
    checks: int = FEW
    bounded: bool = False
    """Is the law stated only up to where it was compared? This is so for logarithms, which code
    computes in floating point."""


def values_at(
    functions: Sequence[Size], point: Mapping[str, int], known: dict[Atom, Any] | None = None
) -> list[Any]:
    """The values of the functions at a point; `known` shares the values of their atoms there."""
    return [f.evaluate(point, known) if isinstance(f, Polynomial) else f for f in functions]


def forms(size: Polynomial, hints: Sequence[Polynomial] = ()) -> Iterator[Form]:
    """The forms that are tried, in this order: powers; powers with one floor, where those that the
    code has (`hints`) come first, one by one and together; powers with a logarithm; powers with a
    floor for every residue of a period."""
    for degree in range(HIGHEST_DEGREE + 1):
        yield Form(_powers(size, degree))
    for step in hints:
        yield from _with_step(size, step, bounded=False)
    if len(hints) > 1:
        several = tuple(hints[:MOST_HINTS])
        products = tuple(size * step for step in several)
        yield Form((1, size, size**2, *several, *products), several, MANY)
    for period in PERIODS:
        for shift in _shifts(period):
            yield from _with_step(size, (size + shift) // period, bounded=False)
    for level in _levels(size):
        yield from _with_step(size, level, bounded=True)
    for period in range(3, LONGEST_PERIOD + 1):
        steps = tuple((size + shift) // period for shift in range(period))
        yield Form((1, *steps), steps, MANY)
        yield Form((1, *steps, size * size), steps, MANY)


def _powers(size: Polynomial, degree: int) -> tuple[Size, ...]:
    return tuple(size**power for power in range(degree + 1))


def _with_step(size: Polynomial, step: Polynomial, *, bounded: bool) -> Iterator[Form]:
    """a + b·s + c·q, then every product of s and q of degree two, then s³, s⁴, s²·q and s·q²."""
    quadratic = tuple(size**a * step**b for a, b in product(range(3), repeat=2) if a + b <= 2)
    higher = (size**3, size**4, size**2 * step, size * step**2)
    for functions in ((1, size, step), quadratic, (*quadratic, *higher)):
        yield Form(functions, (step,), max(MANY, len(functions) - 2), bounded)


def _shifts(period: int) -> Sequence[int]:
    return range(period) if period <= 16 else (0, period // 2, period - 1)


def _levels(size: Polynomial) -> Iterator[Polynomial]:
    """⌊(⌊log₂ s⌋ + r)/m⌋; the same with the logarithm rounded up and to the nearest, m up to 2."""
    ceiling, nearest = floor_log2(2 * size - 1), floor_log2(2 * size**2) // 2
    for logarithm, by in (*((floor_log2(size), by) for by in LEVELS),
                          *product((ceiling, nearest), LEVELS[:2])):  # fmt: skip
        for shift in range(by):
            level: Polynomial = (logarithm + shift) // by
            yield level


def needed(form: Form, places: Sequence[int]) -> Form:
    """The form with these of its functions only."""
    functions = tuple(form.functions[place] for place in places)
    inside = {atom for f in functions if isinstance(f, Polynomial) for atom in f.atoms()}
    steps = tuple(step for step in form.steps if step.atoms() <= inside)
    return Form(functions, steps, form.checks, form.bounded and bool(steps))


@dataclass
class Book:
    """The forms that are tried for one size. The values of their functions are kept, because they
    are needed again and again."""

    size: Polynomial
    hints: Sequence[Polynomial] = ()
    values: dict[tuple[int, int], list[Any]] = field(default_factory=dict)
    atoms: dict[int, dict[Atom, Any]] = field(default_factory=dict)

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """All forms, in the order in which they are tried."""
        return tuple(forms(self.size, self.hints))

    @cached_property
    def name(self) -> str:
        """The name of the size."""
        (s,) = self.size.symbols()
        return s.name

    def row(self, place: int, size: int) -> list[Any]:
        """The values of a form's functions at a size."""
        if (place, size) not in self.values:
            functions, atoms = self.forms[place].functions, self.atoms.setdefault(size, {})
            self.values[place, size] = values_at(functions, {self.name: size}, atoms)
        return self.values[place, size]


def turns(form: Form, name: str, low: int, high: int, most: int) -> Iterator[int]:
    """Sizes between `low` and `high` at which a step turns, and those just below. For each step
    they are the first two, the last two and some between, `most` in all."""
    for step in form.steps:
        found = _turns_of(step, name, low, high, powers=form.bounded)
        between = found[2 : -2 : max(1, len(found) // most)]
        for size in dict.fromkeys((*found[:2], *found[-2:], *between)):
            yield from (size - 1, size)


def _turns_of(step: Polynomial, name: str, low: int, high: int, *, powers: bool) -> list[int]:
    """Sizes above `low` at which the step differs from its value just below. For a logarithm they
    are sought beside powers of the root of two, for other steps among the first and the last
    sizes."""
    if powers:
        near = {isqrt(2**power) + d for power in range(2 * high.bit_length() + 1) for d in (0, 1)}
    else:
        near = {*range(low, low + WINDOW), *range(high - WINDOW, high + 1)}
    sizes = sorted(size for size in near if low < size <= high)
    at = [step.evaluate({name: size}) for size in sizes]
    below = [step.evaluate({name: size - 1}) for size in sizes]
    return [size for size, a, b in zip(sizes, at, below, strict=True) if a != b]


def floors_in(value: Size) -> Iterator[Polynomial]:
    """Every floor in the expression, the innermost last."""
    atoms: frozenset[Atom] = value.atoms() if isinstance(value, Polynomial) else frozenset()
    for atom in sorted(atoms, key=str):
        if isinstance(atom, Floor):
            yield alone(atom)
            yield from floors_in(atom.numerator)
