"""Pictures of sweeps: what is drawn where, and what cannot be drawn."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

import flopscope as fs
from flopscope.errors import BadInput, UnknownName
from flopscope.present.plots import SweepAxis, SweepPicture, draw_sweep, read_look, sweep_figure
from flopscope.present.plots.parted import parted_figure

WIDTHS = (0.25, 0.5, 1.0, 1.5)
SIDES = (128, 192, 256)
WORDS = "MACs, convention macs"


def counts(sides):
    return [
        [int(fs.analyze(f"mobilenetv2:width={width}", res=side).macs()) for width in WIDTHS]
        for side in sides
    ]


def swept(sides=SIDES, **more):
    second = SweepAxis("Input (pixels)", sides) if len(sides) > 1 else None
    return SweepPicture(WORDS, SweepAxis("Width multiplier", WIDTHS), counts(sides), second, **more)


def shown(axis):
    """The texts of the ticks within the limits."""
    low, high = sorted(axis.get_view_interval())
    return [
        tick.label1.get_text() for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
    ]


def test_each_value_of_the_second_axis_has_a_line():
    ax = draw_sweep(Figure().subplots(), swept())
    assert [line.get_label() for line in ax.lines] == ["128", "192", "256"]
    assert [line.get_ydata().tolist() for line in ax.lines] == counts(SIDES)
    assert [line.get_xdata().tolist() for line in ax.lines] == [list(WIDTHS)] * 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Width multiplier", WORDS)
    assert ax.get_legend().get_title().get_text() == "Input (pixels)"
    assert shown(ax.xaxis) == ["0.25", "0.5", "1", "1.5"]
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 3


def test_scales_follow_the_range_unless_they_are_given():
    assert draw_sweep(Figure().subplots(), swept()).get_yscale() == "log"
    assert draw_sweep(Figure().subplots(), swept((224,))).get_yscale() == "linear"
    given = read_look(yscale="linear", ylim="0:1G", xlim="0:2")
    ax = draw_sweep(Figure().subplots(), swept(), given)
    assert (ax.get_yscale(), ax.get_ylim(), ax.get_xlim()) == ("linear", (0.0, 1e9), (0.0, 2.0))


def test_the_budget_is_a_line():
    ax = draw_sweep(Figure().subplots(), swept((224,), budget=300e6))
    assert ax.lines[-1].get_ydata() == [300e6, 300e6]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["budget 300 M"]


def test_a_network_that_does_not_exist_is_a_gap():
    ax = draw_sweep(Figure().subplots(), SweepPicture(WORDS, SweepAxis("W", (1, 2)), [[None, 5]]))
    (line,) = ax.lines
    assert np.isnan(line.get_ydata()).tolist() == [True, False]


def test_names_and_image_sizes_stand_in_order():
    axis = SweepAxis("Form", ("train", "deploy"))
    ax = draw_sweep(Figure().subplots(), SweepPicture(WORDS, axis, [[2, 1]]))
    assert shown(ax.xaxis) == ["train", "deploy"]
    assert SweepAxis("Input", ((192, 256), (224, 224))).texts == ["192×256", "224×224"]
    with pytest.raises(BadInput) as raised:
        draw_sweep(Figure().subplots(), SweepPicture(WORDS, axis, [[2, 1]]), read_look(xlim="0:1"))
    assert str(raised.value) == (
        "the axis x of this picture has names, which have no limits and no scale; "
        "leave xlim and xscale out"
    )


def test_a_heat_map_has_the_numbers_in_its_cells():
    figure = sweep_figure(swept(budget=300e6), read_look(size="page"), "heatmap")
    ax, bar = figure.axes
    (mesh,) = ax.collections
    assert mesh.get_array().tolist() == counts(SIDES)
    assert [text.get_text() for text in ax.texts][1:5] == ["13.0 M", "32.6 M", "99.1 M", "221 M"]
    assert shown(ax.xaxis) == ["0.25", "0.5", "1", "1.5"]
    assert shown(ax.yaxis) == ["128", "192", "256"]
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == (
        "Width multiplier", "Input (pixels)", WORDS,
    )  # fmt: skip


def test_the_line_of_a_heat_map_parts_what_the_budget_allows():
    picture = SweepPicture(
        WORDS, SweepAxis("x", (1, 2)), [[1, 9], [9, 9]], SweepAxis("y", (1, 2)), 5
    )
    ax = draw_sweep(Figure().subplots(), picture, panel="heatmap")
    edges = [tuple(map(tuple, line.get_xydata().tolist())) for line in ax.lines]
    assert edges == [((1.0, 0.0), (1.0, 1.0)), ((0.0, 1.0), (1.0, 1.0))]
    assert ax.texts[0].get_text() == "line: budget of 5"


def test_cells_without_room_have_no_numbers():
    figure = sweep_figure(swept(), read_look(size="1.5x1.5"), "heatmap")
    assert [text.get_text() for text in figure.axes[0].texts] == []


def test_many_lines_are_a_heat_map():
    sides = tuple(range(128, 257, 16))
    assert [swept(sides).usual, swept().usual] == ["heatmap", "lines"]
    assert len(sweep_figure(swept(sides)).axes) == 2


def test_more_is_darker_also_in_grey():
    figure = sweep_figure(swept(), panel="heatmap")
    (mesh,) = figure.axes[0].collections
    amounts = np.sort(np.ravel(counts(SIDES)))
    greys = mesh.to_rgba(amounts)[:, :3] @ (0.299, 0.587, 0.114)
    assert all(a >= b for a, b in itertools.pairwise(greys))
    assert greys[0] - greys[-1] > 0.7


@pytest.mark.parametrize(
    ("panel", "kind", "message"),
    [
        ("line", UnknownName, "unknown panel 'line'; did you mean lines?"),
        (
            "heatmap", BadInput,
            "a heat map has two axes, and this sweep has one; draw the panel lines",
        ),
    ],
)  # fmt: skip
def test_panels_that_cannot_be_drawn(panel, kind, message):
    with pytest.raises(kind) as raised:
        draw_sweep(Figure().subplots(), swept((224,)), panel=panel)
    assert str(raised.value) == message


def test_cells_have_no_limits():
    with pytest.raises(BadInput) as raised:
        draw_sweep(Figure().subplots(), swept(), read_look(xlim="0:1"), "heatmap")
    assert str(raised.value) == (
        "a heat map has no limits and no scales; leave xlim, ylim, xscale and yscale out"
    )


def test_nothing_to_draw():
    with pytest.raises(BadInput) as raised:
        SweepPicture(WORDS, SweepAxis("x", (1,)), [[None]])
    assert str(raised.value) == "no design of the sweep exists, so there is nothing to draw"


def test_no_level_line_stands_on_that_of_the_budget():
    def texts(budget):
        ax = draw_sweep(Figure().subplots(), swept(budget=budget), panel="levels")
        return {text.get_text() for text in ax.texts} - {WORDS}

    assert {"100 M", "200 M"} <= texts(None)
    assert "200 M" not in texts(200e6) | texts(190e6)
    assert {"100 M", "budget 200 M"} <= texts(200e6)
    assert "200 M" in texts(150e6)


def parts(number, **more):
    rows = [
        [[float(n * (x + y)) for x in range(1, 5)] for y in range(3)] for n in range(1, number + 1)
    ]
    first, second = SweepAxis("Width", (8, 16, 24, 32)), SweepAxis("Input (pixels)", SIDES)
    ends = (1.0, 6.0 * number)
    return [
        SweepPicture(WORDS, first, each, second, part=f"Kernel {n}", ends=ends, **more)
        for n, each in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize(("number", "rows"), [(1, 1), (3, 1), (4, 2), (5, 2)])
def test_parts_share_colours_and_one_bar(number, rows):
    figure = parted_figure(parts(number, budget=3.0))
    *axes, bar = figure.axes
    assert [ax.get_title(loc="right") for ax in axes] == [f"Kernel {n + 1}" for n in range(number)]
    assert bar.get_ylabel() == WORDS
    limits = {ax.collections[0].get_clim() for ax in axes}
    assert limits == {(1.0, 6.0 * number)}
    assert len({ax.get_subplotspec().rowspan.start for ax in axes}) == rows
    assert axes[0].get_ylabel() == "Input (pixels)"
    below = [ax for ax in axes if ax.get_xlabel()]
    assert len(below) == min(number, 2 if number == 4 else 3)


def test_parts_of_level_lines_have_their_values_above():
    figure = parted_figure(parts(3), panel="levels")
    assert [ax.texts[-1].get_text() for ax in figure.axes] == ["Kernel 1", "Kernel 2", "Kernel 3"]
    assert figure.get_suptitle() == WORDS
    titled = parted_figure(parts(2), read_look(title="Mine"))
    assert titled.get_suptitle() == "Mine"
    with pytest.raises(UnknownName):
        parted_figure(parts(2), panel="bars")
