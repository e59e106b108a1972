"""How pictures call networks, what they mark, and what stays readable where sizes differ."""

import itertools

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from torch import nn

import flopscope as fs
from flopscope.answers.compare import compare
from flopscope.answers.target import parse_target
from flopscope.errors import BadInput
from flopscope.present.plots import comparison_figure, frontier_figure
from flopscope.present.plots.comparison import SPREAD, sensible
from flopscope.present.plots.export import axes_for
from flopscope.present.plots.look import read_look
from flopscope.present.plots.names import network_names, target_title

SMALL, LARGE = "mobilenetv1:width=0.25", "efficientnet_b7"


def own(tmp_path, rows, **more):
    """The picture of results of one's own beside the published accuracies."""
    file = tmp_path / "r.csv"
    file.write_text("model,res,top1,macs\n" + "".join(f"{row}\n" for row in rows))
    found = fs.pareto(results=str(file), with_catalogue=True, res=224, **more)
    return frontier_figure(found.front)


def named(ax):
    return [child for child in ax.get_children() if isinstance(child, Annotation)]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ("mobilenetv2_140", "MobileNetV2 1.4×"),
        ("nets/net.py:Net", "Net"),
        ("net.py:Net[width=8,depth=2]", "Net (width=8, depth=2)"),
        ("package.module:make", "make"),
        ("timm:resnet18", "resnet18 (timm)"),
        ("torchvision:resnet18", "resnet18 (torchvision)"),
        ("exports/model.onnx", "model.onnx"),
    ],
)
def test_a_target_is_called_as_a_person_would(target, title):
    assert target_title(parse_target(target)) == title


def test_networks_of_one_name_keep_what_asks_for_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        text = "from torch import nn\nclass Net(nn.Conv2d):\n    def __init__(self):\n"
        (tmp_path / folder / "net.py").write_text(f"{text}        super().__init__(3, 8, 3)\n")
    found = compare(["a/net.py:Net", "b/net.py:Net", "mobilenetv1"], res=224)
    assert network_names(found) == ["a/net.py:Net", "b/net.py:Net", "MobileNetV1"]


def test_sizes_are_named_where_they_differ():
    found = compare([SMALL, LARGE])
    assert network_names(found) == ["MobileNetV1 0.25× @224", "EfficientNet-B7 @600"]
    assert network_names(found, inputs=False) == ["MobileNetV1 0.25×", "EfficientNet-B7"]


def test_a_module_is_called_by_its_class():
    found = compare([nn.Sequential(nn.Conv2d(3, 8, 3)), "mobilenetv1"], res=32)
    assert network_names(found) == ["Sequential", "MobileNetV1"]


# --- the frontier -------------------------------------------------------------------------------


def test_ones_own_networks_stand_out(tmp_path):
    (ax,) = own(tmp_path, ["MyNet,224,88.9,310M"]).axes
    (mine,) = [text for text in named(ax) if text.get_text() == "MyNet"]
    assert mine.get_fontweight() == "bold"
    others = [text for text in named(ax) if text.get_text() not in ("", "MyNet")]
    assert {text.get_fontweight() for text in others} == {"normal"}
    assert "yours" in legend(ax)
    sizes = [size for group in ax.collections for size in group.get_sizes()]
    assert max(sizes) > 2 * 13


def test_a_dominated_network_of_ones_own_is_named_too(tmp_path):
    (ax,) = own(tmp_path, ["Slow,224,60,600M"]).axes
    assert "Slow" in [text.get_text() for text in named(ax)]


def test_the_budget_of_the_cost_is_a_line(tmp_path):
    (ax,) = own(tmp_path, ["MyNet,224,78.9,310M"], max_macs="600M").axes
    (line,) = [line for line in ax.lines if line.get_label() == "budget 600 M"]
    assert list(line.get_xdata()) == [6e8, 6e8]
    assert "budget 600 M" in legend(ax)
    figure = ax.figure
    figure.draw_without_rendering()
    at = ax.transData.transform((6e8, 60))[0]
    boxes = [text.get_window_extent() for text in named(ax) if text.get_text()]
    assert not any(box.x0 < at < box.x1 for box in boxes)
    (ax,) = own(tmp_path, ["MyNet,224,78.9,310M"], max_params="5M", x="macs").axes
    assert not any("budget" in text for text in legend(ax))


def test_the_usual_input_size_stands_on_the_axis_and_others_at_the_points():
    (ax,) = frontier_figure(fs.pareto().front).axes
    assert ax.get_xlabel() == "MACs, convention macs; input 224×224 or as stated"
    texts = [text.get_text() for text in named(ax)]
    assert not any("@224" in text for text in texts)
    assert any("@" in text for text in texts)
    (ax,) = frontier_figure(fs.pareto(x="params").front).axes
    assert ax.get_xlabel() == "Parameters"


def test_points_outside_the_limits_have_no_names():
    figure = frontier_figure(fs.pareto(res=224).front, look=read_look(xlim="100M:1G", ylim="72:80"))
    (ax,) = figure.axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((1e8, 1e9), (72.0, 80.0))
    for text in named(ax):
        assert 1e8 <= text.xy[0] <= 1e9
        assert 72 <= text.xy[1] <= 80


# --- networks of very different size ------------------------------------------------------------


def test_bars_of_very_different_networks_show_shares_and_counts():
    found = compare([SMALL, "mobilenetv2", LARGE])
    assert sensible(found)[:2] == ["stage-share", "kind-share"]
    figure = comparison_figure(found)
    for ax in figure.axes[:2]:
        ends = [sum(part.get_width() for part in bar) for bar in zip(*ax.containers, strict=True)]
        assert ends == pytest.approx([100, 100, 100])
        assert [text.get_text() for text in ax.texts] == ["41.0 M", "301 M", "37.7 G"]
        assert ax.get_xlabel() == "Share of MACs, convention macs"


def test_the_factor_above_which_shares_are_shown():
    counts = [entry.count("macs") for entry in compare(["mobilenetv2", "resnet50"]).entries]
    assert counts[1] > SPREAD * counts[0]
    assert sensible(compare(["mobilenetv2", "resnet50"]))[0] == "stage-share"
    assert sensible(compare(["mobilenetv1", "resnet50"]))[0] == "stage"


def test_totals_stand_on_a_logarithmic_axis():
    figure = comparison_figure(compare([SMALL, LARGE]), panel="totals")
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    largest = int(fs.analyze(LARGE).macs())
    assert ax.lines[0].get_xdata().tolist() == [41_030_272, largest]


def test_stages_keep_the_names_of_the_network():
    figure = comparison_figure(compare(["efficientnet_b0"]), panel="stage")
    stages = [f"stage{n}" for n in range(1, 8)]
    assert legend(figure.axes[0]) == ["stem", *stages, "head"]


@pytest.mark.parametrize("panel", ["stage", "kind-share", "totals", "resolution", "activations"])
def test_no_text_of_a_panel_in_one_column_covers_another(panel):
    figure = comparison_figure(compare([SMALL, "mobilenetv2", "resnet50", LARGE]), panel=panel)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    shown = [ax.xaxis.label, ax.yaxis.label, *ax.texts]
    shown += ax.get_legend().get_texts() if ax.get_legend() else []
    boxes = [text.get_window_extent() for text in shown if text.get_text()]
    page = figure.bbox
    assert all(page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1 for box in boxes)
    assert all(page.y0 - 1 <= box.y0 and box.y1 <= page.y1 + 1 for box in boxes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


# --- from Python --------------------------------------------------------------------------------


def test_a_report_takes_the_options_of_the_command_line():
    matplotlib.use("agg")
    from matplotlib import pyplot

    report = fs.compare("mobilenetv1", "mobilenetv2", res=224)
    ax = report.plot(panel="resolution", size="5x3", title="Growth", xlim="128:256", yscale="log")
    assert tuple(ax.figure.get_size_inches()) == (5.0, 3.0)
    assert (ax.get_title(), ax.get_xlim(), ax.get_yscale()) == ("Growth", (128.0, 256.0), "log")
    ax = fs.pareto(res=224).plot(xscale="linear", dpi=80)
    assert (ax.get_xscale(), ax.figure.dpi) == ("linear", 80)
    pyplot.close("all")
    with pytest.raises(BadInput) as raised:
        report.plot(colour="red")
    assert str(raised.value) == (
        "a picture has no colour; it has size, title, xlim, ylim, xscale, yscale or dpi"
    )


@pytest.mark.parametrize(("name", "value"), [("size", "column"), ("dpi", 100)])
def test_the_size_of_given_axes_is_their_figures(name, value):
    ax = Figure().subplots()
    assert axes_for(ax, read_look()) is ax
    with pytest.raises(BadInput) as raised:
        axes_for(ax, read_look(**{name: value}))
    assert str(raised.value) == (
        f"{name} is for a new figure, and these axes have theirs; leave {name} out"
    )
