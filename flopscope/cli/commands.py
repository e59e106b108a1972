"""The group of all commands. A command parses its options, calls, and hands over an answer.

A command's file is loaded when the command is asked for, and each command imports what it needs
when it runs: an answer must not wait for what it does not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click


class ListedCommand(NamedTuple):
    """A command: its file in this folder and its function there, and what it does in one line."""

    home: str
    summary: str


COMMANDS: Mapping[str, ListedCommand] = {
    "assert": ListedCommand(
        "assert_:assert_", "Hold a network to its budgets; exit 1 if it breaks one."
    ),
    "audit": ListedCommand("audit:audit", "Recompute the published figures of the catalogue."),
    "check": ListedCommand("check:check", "Check a closed form against the real PyTorch module."),
    "compare": ListedCommand(
        "compare:compare", "Compare the parameters, work, activations and size of networks."
    ),
    "conventions": ListedCommand(
        "catalog:conventions", "List what each tool and the papers count."
    ),
    "diff": ListedCommand(
        "diff:diff", "Match two networks row by row, with the cost of each change."
    ),
    "formula": ListedCommand(
        "formula:formula", "Print the formula of a model, a block, a law or a class."
    ),
    "laws": ListedCommand("laws:laws", "Derive every law, with worked numbers."),
    "list": ListedCommand("catalog:list_models", "List the models, their options and papers."),
    "pareto": ListedCommand(
        "pareto:pareto", "Find the networks that no other beats in cost and accuracy."
    ),
    "profile": ListedCommand(
        "profile:profile", "Trace a network of your own, or read an ONNX file."
    ),
    "reconcile": ListedCommand(
        "reconcile:reconcile", "Explain a reported number by the way of counting that gives it."
    ),
    "show": ListedCommand("profile:show", "Show one network layer by layer."),
    "solve": ListedCommand("solve:solve", "Find the largest network that keeps a budget."),
    "sweep": ListedCommand(
        "sweep:sweep", "Count a network along its widths, sizes and other numbers."
    ),
}


class Commands(click.Group):
    """The group that loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name].home.split(":")
        found: click.Command = getattr(import_module(f"flopscope.cli.{module}"), function)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands that `--help` shows."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="flopscope-analytic", prog_name="flopscope")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Say exactly what a network costs, and why.

    MODEL is a name that `flopscope list` shows, with options after a colon: mobilenetv2:width=1.4
    """
