"""Pictures, by what is in them once they are rendered: labels, lengths, places, bytes."""

import builtins
import itertools
import json
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

import flopscope as fs
from flopscope.answers.compare import compare
from flopscope.catalog.models import MODELS
from flopscope.choosing.budgets import Budget
from flopscope.choosing.front import Front
from flopscope.choosing.points import Question, points
from flopscope.cli import main
from flopscope.conventions import convention
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Level
from flopscope.present.plots import breakdown, comparison_figure, frontier, frontier_figure
from flopscope.present.plots.comparison import PANELS, draw, sensible
from flopscope.present.plots.curves import against_resolution, against_width
from flopscope.present.plots.export import drawn
from flopscope.present.plots.labels import Label, place_labels
from flopscope.present.plots.look import COLUMN, PAGE
from flopscope.present.plots.style import COLOURS, family_style, series_style, tick


def front(*axes, by="macs", **limits):
    question = Question(axes or ("macs",), convention(by), **limits)
    return Front(question, points(question))


@pytest.fixture(scope="module")
def everything():
    return front()


def boxes(texts):
    return [text.get_window_extent().extents for text in texts]


def labels(ax):
    """The labels of points: annotations with a text."""
    return [
        child for child in ax.get_children() if isinstance(child, Annotation) and child.get_text()
    ]


def disjoint(these):
    return not any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        for a, b in itertools.combinations(these, 2)
    )


def texts(figure):
    """Every text that is seen."""
    found = figure.findobj(matplotlib.text.Text)
    return [text for text in found if text.get_text() and text.get_visible()]


def tick_labels(axis):
    """The labels of ticks that are within the limits."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


# --- the frontier -------------------------------------------------------------------------------

CASES = {
    "everything, both columns": ({}, True),
    "everything, one column": ({}, False),
    "one size": ({"resolution": (224, 224)}, False),
    "few": ({"families": ("ghostnet", "mobilenetv3"), "resolution": (224, 224)}, False),
    "one point": ({"families": ("convnext",), "most": (Budget("macs", 5 * 10**9),)}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_labels_collide_with_nothing(case):
    limits, wide = CASES[case]
    figure = frontier_figure(front(**limits), wide)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    placed = boxes(labels(ax))
    assert placed
    assert disjoint([*placed, ax.get_legend().get_window_extent().extents])
    inside = ax.get_window_extent().extents
    assert all((box[:2] >= inside[:2] - 1).all() for box in placed)
    assert all((box[2:] <= inside[2:] + 1).all() for box in placed)
    dots = np.vstack(
        [ax.transData.transform(c.get_offsets()) for c in ax.collections if len(c.get_offsets())]
    )
    covered = [
        dot for dot in dots for box in placed if (dot > box[:2]).all() and (dot < box[2:]).all()
    ]
    assert covered == []


def test_nothing_of_the_picture_is_cut_off_or_covered(everything):
    figure = frontier_figure(everything)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    page = figure.bbox.extents
    outside = [ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts()]
    for box in boxes(outside):
        assert (box[:2] >= page[:2]).all()
        assert (box[2:] <= page[2:]).all()
    assert disjoint(boxes(outside))


def test_sizes_are_those_of_print(everything):
    narrow, wide = frontier_figure(everything), frontier_figure(everything, wide=True)
    assert (narrow.get_size_inches()[0], wide.get_size_inches()[0]) == (COLUMN, PAGE)
    assert min(text.get_fontsize() for text in texts(narrow)) >= 6


def test_axes_say_unit_convention_and_input_size():
    def named(*axes, by="macs", **limits):
        (ax,) = frontier_figure(front(*axes, by=by, families=("ghostnet",), **limits)).axes
        return ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()

    accuracy = "ImageNet-1k top-1, as stated (%)"
    assert named() == ("MACs, convention macs; input 224×224", accuracy, "log")
    assert named(by="torch")[0] == "FLOPs, convention torch; input 224×224"
    assert named("params")[0] == "Parameters"
    assert named("int8")[0] == "Weights, int8 (bytes)"
    assert named("activations")[0] == "Activations (elements); input 224×224"
    (ax,) = frontier_figure(front(families=("mobilenetv1",))).axes
    assert ax.get_xlabel() == "MACs, convention macs; input size as stated"


def test_the_steps_are_the_edge_of_what_is_dominated(everything):
    (ax,) = frontier_figure(everything).axes
    xs, ys = ax.lines[0].get_data()
    for point in everything.points:
        at = np.flatnonzero(xs <= float(point.costs[0]))
        assert ys[at].max(initial=0) >= float(point.top1) or point in [
            everything.points[i] for i in everything.on
        ]
    corners = {
        (float(everything.points[i].costs[0]), float(everything.points[i].top1))
        for i in everything.on
    }
    assert corners <= set(zip(xs, ys, strict=True))


def test_every_point_is_drawn_once(everything):
    (ax,) = frontier_figure(everything).axes
    drawn_points = sorted(map(tuple, np.vstack([c.get_offsets() for c in ax.collections])))
    assert drawn_points == sorted((float(p.costs[0]), float(p.top1)) for p in everything.points)


def lightness(colour):
    """CIE L* of a colour, from 0 for black to 100 for white."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in matplotlib.colors.to_rgb(colour)
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * luminance ** (1 / 3) - 16


def test_families_are_told_apart_in_colour_and_in_grey(everything):
    families = list(dict.fromkeys(model.family for model in MODELS.values()))
    assert {point.family for point in everything.points} <= {*families}
    styles = [family_style(family) for family in families]
    assert len({style.marker for style in styles}) == len(families)
    assert len({style.colour for style in styles[:12]}) == 12
    assert len({series_style(n) for n in range(84)}) == 84


def test_neighbouring_colours_differ_in_lightness_and_none_vanishes_on_white():
    greys = [lightness(colour) for colour in COLOURS]
    assert all(abs(a - b) > 12 for a, b in itertools.pairwise(greys))
    assert max(greys) < 75


def test_a_family_looks_the_same_in_every_picture():
    (few,) = frontier_figure(front(families=("ghostnet",))).axes
    (more,) = frontier_figure(front(families=("ghostnet", "mobilenetv1"))).axes

    def shape(ax, name):
        handles, names = ax.get_legend_handles_labels()
        handle = handles[names.index(name)]
        return handle.get_facecolor().tolist(), handle.get_paths()[0].vertices.tolist()

    assert shape(few, "GhostNet") == shape(more, "GhostNet")
    assert shape(more, "MobileNetV1") != shape(more, "GhostNet")


def test_axes_are_given_and_returned(everything):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert frontier(left, everything) is left
    assert not right.has_data()


def test_several_costs_have_no_picture():
    with pytest.raises(BadInput) as raised:
        frontier(Figure().subplots(), front("macs", "params"))
    assert str(raised.value) == "a plot has one cost, not macs, params; give --x once to draw"


# --- labels -------------------------------------------------------------------------------------


def test_a_label_without_room_is_left_out_and_the_first_has_the_choice():
    ax = Figure(figsize=(1, 1)).subplots()
    many = [Label(0.5, 0.5, f"label {n}") for n in range(60)]
    placed = place_labels(ax, many)
    assert 0 < len(placed) < 60
    assert placed[0].get_text() == "label 0"
    assert disjoint(boxes(placed))


def test_a_label_keeps_off_lines_and_dots():
    ax = Figure(figsize=(3, 3), dpi=100).subplots()
    dots = [(x, y) for x in (0.4, 0.6) for y in (0.45, 0.5, 0.55)]
    (text,) = place_labels(ax, [Label(0.5, 0.5, "name")], dots, [(0.0, 0.6), (1.0, 0.6)])
    (box,) = boxes([text])
    pixels = ax.transData.transform([*dots, *((x, 0.6) for x in np.linspace(0, 1, 500))])
    assert not ((pixels > box[:2]) & (pixels < box[2:])).all(axis=1).any()


def test_no_labels():
    assert place_labels(Figure().subplots(), []) == []


def test_names_are_no_formulas():
    ax = Figure(figsize=(3, 3)).subplots()
    (text,) = place_labels(ax, [Label(0.5, 0.5, "$x^2$ 50%")])
    assert not text.get_parse_math()


# --- comparisons --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mobiles():
    return compare(["mobilenetv1", "mobilenetv2", "efficientformer_l1"], res=224)


@pytest.mark.parametrize("level", [Level.STAGE, Level.BLOCK, Level.KIND])
@pytest.mark.parametrize("by", ["macs", "torch"])
def test_the_parts_of_a_bar_add_up_to_the_whole(level, by):
    comparison = compare(["mobilenetv1", "efficientnet_b0"], res=160, convention_name=by)
    ax = breakdown(Figure().subplots(), comparison, level)
    for index, entry in enumerate(comparison.entries):
        parts = [group[index] for group in ax.containers]
        assert sum(part.get_width() for part in parts) == entry.count(by)
        ends = [part.get_x() + part.get_width() for part in parts]
        assert [part.get_x() for part in parts] == [0, *ends[:-1]]


def test_a_part_has_its_length_and_name(mobiles):
    ax = breakdown(Figure().subplots(), mobiles, Level.KIND)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [group.get_label() for group in ax.containers]
    depthwise = ax.containers[names.index("depthwise convolution")]
    assert [part.get_width() for part in depthwise] == [17_385_984, 20_716_416, 0]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "MobileNetV1", "MobileNetV2", "EfficientFormer-L1",
    ]  # fmt: skip


def test_curves_are_the_counts_at_each_size(mobiles):
    ax = against_resolution(Figure().subplots(), mobiles)
    xs, ys = ax.lines[1].get_data()
    assert (min(xs), max(xs)) == (112, 448)
    for side in (112, 225, 448):
        (at,) = [y for x, y in zip(xs, ys, strict=True) if x == side]
        assert at == int(fs.analyze("mobilenetv2", res=side).macs())
    assert ax.lines[1].get_markevery() == [112]
    ax = against_width(Figure().subplots(), mobiles)
    assert [line.get_label() for line in ax.lines] == [
        "MobileNetV1", "MobileNetV2", "EfficientFormer-L1",
    ]  # fmt: skip
    xs, ys = ax.lines[1].get_data()
    for width in (0.25, 0.75, 1.4):
        (at,) = [y for x, y in zip(xs, ys, strict=True) if x == width]
        assert at == int(fs.analyze(f"mobilenetv2:width={width}", res=224).macs())


def test_a_network_that_does_not_exist_at_a_size_has_a_gap():
    comparison = compare(["convnext_tiny"], res=40)
    ys = against_resolution(Figure().subplots(), comparison).lines[0].get_ydata()
    assert np.isnan(ys[: 32 - 20]).all()
    assert not np.isnan(ys[32 - 20 :]).any()


def test_no_width_to_vary():
    with pytest.raises(BadInput) as raised:
        against_width(Figure().subplots(), compare(["mobileclip_s0", "mobileclip_s1"]))
    assert str(raised.value) == (
        "mobileclip_s0, mobileclip_s1: no width whose size could vary; draw another panel, such as "
        "resolution"
    )


@pytest.mark.parametrize(
    ("models", "panels"),
    [
        (["mobilenetv1", "resnet18"], ["stage", "kind", "resolution", "width", "activations"]),
        (["mobilenetv1"], ["stage", "kind", "resolution", "width"]),
        (["mobileclip_s0"], ["stage", "kind", "resolution"]),
        (["mobileclip_s0", "mobileclip_b"], ["stage", "kind", "resolution", "activations"]),
    ],
)
def test_panels_are_those_that_say_something(models, panels):
    comparison = compare(models)
    assert sensible(comparison) == panels
    figure = comparison_figure(comparison)
    assert len(figure.axes) == len(panels)
    assert figure.get_size_inches()[0] == PAGE


@pytest.mark.parametrize(
    "models",
    [
        ["mobilenetv1", "mobilenetv2", "mobilenetv3_large"],
        ["resnet50"],
        ["mobilevlm_v2_1.7b", "efficientsam_ti", "mobileclip_s0"],
        ["efficientnet_b0", "efficientnet_b3", "mobilenetv2:width=1.4", "regnety_4.0gf"],
        ["resnet50:groups=32,width_per_group=4", "mobilenetv3_large:width=0.75,recipe=timm"],
    ],
)
def test_no_text_of_a_comparison_covers_another(models):
    figure = comparison_figure(compare(models))
    figure.draw_without_rendering()
    shown = [
        text
        for ax in figure.axes
        for text in [
            ax.xaxis.label, ax.yaxis.label, *tick_labels(ax.xaxis), *tick_labels(ax.yaxis),
            *(ax.get_legend().get_texts() if ax.get_legend() else ()),
        ]
        if text.get_text()
    ]  # fmt: skip
    page = figure.bbox.extents
    kept = [box for box in boxes(shown) if (box[:2] >= page[:2] - 1).all()]
    assert len(kept) == len(shown)
    assert disjoint(kept)


def test_a_report_draws_itself(mobiles):
    report = fs.compare("mobilenetv1", "mobilenetv2", res=224)
    for name in PANELS:
        ax = Figure().subplots()
        assert report.plot(ax, panel=name) is ax
        assert "convention macs" in ax.get_xlabel() + ax.get_ylabel()
    with pytest.raises(UnknownName) as raised:
        draw(Figure().subplots(), mobiles, "kinds")
    assert str(raised.value) == "unknown panel 'kinds'; did you mean kind or kind-share?"


def test_a_report_makes_axes(monkeypatch):
    matplotlib.use("agg")
    from matplotlib import pyplot

    ax = fs.compare("mobilenetv1", res=224).plot()
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1e3, "1 k"), (2.5e9, "2.5 G")]
)
def test_ticks(value, text):
    assert tick(value) == text


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_same_picture_has_the_same_bytes(ending, start):
    made = [drawn(frontier_figure(front(families=("ghostnet",))), ending) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(start)


def test_a_comparison_has_the_same_bytes_twice():
    made = [drawn(comparison_figure(compare(["mobilenetv1"])), "svg") for _ in range(2)]
    assert made[0] == made[1]


def test_a_name_cannot_break_out_of_an_svg(tmp_path):
    evil = '--><script>alert("1")</script><!--&'
    (tmp_path / "r.csv").write_text(f"model,top1,params\n{evil.replace(chr(34), '')},70,3M\n")
    path = tmp_path / "x.svg"
    command = ["pareto", "--results", str(tmp_path / "r.csv"), "--x", "params", "--plot", str(path)]
    assert main(command) == 0
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
    assert "svg" in tags
    assert "script" not in tags


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    drawn(frontier_figure(front(families=("ghostnet",))), "svg")
    assert dict(matplotlib.rcParams) == before


def test_a_picture_and_what_makes_it_again(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_text("model,top1\nmobilenetv2,72\nresnet18,69.8\n")
    command = ["pareto", "--results", "r.csv", "--plot", "a b.svg"]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a b.svg", "a b.svg.json", "r.csv"]
    made = json.loads((tmp_path / "a b.svg.json").read_text())
    assert made["command"] == "flopscope pareto --results r.csv --plot 'a b.svg'"
    assert list(made["files"]) == ["r.csv"]
    assert list(made["formulas"]) == ["mobilenetv2"]
    assert made["formulas"]["mobilenetv2"].endswith("+ 1,280,000 ); domain: B, H, W ≥ 1")
    assert made["convention"]["name"] == "macs"
    assert made["packages"]["matplotlib"] == matplotlib.__version__
    assert [point["name"] for point in made["data"]["points"]] == ["mobilenetv2", "resnet18"]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(command) == 0
    assert capsys.readouterr().out == table
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_compare_draws_beside_its_table(capsys, tmp_path):
    path = tmp_path / "c.pdf"
    assert main(["compare", "mobilenetv1", "mobilenetv2", "--res", "224"]) == 0
    table = capsys.readouterr().out
    assert main(["compare", "mobilenetv1", "mobilenetv2", "--res", "224", "--plot", str(path)]) == 0
    assert capsys.readouterr().out == table
    assert path.read_bytes().startswith(b"%PDF")
    made = json.loads((tmp_path / "c.pdf.json").read_text())
    assert list(made["formulas"]) == ["mobilenetv1", "mobilenetv2"]
    assert made["data"]["models"][1]["macs"] == 300_774_272


def test_without_matplotlib(capsys, monkeypatch, tmp_path):
    original = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr("flopscope.extras.import_module", lambda name: without(name))
    path = tmp_path / "x.png"
    assert main(["pareto", "--plot", str(path)]) == 2
    assert capsys.readouterr() == (
        "",
        "flopscope: this needs matplotlib, but matplotlib cannot be imported (ImportError: "
        "matplotlib); install it with: pip install 'matplotlib>=3.8', or in a clone of flopscope "
        "with: make setup\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_half_a_pair_is_never_written(capsys, monkeypatch, tmp_path):
    """The JSON cannot be written: the picture does not appear either."""
    (tmp_path / "x.svg.json").mkdir()
    path = tmp_path / "x.svg"
    assert main(["pareto", "--family", "ghostnet", "--plot", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: cannot write '{path}.json'; give a file in a folder that exists and is "
        "writable\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["x.svg.json"]
