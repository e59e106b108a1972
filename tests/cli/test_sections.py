"""The help page of a command with many options has headings."""

import re

import click
import pytest

from flopscope.cli import main
from flopscope.cli.commands import COMMANDS, cli
from flopscope.cli.sections import FEW, OTHER, SECTIONS, section

TRAINING = ["Training", "Time and energy"]


def options(name):
    command = cli.get_command(None, name)
    with click.Context(command) as context:
        return [each for each in command.get_params(context) if isinstance(each, click.Option)]


def headings(capsys, name):
    assert main([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("compare", ["Network and input", "Question", "Table", "Output", "Picture", OTHER]),
        ("pareto", [*(each for each in SECTIONS if each not in ["Machine", *TRAINING]), OTHER]),
        ("train-cost", ["Network and input", "Question", *TRAINING, "Table", "Output", OTHER]),
        ("assert", ["Network and input", "Question", "Budgets", "Output", OTHER]),
        ("audit", ["Options"]),
    ],
)
def test_headings_stand_where_options_are_many(capsys, name, found):
    assert headings(capsys, name) == found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_once_in_the_help(capsys, name):
    assert main([name, "--help"]) == 0
    lines = re.split("\n(?=[A-Z].*:\n)", capsys.readouterr().out, maxsplit=1)[1].splitlines()
    listed = [re.split("[ ,]", line.strip())[0] for line in lines if re.match("  -", line)]
    assert sorted(listed) == sorted(option.opts[0] for option in options(name))


@pytest.mark.parametrize("name", COMMANDS)
def test_only_help_stands_apart(name):
    found = options(name)
    if len(found) > FEW:
        assert [each.opts for each in found if section(each.name) == OTHER] == [["-h", "--help"]]


def test_every_name_in_the_table_is_an_option():
    known = {each.name for name in COMMANDS for each in options(name)}
    assert {name for names in SECTIONS.values() for name in names} <= known
