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
    "advise": ListedCommand(
        "advise:advise", "Say which network to take, by which rule of the field, and why."
    ),
    "assert": ListedCommand(
        "assert_:assert_", "Test that a network keeps its budgets; exit 1 if not."
    ),
    "audit": ListedCommand("audit:audit", "Recompute the published figures of the catalogue."),
    "calibrate": ListedCommand(
        "calibrate:calibrate", "Make a device that predicts times, from measured networks."
    ),
    "check": ListedCommand("check:check", "Check a formula against the real PyTorch module."),
    "compare": ListedCommand(
        "compare:compare", "Compare the parameters, work, size and accuracy of networks."
    ),
    "conventions": ListedCommand(
        "catalog:conventions", "List what the papers and each tool count as work."
    ),
    "diff": ListedCommand(
        "diff:diff", "Show what differs between two networks, and what it costs."
    ),
    "explore": ListedCommand(
        "explore:explore", "Write a page that counts networks while sliders move."
    ),
    "export": ListedCommand(
        "export:export", "Export a network to ONNX, run it, and make it ready to deploy."
    ),
    "formula": ListedCommand(
        "formula:formula", "Print the formula of a model, a block, a law or a class."
    ),
    "latencies": ListedCommand(
        "latencies:latencies", "Show published latencies, by network or by device."
    ),
    "laws": ListedCommand("laws:laws", "Derive the laws of efficient design, with worked numbers."),
    "list": ListedCommand("catalog:list_models", "List the models, their options and papers."),
    "measure": ListedCommand(
        "measure:measure", "Run networks in a runtime and say how long they take."
    ),
    "overlay": ListedCommand(
        "overlay:overlay", "Write what the nodes of an ONNX file cost, for viewers."
    ),
    "pareto": ListedCommand(
        "pareto:pareto", "Find the networks that no other beats in cost and accuracy."
    ),
    "predict": ListedCommand(
        "predict:predict", "Predict how long networks take on a device, with an interval."
    ),
    "profile": ListedCommand(
        "profile:profile", "Show what each part of a network costs, as a tree."
    ),
    "proxies": ListedCommand(
        "proxies:proxies", "Show zero-cost proxies, and what each knows of accuracy."
    ),
    "prune": ListedCommand(
        "prune:prune", "Say what a network costs when channels are removed from it."
    ),
    "quantize": ListedCommand(
        "quantize:quantize", "Predict the bytes of a quantised network, or quantise it."
    ),
    "reconcile": ListedCommand(
        "reconcile:reconcile", "Find the way of counting that gives a reported number."
    ),
    "search": ListedCommand(
        "search:search", "Find the best network of a design space, with a proof."
    ),
    "show": ListedCommand("profile:show", "Show what each layer of a network costs, in order."),
    "slim": ListedCommand("slim:slim", "Slim EfficientFormer block by block to a latency."),
    "solve": ListedCommand("solve:solve", "Find the largest network that keeps a budget."),
    "space": ListedCommand(
        "space:space", "Count all designs of a design space: exact numbers and draws."
    ),
    "sweep": ListedCommand(
        "sweep:sweep", "Count a network at many widths, input sizes and the like."
    ),
    "train-cost": ListedCommand(
        "train_cost:train_cost", "Say what a training run costs: work, memory, hours, energy."
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

    A network is named in the same way in every command, as a TARGET:

    \b
    mobilenetv2, mobilenetv2:width=1.4   a model of the catalogue, with options
    net.py:Net, 'net.py:Net[width=16]'   a class or function, with arguments
    package.module:Name                  the same in an importable module
    timm:resnet18, torchvision:resnet18  a network of these libraries
    model.onnx                           an ONNX file, which is read, never run

    `flopscope list` shows the catalogue. Naming Python code runs it.
    """
