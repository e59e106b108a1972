"""The picture of one network: a bar for each of its parts."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import nn

import flopscope as fs
from flopscope.errors import BadInput
from flopscope.present.plots.parts import MOST, profile_bars, profile_figure


def deep(layers):
    """Convolutions that grow, so that each has another count."""
    return nn.Sequential(*(nn.Conv2d(n + 1, n + 2, 1, bias=False) for n in range(layers)))


def bars(ax):
    return [bar for group in ax.containers for bar in group]


def names(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


@pytest.fixture(scope="module")
def hundred():
    return fs.profile(deep(100), (1, 1, 4, 4), by="layer")


def test_the_largest_parts_have_bars_and_the_others_a_sum(hundred):
    ax = hundred.plot(Figure().subplots())
    counts = [16 * (n + 1) * (n + 2) for n in range(100)]
    assert MOST == 24
    assert [bar.get_width() for bar in bars(ax)] == counts[-MOST:]
    assert names(ax) == [*(str(n) for n in range(76, 100)), "76 others"]
    # 16 · Σ n (n + 1) = 16 · n (n + 1) (n + 2) / 3: 2,434,432 up to 76 and 5,494,400 up to 100
    assert ax.texts[-1].get_text() == "2.43 M (44.3 %)"


def test_a_few_parts_add_up_to_the_whole():
    report = fs.profile("mobilenetv2", by="stage")
    ax = report.plot(Figure().subplots())
    assert sum(bar.get_width() for bar in bars(ax)) == 300_774_272
    assert ax.get_xlabel() == "MACs, convention macs; input 1×3×224×224"
    assert "others" not in names(ax)[-1]


@pytest.mark.parametrize(
    ("sort", "label"),
    [
        ("params", "Parameters"),
        ("count", "MACs, convention fvcore; input 1×1×4×4"),
        ("activations", "Activations (elements); input 1×1×4×4"),
    ],
)
def test_the_order_names_what_is_drawn(sort, label):
    net, given = deep(3), {"by": "layer", "convention": "fvcore", "sort": sort}
    ax = fs.profile(net, (1, 1, 4, 4), **given).plot(Figure().subplots())
    lengths = [bar.get_width() for bar in bars(ax)]
    assert lengths == sorted(lengths, reverse=True)
    assert ax.get_xlabel() == label


def test_a_colour_is_a_kind_of_operator():
    net = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1), nn.ReLU())
    ax = fs.profile(net, (1, 4, 8, 8), by="layer").plot(Figure().subplots())
    colours = {group.get_label(): to_hex(group[0].get_facecolor()) for group in ax.containers}
    assert colours == {"depthwise convolution": "#e69f00", "pointwise convolution": "#0072b2"}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(colours)


def test_a_tree_has_its_leaves_as_bars():
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4)), nn.Linear(4, 5))
    ax = fs.profile(net, (1, 2)).plot(Figure().subplots())
    assert names(ax) == ["0.0", "0.1", "1"]
    assert [bar.get_width() for bar in bars(ax)] == [6, 12, 20]


def test_no_text_covers_another(hundred):
    figure = profile_figure(hundred.profile, hundred.view)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    texts = [*ax.texts, *ax.get_yticklabels(), *ax.get_legend().get_texts(), ax.xaxis.label]
    boxes = np.array([text.get_window_extent().extents for text in texts])
    for index, box in enumerate(boxes):
        rest = np.delete(boxes, index, axis=0)
        assert not ((rest[:, :2] < box[2:]) & (rest[:, 2:] > box[:2])).all(axis=1).any(), texts[
            index
        ]
    page = figure.bbox.extents
    assert (boxes[:, :2] >= page[:2] - 1).all()
    assert (boxes[:, 2:] <= page[2:] + 1).all()


def test_free_sizes_have_no_bars():
    report = fs.profile(nn.Conv2d(3, 8, 3), ("B", 3, "H", "W"))
    for draw in (
        lambda: profile_bars(Figure().subplots(), report.profile, report.view),
        lambda: profile_figure(report.profile, report.view),
    ):
        with pytest.raises(BadInput) as raised:
            draw()
        assert str(raised.value) == (
            "Conv2d has free sizes, and the length of a bar is a number; give numbers, such as "
            "--res 224"
        )


def test_limits_and_title_are_the_readers(hundred):
    ax = hundred.plot(Figure().subplots(), xlim="0:1M", title="A deep network")
    assert (ax.get_xlim(), ax.get_title()) == ((0.0, 1e6), "A deep network")
    with pytest.raises(BadInput) as raised:
        hundred.plot(Figure().subplots(), ylim="0:1")
    assert str(raised.value) == (
        "the axis y of this picture has names, which have no limits and no scale; "
        "leave ylim and yscale out"
    )
