"""The parts of a law, and what laws are derived from: closed forms of blocks and networks.

No right side is typed in. SymPy derives each from the MACs, weights, activations or traffic of the
ledgers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import TypeAlias

import sympy

from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.brief import short
from flopscope.catalog.options import DEPTH, WIDTH, Multiplier
from flopscope.catalog.variant import known_options, parse, without_rho
from flopscope.closedform.sympify import sympy_symbol, to_sympy
from flopscope.facts import Kind
from flopscope.ledger import Ledger
from flopscope.sizes import Size
from flopscope.symbolic import Floor


@dataclass(frozen=True)
class Step:
    """One line of a derivation: a sentence and the relation that it states."""

    words: str
    left: sympy.Expr
    right: sympy.Expr
    sign: str = "="


WorkedValue: TypeAlias = str | int | float | Fraction


@dataclass(frozen=True)
class Worked:
    """The law at work: a sentence, and numbers computed from networks of the catalogue."""

    words: str
    columns: tuple[str, ...]
    rows: tuple[tuple[WorkedValue, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Law:
    """`statement` is the law; `steps` derive it, in order; it holds in `domain`.

    `letters` are those that the project's alphabet lacks or uses for something else.
    """

    statement: Step
    steps: tuple[Step, ...]
    domain: str
    worked: tuple[Worked, ...]
    letters: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return short(self, f"{self.statement.words}; {self.domain}")


def model_ledger(model: str, size: Size | None = None, /, **free: Size) -> Ledger:
    """The ledger of a catalogue model on one square image, which has the native size unless another
    is given.

    `free` are options set to other values or left free. Raises BadInput or UnknownName.
    """
    variant = without_rho(parse(model))
    known_options(variant, free)
    resolution = variant.resolution() if size is None else (size, size)
    return variant.ledger(resolution, 1, **free)


def coefficients(model: str) -> tuple[float, float]:
    """The model's own depth and width coefficients."""
    own = {o.name: o.default for o in parse(model).model.options if isinstance(o, Multiplier)}
    return own[DEPTH.name], own[WIDTH.name]


def letter(name: str) -> sympy.Symbol:
    """A symbol for a positive real number: the name of a result, or a multiplier."""
    return sympy.Symbol(name, positive=True)


POSITIONS = letter("n")
"""The positions of a map, in all images."""


def by_positions(value: sympy.Expr) -> sympy.Expr:
    """The value with B·H·W written as n.

    >>> by_positions(macs(form("pointwise_conv")))
    C_in*C_out*n
    """
    batch, height, width = (sympy_symbol(name) for name in "BHW")
    return sympy.expand(value.subs(batch, POSITIONS / (height * width)))


def form(name: str) -> Ledger:
    """The ledger of a named block, in the alphabet's symbols."""
    return NAMED_BLOCKS[name].ledger()


def macs(ledger: Ledger) -> sympy.Expr:
    """Multiply-accumulates.

    >>> macs(form("pointwise_conv"))
    B*C_in*C_out*H*W
    """
    return to_sympy(ledger.macs().value)


def ideal_macs(ledger: Ledger) -> sympy.Expr:
    """Multiply-accumulates with every rounding dropped."""
    return to_sympy(ledger.macs().formula.idealised().expression)


def params(ledger: Ledger) -> sympy.Expr:
    """All parameters."""
    return to_sympy(ledger.params().value)


def trainable(ledger: Ledger) -> sympy.Expr:
    """Parameters without those that are frozen."""
    return to_sympy(ledger.trainable().value)


def weights(ledger: Ledger) -> sympy.Expr:
    """Parameters of convolutions, without those of norms."""
    return params(ledger.filter(lambda row: row.kind is Kind.CONVOLUTION))


def activations(ledger: Ledger) -> sympy.Expr:
    """Elements of the outputs of convolutions."""
    return to_sympy(ledger.activations().value)


def traffic(ledger: Ledger) -> sympy.Expr:
    """Elements that the operators read and write: maps, weights and buffers, with nothing fused."""
    return to_sympy(ledger.traffic_bytes("int8").value)


def side_of(ledger: Ledger) -> int:
    """The height of the image to which a network was applied."""
    return int(ledger.rows[0].inputs[0][2])


def period(ledger: Ledger) -> int:
    """The least power of 2 such that the MACs of R×R images round nothing if R is a multiple of
    it."""
    found = ledger.macs().formula

    def rounded(multiple: int) -> bool:
        atoms = found.when(R=multiple).expression.atoms()
        return any(isinstance(a, Floor) and "R" in {s.name for s in a.symbols()} for a in atoms)

    powers = (1 << exponent for exponent in count())
    return next(multiple for multiple in powers if not rounded(multiple))
