"""The group of all commands. They parse, call and hand over an answer; no arithmetic here.

A command's file is loaded when the command is asked for, and each command imports what it needs
when it runs: an answer must not wait for what it does not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "assert": "assert_:assert_",
    "audit": "audit:audit",
    "check": "check:check",
    "compare": "compare:compare",
    "conventions": "catalog:conventions",
    "formula": "formula:formula",
    "laws": "laws:laws",
    "list": "catalog:list_models",
    "pareto": "pareto:pareto",
    "profile": "profile:profile",
    "reconcile": "reconcile:reconcile",
    "show": "catalog:show",
    "solve": "solve:solve",
}
"""Each command by name: its file in this folder, and its function there."""


class Commands(click.Group):
    """The group that loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(f"flopscope.cli.{module}"), function)
        return found


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="flopscope-analytic", prog_name="flopscope")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """What does this network cost? Exactly, and with reasons.

    MODEL is a name of `flopscope list`, with options after a colon: mobilenetv2:width=1.4
    """
