"""The one registry of symbols: what is an integer, what is free, which arguments are kernels."""

from __future__ import annotations

import pytest

from flopscope.alphabet import ALPHABET, FREE, MULTIPLIERS, is_kernel
from flopscope.answers.ranges import Range
from flopscope.answers.spaces import Fixed, space_of
from flopscope.answers.target import of_variant
from flopscope.arguments import parse_symbolic
from flopscope.catalog import variant
from flopscope.choosing.axes import axis_of
from flopscope.symbolic import dimension


@pytest.mark.parametrize("name", ALPHABET)
def test_a_dimension_is_an_integer_from_1_or_a_real_number_above_0(name):
    (found,) = dimension(name).symbols()
    real = name in {"width", "depth", "rho"}
    assert (found.integer, found.lower) == ((False, 0) if real else (True, 1))
    assert (name in MULTIPLIERS) is real


def test_what_is_free_in_the_catalogue_is_what_the_alphabet_says():
    assert {name: dimension(name) for name in FREE} == variant.FREE
    names = ["B", "H", "W", "width", "depth", "classes", "tokens", "prompts", "queries"]
    assert [*FREE] == names


def test_an_axis_of_a_search_is_whole_where_its_symbol_is():
    space = space_of(of_variant(variant.parse("efficientnet_b0")), Fixed())
    found = {name: axis_of(Range(name)) for name in space.free}
    whole = {name: axis.whole for name, axis in found.items()}
    assert whole == {"res": True, "batch": True, "width": False, "depth": False, "classes": True}
    for name, axis in found.items():
        (own,) = axis.symbol.symbols()
        assert own.integer is whole[name]


@pytest.mark.parametrize(
    ("argument", "odd"),
    [
        ("kernel_size", True),
        ("kernel", True),
        ("dw_kernel_size", True),
        ("kernels", True),
        ("groups", False),
        ("k", False),
        ("Kernel", False),
    ],
)
def test_arguments_that_are_kernels_are_odd(argument, odd):
    assert is_kernel(argument) is odd
    _, value = parse_symbolic(f"{argument}=K")
    assert str(value) == ("2·half_K + 1" if odd else "K")
