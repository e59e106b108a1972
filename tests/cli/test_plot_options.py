"""The options of pictures: they are the same for every command that draws, and checked before
anything is counted."""

import json

import pytest

from flopscope.cli import main
from flopscope.cli.options import LOOK
from flopscope.present.panels import COMPARISON
from flopscope.present.plots.comparison import PANELS

TWO = ["compare", "mobilenetv1", "mobilenetv2", "--res", "224"]


def dots(path):
    """Width and height of a PNG, from its header."""
    header = path.read_bytes()[:24]
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def test_the_panels_that_are_offered_are_those_that_are_drawn():
    assert list(PANELS) == list(COMPARISON)


@pytest.mark.parametrize("panel", COMPARISON)
def test_a_panel_by_name_is_as_wide_as_a_column(capsys, tmp_path, panel):
    path = tmp_path / "p.png"
    assert main([*TWO, "--plot", str(path), "--panel", panel]) == 0
    assert dots(path)[0] == 990  # 3.3 inches at 300 dots each
    made = json.loads((tmp_path / "p.png.json").read_text())
    assert made["command"].endswith(f"--panel {panel}")


@pytest.mark.parametrize(
    "command",
    [TWO, ["pareto", "--family", "ghostnet"], ["profile", "mobilenetv2", "--by", "stage"]],
    ids=["compare", "pareto", "profile"],
)
def test_every_command_that_draws_takes_a_size_and_a_title(capsys, tmp_path, command):
    path = tmp_path / "p.png"
    look = ["--size", "5x4", "--title", "Costs", "--dpi", "100"]
    assert main([*command, "--plot", str(path), *look]) == 0
    assert dots(path) == (500, 400)
    path = tmp_path / "p.svg"
    assert main([*command, "--plot", str(path), "--title", "Costs & more"]) == 0
    assert ">Costs &amp; more</text>" in path.read_text()


def test_text_is_text_in_every_format(capsys, tmp_path):
    for ending, text in (("svg", b"MobileNetV2"), ("pdf", b"/FontFile2")):
        path = tmp_path / f"p.{ending}"
        assert main([*TWO, "--plot", str(path), "--panel", "totals"]) == 0
        content = path.read_bytes()
        assert text in content
    assert b"/Type3" not in content.replace(b" ", b"")


def test_wide_is_the_size_page(capsys, tmp_path):
    sizes = []
    for option in (["--wide"], ["--size", "page"], ["--size", "column"], []):
        path = tmp_path / "p.png"
        assert main(["pareto", "--family", "ghostnet", "--plot", str(path), *option]) == 0
        sizes.append(dots(path))
    assert sizes[0] == sizes[1]
    assert sizes[2] == sizes[3]
    assert (sizes[0][0], sizes[2][0]) == (2070, 990)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [*TWO, "--plot", "p.svg", "--panel", "stages"],
            "unknown panel 'stages'; did you mean stage or stage-share?",
        ),
        (
            [*TWO, "--plot", "p.svg", "--panel", "x"],
            "unknown panel 'x'; known are stage, kind, stage-share, kind-share, totals, "
            "resolution, width, activations",
        ),
        (
            [*TWO, "--plot", "p.svg", "--xlim", "1:2"],
            "limits and scales are those of one panel, and several are drawn; name one, such as "
            "activations",
        ),
        (
            [*TWO, "--plot", "p.svg", "--panel", "stage", "--xscale", "log"],
            "the parts of a bar add up, which a logarithmic axis does not show; draw the panel "
            "totals, or give the scale linear",
        ),
        (
            [*TWO, "--plot", "p.svg", "--panel", "resolution", "--xlim", "96:100k"],
            "the axis x is the side of an image in pixels, and has no 100000; give limits from 0 "
            "to 4096, such as 96:384",
        ),
        (
            [*TWO, "--plot", "p.svg", "--dpi", "600"],
            "--dpi is for a .png, and p.svg has no dots; leave it out, or draw a .png",
        ),
        (
            ["pareto", "--plot", "p.svg", "--wide", "--size", "column"],
            "--wide is the size page, and --size gives another; give one of them",
        ),
        (
            ["pareto", "--plot", "p.svg", "--xlim", "1G:100M"],
            "the limits of the axis x run from 1e+09 to 1e+08; give a smaller number and then a "
            "larger one",
        ),
        (
            ["pareto", "--plot", "p.svg", "--ylim", "90:95"],
            "nothing lies within the limits of the axis y; its values run from 41.5 to 86.408",
        ),
    ],
)
def test_a_picture_that_cannot_be_drawn(capsys, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"flopscope: {message}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["panel", *LOOK])
def test_an_option_of_a_picture_needs_a_picture(capsys, option):
    assert main([*TWO, f"--{option}", "1"]) == 2
    assert capsys.readouterr() == (
        "",
        f"flopscope: --{option} is for a picture, and none is drawn; give --plot FILE too\n",
    )
