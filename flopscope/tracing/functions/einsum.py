"""torch.einsum on free sizes, in the same steps as torch's but without questions about layout.

Operands are multiplied from left to right. An index that neither a later operand nor the result has
is summed: before the product if only one operand has it, by one product of stacks of matrices if
both have it. If nothing is summed over more than one element, torch multiplies element by element.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

import torch

from flopscope.tracing.shapes.fitting import at_example, demand, is_number, same, text

Letters: TypeAlias = list[str]
"""The indices of an operand: letters, and …n for the n-th dimension from the right in an
ellipsis."""


def einsum(equation: Any, *operands: Any) -> torch.Tensor | None:
    """The product; None if operands come with lists of indices, which are left to torch."""
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    if not isinstance(equation, str) or (len(operands) > 2 and _reorders()):
        return None
    terms, result = _parsed(equation, operands)
    x, term = _without_repetition(operands[0], terms[0])
    for place, other in enumerate(operands[1:], start=1):
        y, own = _without_repetition(other, terms[place])
        later = [index for left in terms[place + 1 :] for index in left]
        x, term = _multiplied(x, term, y, own, {*later, *result})
    x, term = _summed(x, term, set(result))
    return x.permute([term.index(index) for index in result])


def _reorders() -> bool:
    """Does torch choose the order of more than two operands by their sizes?"""
    return bool(torch.backends.opt_einsum.is_available() and torch.backends.opt_einsum.enabled)


def _parsed(equation: str, operands: Sequence[torch.Tensor]) -> tuple[list[Letters], Letters]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    written = left.split(",")
    if len(written) != len(operands):
        raise RuntimeError(
            f"einsum(): {len(operands)} operands were given for the {len(written)} of {equation!r}"
        )
    terms = [_indices(term, x.dim()) for term, x in zip(written, operands, strict=True)]
    hidden = max((sum(index[0] == "…" for index in term) for term in terms), default=0)
    if arrow:
        return terms, _indices(right, len(right.replace("...", "")) + hidden)
    used = [index for term in terms for index in term]
    once = sorted(i for i in set(used) if used.count(i) == 1 and i[0] != "…")
    return terms, [*_hidden(hidden), *once]


def _indices(term: str, rank: int) -> Letters:
    before, dots, after = term.partition("...")
    left = rank - len(before) - len(after)
    if left < 0 or (left and not dots):
        raise RuntimeError(f"einsum(): {term!r} does not name the {rank} dimensions of its operand")
    return [*before, *_hidden(left), *after]


def _hidden(number: int) -> Letters:
    return [f"…{n}" for n in range(number, 0, -1)]


def _without_repetition(x: torch.Tensor, term: Letters) -> tuple[torch.Tensor, Letters]:
    """The diagonal of dimensions that share an index."""
    for index in dict.fromkeys(term):
        while term.count(index) > 1:
            a = term.index(index)
            b = term.index(index, a + 1)
            _equal(x.shape[a], x.shape[b], index)
            x = x.diagonal(0, a, b)
            term = [i for d, i in enumerate(term) if d not in (a, b)] + [index]
    return x, term


def _equal(a: Any, b: Any, index: str) -> None:
    demand(
        same(a, b) or a == b,
        lambda: f"einsum(): subscript {index} is repeated for sizes {text(a)} and {text(b)}",
    )


def _summed(x: torch.Tensor, term: Letters, keep: set[str]) -> tuple[torch.Tensor, Letters]:
    own = [d for d, index in enumerate(term) if index not in keep]
    return (x.sum(own), [i for i in term if i in keep]) if own else (x, term)


def _multiplied(
    a: torch.Tensor, left: Letters, b: torch.Tensor, right: Letters, keep: set[str]
) -> tuple[torch.Tensor, Letters]:
    a, left, b, right = _stretched(a, left, b, right)
    a, left = _summed(a, left, keep | set(right))
    b, right = _summed(b, right, keep | set(left))
    summed = [i for i in left if i in right and i not in keep]
    sizes = dict(zip(left + right, (*a.shape, *b.shape), strict=True))
    if all(sizes[i] == 1 for i in summed):
        return _elementwise(a, left, b, right, summed)
    stack = [i for i in left if i in right and i in keep]
    rows, columns = ([i for i in term if i not in stack + summed] for term in (left, right))
    first = _grouped(a, left, sizes, stack, rows, summed)
    second = _grouped(b, right, sizes, stack, summed, columns)
    order = stack + rows + columns
    return torch.bmm(first, second).reshape([sizes[i] for i in order]), order


def _stretched(
    a: torch.Tensor, left: Letters, b: torch.Tensor, right: Letters
) -> tuple[torch.Tensor, Letters, torch.Tensor, Letters]:
    """The operand without those dimensions of size 1 that the other operand has in full."""
    for index in [i for i in left if i in right]:
        m, n = a.shape[left.index(index)], b.shape[right.index(index)]
        if same(m, n) or at_example(m == n):
            _equal(m, n, index)
        elif is_number(m, 1) or at_example(m == 1):
            _equal(m, 1, index)
            a, left = a.select(left.index(index), 0), [i for i in left if i != index]
        else:
            if not at_example(n == 1):
                _equal(m, n, index)
            _equal(n, 1, index)
            b, right = b.select(right.index(index), 0), [i for i in right if i != index]
    return a, left, b, right


def _elementwise(
    a: torch.Tensor, left: Letters, b: torch.Tensor, right: Letters, summed: Letters
) -> tuple[torch.Tensor, Letters]:
    for index in summed:  # of one element
        a, left = a.select(left.index(index), 0), [i for i in left if i != index]
        b, right = b.select(right.index(index), 0), [i for i in right if i != index]
    order = left + [i for i in right if i not in left]
    return _spread(a, left, order) * _spread(b, right, order), order


def _spread(x: torch.Tensor, term: Letters, order: Letters) -> torch.Tensor:
    """The operand with its dimensions in this order, and new ones of size 1 where it has none."""
    x = x.permute([term.index(index) for index in order if index in term])
    for place, index in enumerate(order):
        x = x if index in term else x.unsqueeze(place)
    return x


def _grouped(
    x: torch.Tensor, term: Letters, sizes: dict[str, Any], *groups: Sequence[str]
) -> torch.Tensor:
    order = [index for group in groups for index in group]
    turned = x.permute([term.index(index) for index in order])
    return turned.reshape([prod(sizes[index] for index in group) for group in groups])
