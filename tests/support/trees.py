"""Random arithmetic as trees: a name, a number, or (operator, left, right)."""

from __future__ import annotations

import operator
from typing import Any

from hypothesis import strategies as st

from flopscope.symbolic import symbol

NAMES = ("H", "W")
FREE = {name: symbol(name) for name in NAMES}

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
names = st.sampled_from(NAMES)
divisors = st.integers(1, 12) | st.integers(-6, -1) | names


def _operations(trees):
    sums = st.tuples(st.sampled_from("+-*"), trees, trees)
    return sums | st.tuples(st.sampled_from(["//", "%"]), trees, divisors)


def _growing(trees):
    sums = st.tuples(st.sampled_from("+*"), trees, trees)
    return sums | st.tuples(st.just("//"), trees, st.integers(1, 12))


trees = st.recursive(names | st.integers(-20, 20), _operations, max_leaves=7)
positive_trees = st.recursive(names | st.integers(1, 20), _growing, max_leaves=7)
values = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(1, 60)))


def interpreted(tree: Any, leaves: dict[str, Any]) -> Any:
    """The tree computed with what the leaves' names stand for."""
    if isinstance(tree, tuple):
        sign, left, right = tree
        return OPERATORS[sign](interpreted(left, leaves), interpreted(right, leaves))
    return leaves[tree] if isinstance(tree, str) else tree
