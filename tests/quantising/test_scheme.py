"""Bits, skipped layers and patterns, and the sentences for what is none of them."""

import pytest

from flopscope.errors import BadInput, UnknownName
from flopscope.quantising.scheme import Scheme, parse_bits, parse_skip

LAYERS = ["stem.conv", "stage1.conv", "stage2.conv", "head"]


def test_the_last_pattern_that_matches_decides():
    scheme = Scheme(8, (("stage*", 4), ("stage2*", 2)))
    assert [scheme.bits_of(name) for name in LAYERS] == [8, 4, 2, 8]


def test_ends_and_patterns_are_skipped():
    scheme = Scheme(skip=("first", "last", "stage1*"))
    assert scheme.skipped(LAYERS) == {"stem.conv", "stage1.conv", "head"}


@pytest.mark.parametrize("scheme", [Scheme(skip=("heads",)), Scheme(mixed=(("heads", 4),))])
def test_a_pattern_without_a_layer_is_refused(scheme):
    with pytest.raises(UnknownName) as refused:
        scheme.skipped(LAYERS)
    assert str(refused.value) == "unknown layer 'heads'; did you mean head?"


@pytest.mark.parametrize("text", ["9", "1", "four", "head=", "head*=16"])
def test_bits_are_from_2_to_8(text):
    with pytest.raises(BadInput) as refused:
        parse_bits([text])
    assert str(refused.value) == (
        f"'{text}' gives no number of bits from 2 to 8; write 8, or head*=4 for the layers of a "
        "pattern"
    )


def test_an_unknown_type_of_activations():
    with pytest.raises(UnknownName) as refused:
        Scheme(activations="int16")
    assert str(refused.value) == (
        "unknown type of activations 'int16'; did you mean int8 or uint8?"
    )


def test_bits_of_all_and_of_patterns():
    assert parse_bits([4, "head*=8"]) == (4, (("head*", 8),))
    assert parse_bits(["head*=4"]) == (8, (("head*", 4),))
    assert parse_skip("first,last") == ("first", "last")
    assert Scheme(8, (("head", 4),), False, ("first",)).words == (
        "int8 weights, int4 in head, a scale for each tensor, uint8 activations, first in float32"
    )


def test_two_numbers_for_all_layers_are_refused():
    with pytest.raises(BadInput) as refused:
        parse_bits(["8", "head=4", "4"])
    assert str(refused.value) == (
        "8 and 4 are both bits of all layers; give one number, and head*=4 for the layers of a "
        "pattern"
    )


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_skipping_nothing_is_refused(text):
    with pytest.raises(BadInput) as refused:
        parse_skip(text)
    assert str(refused.value) == (
        f"'{text}' names no layer to skip; give first,last or patterns like stage1.*"
    )
