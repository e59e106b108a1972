"""What a reader decides about a picture: texts are read, and what cannot be drawn is refused."""

import pytest
from matplotlib.figure import Figure

from flopscope.errors import BadInput
from flopscope.present.plots import Look, SweepAxis, SweepPicture, draw_sweep, read_look


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, Look()),
        ({"size": None, "title": None}, Look()),
        ({"size": "column"}, Look(size=(3.3, None))),
        ({"size": "page"}, Look(size=(6.9, None))),
        ({"size": "3.3x2.4"}, Look(size=(3.3, 2.4))),
        ({"size": "3.3×2.4"}, Look(size=(3.3, 2.4))),
        ({"size": (5, 2)}, Look(size=(5.0, 2.0))),
        ({"size": 5}, Look(size=(5.0, None))),
        ({"xlim": "100M:1G", "ylim": "70:80"}, Look(xlim=(1e8, 1e9), ylim=(70.0, 80.0))),
        ({"xlim": ":1,000,000"}, Look(xlim=(None, 1e6))),
        ({"ylim": "-1:"}, Look(ylim=(-1.0, None))),
        ({"ylim": (70, None)}, Look(ylim=(70.0, None))),
        ({"xscale": "log", "yscale": "linear"}, Look(xscale="log", yscale="linear")),
        ({"title": "", "dpi": "600"}, Look(title="", dpi=600)),
    ],
)
def test_texts_and_numbers_are_read(given, read):
    assert read_look(**given) == read


SIZE = (
    "is not the size of a picture; give its width and height in inches, such as 3.3x2.4, a width "
    "alone, or column or page, the widths of a paper"
)
LIMITS = "give its two ends, such as 100M:1G, or one of them, such as 70: or :1G"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": "A4"}, f"'A4' {SIZE}"),
        ({"size": ""}, f"'' {SIZE}"),
        ({"size": "3x2x1"}, f"'3x2x1' {SIZE}"),
        ({"size": "-3"}, f"'-3' {SIZE}"),
        ({"size": (3, "wide")}, f"'3:wide' {SIZE}"),
        ({"size": True}, f"'True' {SIZE}"),
        (
            {"size": "0x3"},
            "a picture of 0 inches cannot be drawn; give a width and a height from 1 to 50 inches",
        ),
        (
            {"size": "300"},
            "a picture of 300 inches cannot be drawn; "
            "give a width and a height from 1 to 50 inches",
        ),
        ({"xlim": "100M"}, f"'100M' are not limits of the axis x; {LIMITS}"),
        ({"xlim": ":"}, f"':' are not limits of the axis x; {LIMITS}"),
        ({"ylim": "a:b"}, f"'a:b' are not limits of the axis y; {LIMITS}"),
        ({"ylim": (0, float("nan"))}, f"'0:nan' are not limits of the axis y; {LIMITS}"),
        (
            {"ylim": "80:70"},
            "the limits of the axis y run from 80 to 70; "
            "give a smaller number and then a larger one",
        ),
        (
            {"xlim": "1:1"},
            "the limits of the axis x run from 1 to 1; give a smaller number and then a larger one",
        ),
        (
            {"xlim": "0:1G", "xscale": "log"},
            "a logarithmic axis has no 0; give limits of the axis x above 0, or the scale linear",
        ),
        ({"yscale": "ln"}, "the axis y has no scale 'ln'; give linear or log"),
        ({"title": 5}, "'5' is not a title; give a text"),
        ({"dpi": "many"}, "'many' is not a number of dots per inch; give an integer such as 300"),
        ({"dpi": 2.5}, "'2.5' is not a number of dots per inch; give an integer such as 300"),
        (
            {"dpi": 5},
            "5 dots per inch cannot be drawn; give a number from 50 to 1200, such as 300",
        ),
        (
            {"colour": "red"},
            "a picture has no colour; it has size, title, xlim, ylim, xscale, yscale or dpi",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, message):
    with pytest.raises(BadInput) as raised:
        read_look(**given)
    assert str(raised.value) == message


def drawn(values, **given):
    picture = SweepPicture("MACs", SweepAxis("Width", (1, 2, 3)), [values])
    return draw_sweep(Figure().subplots(), picture, read_look(**given))


@pytest.mark.parametrize(
    ("values", "given", "message"),
    [
        (
            [0, 1, 2], {"yscale": "log"},
            "a logarithmic axis has no 0, which the axis y shows; leave yscale out, or give linear",
        ),
        (
            [1e6, 2e6, 3e6], {"ylim": "1G:2G"},
            "nothing lies within the limits of the axis y; its values run from 1 M to 3 M",
        ),
        (
            [1e6, 2e6, 3e6], {"ylim": "1G:"},
            "nothing lies within the limits of the axis y; its values run from 1 M to 3 M",
        ),
        (
            [1, 100, 10_000], {"ylim": "0:"},
            "a logarithmic axis has no 0; give limits of the axis y above 0, or the scale linear",
        ),
    ],
)  # fmt: skip
def test_axes_that_would_show_nothing_are_refused(values, given, message):
    with pytest.raises(BadInput) as raised:
        drawn(values, **given)
    assert str(raised.value) == message


def test_one_end_is_given_and_the_other_chosen():
    low, high = drawn([10, 20, 30], ylim="5:").get_ylim()
    assert (low, high > 30) == (5.0, True)


def test_a_title_takes_as_many_lines_as_it_needs():
    ax = drawn([1, 2, 3], title="words " * 40)
    lines = ax.get_title().split("\n")
    assert len(lines) > 1
    assert " ".join(lines).split() == ["words"] * 40
