"""A closed form that knows its unit, its convention and where it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flopscope.alphabet import ALPHABET
from flopscope.brief import brief, short
from flopscope.closedform import program, text
from flopscope.closedform.compiled import compiled
from flopscope.closedform.ideal import idealise
from flopscope.domain import (
    Condition,
    Multiple,
    check_bindings,
    check_conditions,
    having_a_value,
)
from flopscope.domain.given import Given, check_given, with_more
from flopscope.errors import BadInput, UnknownName
from flopscope.sizes import Size, is_array, is_symbolic
from flopscope.symbolic import Symbol, substitute, symbol

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Formula:
    """A formula: `expression` in `unit` under `convention`, valid where `conditions` and symbols'
    bounds hold.

    `exact` says that every rounding is in it, so that its values are whole numbers. `fixed` names
    the options that the formula was made at one value of, which no size can change any more, and
    `given` are the sizes that were replaced in it.

    >>> from flopscope.symbolic import symbol
    >>> macs = Formula(9 * ((symbol("H") + 1) // 2), "MACs", "macs")
    >>> macs.at(H=7)
    36
    >>> print(macs.when(H=2).expression)
    9/2·H
    """

    expression: Size
    unit: str
    convention: str | None = None
    conditions: tuple[Condition, ...] = ()
    name: str = ""
    exact: bool = True
    fixed: frozenset[str] = frozenset()
    given: Given = field(default=(), compare=False)

    def __repr__(self) -> str:
        whole = f"{self.name or self.unit}: {self.expression}"
        return short(self, f"{brief(whole, 90)}; domain: {self.domain}")

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The free symbols, by name."""
        free = self.expression.symbols() if is_symbolic(self.expression) else ()
        return tuple(sorted(free, key=lambda s: s.name))

    @property
    def domain(self) -> str:
        """Where the formula holds, in words.

        >>> Formula(9 * symbol("H"), "MACs").when(H=32).domain
        'H ≥ 1; H a multiple of 32'
        """
        return text.domain_text(self.symbols, self.conditions)

    @cached_property
    def counts(self) -> bool:
        """Are its values whole? They are not if a rounding was dropped or a multiplier is not
        rounded."""
        atoms = self.expression.atoms() if is_symbolic(self.expression) else ()
        return self.exact and all(atom.integer for atom in atoms)

    def at(self, **sizes: Any) -> Any:
        """The exact integer at these sizes; a float where roundings were dropped (`idealised`).

        Arrays broadcast and give an array (int64, or dtype object for sizes of that dtype, which
        hold integers of any size). Sizes of the alphabet that the formula does not depend on may
        be given too. Raises UnboundSymbols where a symbol is missing, OutsideDomain where the
        network does not exist, UnknownName for a name that is not a dimension, BadInput for an
        option that is fixed or a size that has another value already, Overflow for arrays too large
        for 64 bits.

        >>> Formula(9 * symbol("H") * symbol("W"), "MACs").at(H=2, W=3, B=1)
        54
        """
        sizes = {name: _plain(size) for name, size in sizes.items()}
        self._check_names(sizes)
        check_bindings(self._bounded_in(sizes).union(self.symbols), sizes)
        with having_a_value(sizes):
            check_conditions(self.conditions, sizes)
            return self._value(sizes)

    def _value(self, sizes: Mapping[str, Any]) -> Any:
        own = {s.name: _in_code(sizes[s.name]) for s in self.symbols}
        if not (named := [name for name, size in own.items() if is_symbolic(size)]):
            return self.compiled(**own)
        if any(is_array(size) for size in own.values()):
            raise BadInput(
                f"{', '.join(named)} is a symbol, but other sizes are arrays; give it a number"
            )
        return self.expression.evaluate(own)

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The formula as a function without checks, for sweeps over arrays and repeated calls."""
        return compiled(self.expression, whole=self.counts)

    def subs(self, **sizes: Any) -> Formula:
        """The formula with some symbols replaced by sizes or other symbols.

        Raises OutsideDomain where the network does not exist, UnknownName for a name that is
        not a dimension, BadInput for an option that is fixed or a size that has another value
        already, and for an array: `at` takes those.

        >>> Formula(9 * symbol("H") * symbol("W"), "MACs").subs(H=2).expression
        Polynomial(18·W)
        """
        sizes = {name: _plain(size) for name, size in sizes.items()}
        self._check_names(sizes)
        if arrays := [name for name, size in sizes.items() if is_array(size)]:
            raise BadInput(
                f"{', '.join(arrays)} is an array; subs takes one size, at() takes arrays"
            )
        check_bindings(self._bounded_in(sizes), sizes)
        with having_a_value(sizes):
            check_conditions(self.conditions, sizes)
            conditions = [condition.at(sizes) for condition in self.conditions]
            undecided = tuple(c for c in conditions if c.broken() is None)
            expression = substitute(self.expression, sizes)
        given = with_more(self.given, sizes)
        return replace(self, expression=expression, conditions=undecided, given=given)

    def when(self, **multiples: int) -> Formula:
        """The formula for sizes that are multiples: `when(H=32, W=32)` removes the roundings of
        sizes.

        Its `at` then raises OutsideDomain for other sizes. Raises BadInput for a symbol that the
        formula does not have, a multiplier, or a multiple below 1.

        >>> Formula(9 * ((symbol("H") + 3) // 4), "MACs").when(H=4).expression
        Polynomial(9/4·H)
        """
        scaled, restored, added = {}, {}, []
        for name, multiple in multiples.items():
            s = self._symbol(name)
            if type(multiple) is not int or multiple < 1:
                raise BadInput(
                    f"{name} cannot be a multiple of {multiple}; give a positive integer"
                )
            if not s.integer:
                raise BadInput(f"{name} is not an integer, so it has no multiples; leave it out")
            size = symbol(name, s.lower)
            scaled[name], restored[name] = multiple * symbol(name), size / multiple
            added.append(Multiple(size, multiple, name))
        expression = substitute(substitute(self.expression, scaled), restored)
        return replace(self, expression=expression, conditions=(*self.conditions, *added))

    def idealised(self) -> Formula:
        """The law behind the count: every rounding dropped, a polynomial in the multipliers too.

        Its values are floats. `conditions` say where the choices that it makes are right.

        >>> Formula(9 * ((symbol("H") + 1) // 2), "MACs").idealised().at(H=7)
        31.5
        """
        expression, conditions = idealise(self.expression)
        return replace(
            self,
            expression=expression,
            conditions=(*self.conditions, *conditions),
            name=f"{self.name}, idealised" if self.name else "idealised",
            exact=False,
        )

    def sympy(self) -> sympy.Expr:
        """The expression in SymPy, whose symbols are positive.

        >>> Formula(9 * symbol("H") ** 2, "MACs").sympy().diff()
        18*H
        """
        from flopscope.closedform.sympify import to_sympy

        return to_sympy(self.expression)

    def latex(self) -> str:
        """LaTeX, collected over the stages' grids.

        >>> print(Formula(9 * symbol("H") * symbol("C_in"), "MACs").latex())
        9 C_{\\mathrm{in}} H
        """
        from flopscope.closedform.sympify import latex

        return latex(self.expression)

    def python(self) -> str:
        """The source of a function of the free symbols. It states the domain in words and does not
        check it.

        >>> print(Formula(9 * symbol("H") ** 2, "MACs", "macs").python())
        def count(*, H):
            \"\"\"MACs (convention macs); domain: H ≥ 1.\"\"\"
            return 9 * H**2
        """
        return program.source(self.expression, *self._signature, whole=self.counts)

    def javascript(self) -> str:
        """The source of a function of an object with the free sizes, which checks the domain. It
        returns a Number or, beyond 2⁵³, a BigInt, and needs `scripts.runtime()` before it.

        Raises BadInput for a formula whose values are not whole, and for a rounding rule of the
        reader's own.

        >>> "const h2 = $.floorDiv($.sum(1, H), 2);" in Formula(
        ...     9 * ((symbol("H") + 1) // 2), "MACs"
        ... ).javascript()
        True
        """
        from flopscope.closedform import scripts

        title, docstring = self._signature
        if not self.counts:
            raise BadInput(
                f"{self.name or self.unit} is no whole number, and JavaScript is written for exact "
                "integers alone; leave --ideal out, or take --format python"
            )
        return scripts.function(title, docstring, [self.expression], self.symbols, self.conditions)

    @property
    def _signature(self) -> tuple[str, str]:
        """The name of its function, and what is said of it."""
        words = f"{self.unit}{f' (convention {self.convention})' if self.convention else ''}"
        title = re.sub(r"\W+", "_", self.name).strip("_") or "count"
        title = title if title.isidentifier() else f"count_{title}"
        return title, f"{words}; domain: {self.domain}."

    def text(self) -> str:
        """The collected sum as terminal text, at most 80 columns wide.

        >>> print(Formula(9 * symbol("B") * symbol("H") ** 2, "MACs").text())
          9 · B · H²
        """
        return "\n".join(text.expression_lines(self.expression))

    def __str__(self) -> str:
        return self.text()

    def __reduce__(self) -> tuple[type[Formula], tuple[Any, ...]]:
        return Formula, tuple(getattr(self, f.name) for f in fields(self))  # nothing compiled

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _check_names(self, sizes: Mapping[str, Any]) -> None:
        check_given(self.given, sizes, f"this formula of {self.name or self.unit}")
        known = {s.name for s in self._bounded} | ALPHABET.keys()
        for name in sizes:
            if name not in known:
                raise UnknownName("dimension", name, sorted(known))
            if name in self.fixed:
                raise BadInput(
                    f"{name} has one value in this formula of {self.name or self.unit}; make the "
                    f"formula with {name} among its free sizes"
                )

    @cached_property
    def _bounded(self) -> frozenset[Symbol]:
        """The symbols that have bounds: its own, and those of its conditions."""
        return frozenset(self.symbols).union(*(c.symbols() for c in self.conditions))

    def _bounded_in(self, sizes: Mapping[str, Any]) -> frozenset[Symbol]:
        return frozenset(s for s in self._bounded if s.name in sizes)

    def _symbol(self, name: str) -> Symbol:
        for s in self.symbols:
            if s.name == name:
                return s
        free = ", ".join(s.name for s in self.symbols) or "none"
        raise BadInput(f"the formula has no free {name}; its free sizes are {free}")


def _plain(size: Any) -> Any:
    """NumPy's numbers as Python's."""
    return size.item() if is_array(size) and size.ndim == 0 else size


def _in_code(size: Any) -> Any:
    """A multiplier as a float, as it is in the networks' code."""
    return float(size) if isinstance(size, Fraction) else size
