"""Einsum as a matrix product: which letters are batch, rows, columns, and summed over."""

from __future__ import annotations

from typing import NamedTuple

from flopscope.onnxgraph.tensors import NodeCall, Undecided
from flopscope.sizes import Shape, Size


class Product(NamedTuple):
    """A product (batch, rows, inner) times (batch, inner, columns), with the sizes of each group of
    letters."""

    batch: Shape
    rows: Shape
    inner: Shape
    columns: Shape


def output_of(call: NodeCall) -> Shape:
    """The shape of the result. Raises Undecided for an equation with dots."""
    terms, output = _terms(call)
    sizes = _sizes(call, terms)
    return tuple(sizes[letter] for letter in output)


def product_of(call: NodeCall) -> Product | None:
    """The product; None for an equation that is a diagonal, an outer product or a sum instead.

    In a product of two operands, every letter is in both or in the output, and some letter is
    summed over.
    """
    terms, output = _terms(call)
    if len(terms) != 2 or any(len(set(part)) != len(part) for part in (*terms, output)):
        return None
    a, b = terms
    sizes = _sizes(call, terms)
    alone = [letter for letter in sizes if (letter in a) != (letter in b)]
    inner = [letter for letter in sizes if letter not in output]
    if not inner or any(letter in alone for letter in inner):
        return None
    batch = [letter for letter in output if letter in a and letter in b]
    groups = (batch, [x for x in alone if x in a], inner, [x for x in alone if x in b])
    return Product(*(tuple(sizes[letter] for letter in group) for group in groups))


def _terms(call: NodeCall) -> tuple[list[str], str]:
    """The letters of each operand and of the output, which without an arrow are those that occur
    once, in order."""
    equation = str(call.attribute("equation")).replace(" ", "")
    if "." in equation:
        raise Undecided
    left, arrow, output = equation.partition("->")
    if not arrow:
        output = "".join(letter for letter in sorted(set(left) - {","}) if left.count(letter) == 1)
    return left.split(","), output


def _sizes(call: NodeCall, terms: list[str]) -> dict[str, Size]:
    sizes: dict[str, Size] = {}
    for index, letters in enumerate(terms):
        for letter, size in zip(letters, call.shape(index), strict=True):
            known = sizes.get(letter, size)
            sizes[letter] = call.premises.same(known, size, f"{letter} of {call.path}")
    return sizes
