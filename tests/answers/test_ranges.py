"""Ranges of free sizes, as they are written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.answers.ranges import Range, grid, grid_size, parse_ranges, read_ranges, spelled
from flopscope.errors import BadInput


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("width", [Range("width")]),
        ("width,res", [Range("width"), Range("res")]),
        ("width=16,24,32", [Range("width", (16, 24, 32))]),
        ("width = 16, 24 , res", [Range("width", (16, 24)), Range("res")]),
        ("width=0.25:1:0.25", [Range("width", (0.25, 0.5, 0.75, 1.0))]),
        ("width=0.1:0.3:0.1", [Range("width", (0.1, 0.2, 0.3))]),
        ("res=160:256:32,width=8", [Range("res", (160, 192, 224, 256)), Range("width", (8,))]),
        ("width=1:6:2,10", [Range("width", (1, 3, 5, 10))]),
        ("width=3,1,1", [Range("width", (1, 3))]),
        ("width=1,0.5", [Range("width", (0.5, 1.0))]),
        ("n=1k", [Range("n", (1000,))]),
    ],
)
def test_ranges_are_read(text, ranges):
    found = parse_ranges(text)
    assert list(found) == ranges
    assert [[type(v) for v in r.values] for r in found] == [
        [type(v) for v in r.values] for r in ranges
    ]


GRAMMAR = "write width=0.25:2:0.05 (from, to, step), width=16,24,32 or width"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"'' in --free  is neither a size nor its range; {GRAMMAR}"),
        ("width=", f"'width=' in --free width= is neither a size nor its range; {GRAMMAR}"),
        ("16,24", f"'16' in --free 16,24 is neither a size nor its range; {GRAMMAR}"),
        ("width,24", f"'24' in --free width,24 is neither a size nor its range; {GRAMMAR}"),
        ("a-b=2", f"'a-b=2' in --free a-b=2 is neither a size nor its range; {GRAMMAR}"),
        ("width,width=2", "width is free twice; name it once"),
        ("width=0",
         "width=0 is not a range of numbers above 0; write width=FROM:TO:STEP or values, such as "
         "width=16:64:8 or width=16,24,32"),
        ("width=1:2",
         "width=1:2 is not a range of numbers above 0; write width=FROM:TO:STEP or values, such as "
         "width=16:64:8 or width=16,24,32"),
        ("width=1:2:0",
         "width=1:2:0 has a step of 0, which leads nowhere; give one above 0"),
        ("width=wide",
         "width=wide is not a range of numbers above 0; write width=FROM:TO:STEP or values, such "
         "as width=16:64:8 or width=16,24,32"),
        ("width=2:1:1",
         "width=2:1:1 has no value, for it goes from the larger to the smaller; write width=1:2:1"),
        ("n=1:1M:1", "n=1:1M:1 has more than 100,000 values; give a larger step"),
    ],
)  # fmt: skip
def test_bad_ranges(text, message):
    with pytest.raises(BadInput) as raised:
        parse_ranges(text)
    assert str(raised.value) == message


values = st.lists(st.integers(1, 2000), min_size=1, max_size=9, unique=True).map(sorted)


@given(whole=values, scale=st.sampled_from([None, 8, 20, 100]))
def test_what_is_written_is_read_again(whole, scale):
    given = tuple(whole) if scale is None else tuple(n / scale for n in whole)
    (found,) = parse_ranges(f"width={spelled(given)}")
    if scale is None or not all(n % scale == 0 for n in whole):
        assert found.values == given
    assert [float(value) for value in found.values] == [float(value) for value in given]


def test_python_gives_texts_and_ranges():
    assert read_ranges(["width=16", "24", Range("res", (32,))]) == (
        Range("width", (16, 24)), Range("res", (32,)),
    )  # fmt: skip
    assert read_ranges([]) == ()
    with pytest.raises(BadInput) as raised:
        read_ranges([3])
    assert str(raised.value) == f"3 is not the name of a size; {GRAMMAR}"


def test_the_grid_has_every_combination():
    ranges = parse_ranges("a=1,2,b=3:5:1")
    assert list(grid(ranges)) == [(a, b) for a in (1, 2) for b in (3, 4, 5)]
    assert grid_size(ranges) == 6
