"""What a shell offers for a target that is half typed."""

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from flopscope.catalog.models import MODELS
from flopscope.cli.commands import COMMANDS, cli

ABOUT_SPACES = ("search", "space")
ABOUT_NETWORKS = [
    name
    for name in COMMANDS
    if name not in ("advise", "calibrate", "conventions", "laws", "list", *ABOUT_SPACES)
]


def offered(*words):
    """What the last word can become, as a shell asks for it."""
    *before, incomplete = words
    found = ShellComplete(cli, {}, "flopscope", "_FLOPSCOPE_COMPLETE").get_completions(
        before, incomplete
    )
    return [(item.type, item.value) for item in found]


def test_models_are_offered_by_every_command_about_networks():
    expected = [("plain", name) for name in MODELS if name.startswith("ghost")]
    for command in ABOUT_NETWORKS:
        if command != "pareto":
            assert offered(command, "ghost") == expected


def test_spaces_are_offered_by_commands_about_spaces():
    for command in ABOUT_SPACES:
        assert offered(command, "ofa") == [("plain", "ofa_mobilenetv3")]


def test_a_second_target_is_completed_too():
    assert offered("compare", "mobilenetv1", "mobilenetv3_s") == [("plain", "mobilenetv3_small")]


def test_options_of_a_model_are_offered_after_the_colon():
    assert offered("compare", "mobilenetv2:") == [
        ("plain", "mobilenetv2:width="),
        ("plain", "mobilenetv2:depth="),
        ("plain", "mobilenetv2:classes="),
    ]
    assert offered("compare", "nothing:") == []


def test_other_text_is_the_beginning_of_a_file():
    assert offered("profile", "./net") == [("file", "./net")]


def test_what_a_file_defines_is_offered_without_running_it(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("raise SystemExit(3)\nclass Net: ...\ndef make(): ...\ndef _own(): ...\n")
    assert offered("profile", f"{file}:") == [
        ("plain", f"{file}:Net"),
        ("plain", f"{file}:make"),
    ]


@pytest.mark.parametrize("text", [None, "class Net(:\n", "\0"])
def test_a_file_that_cannot_be_read_offers_nothing(tmp_path, text):
    file = tmp_path / "net.py"
    if text is not None:
        file.write_text(text)
    assert offered("profile", f"{file}:") == []


def test_the_installed_command_answers_a_shell():
    program = "import sys; from flopscope.cli import main; sys.exit(main())"
    asked = {"_FLOPSCOPE_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | asked | {"COMP_WORDS": "flopscope show mobilenetv3_l"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("plain,mobilenetv3_large\n", "")
