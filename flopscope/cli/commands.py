"""The group of all commands. They parse, call and print; no arithmetic here.

Each command imports what it needs when it runs: an answer must not wait for what it does not use.
"""

from __future__ import annotations

import click

from flopscope.cli.assert_ import assert_
from flopscope.cli.catalog import conventions, list_models, show
from flopscope.cli.check import check
from flopscope.cli.compare import compare
from flopscope.cli.formula import formula, laws
from flopscope.cli.pareto import pareto
from flopscope.cli.profile import profile
from flopscope.cli.reconcile import audit, reconcile
from flopscope.cli.solve import solve


@click.group(
    commands=[
        compare,
        show,
        list_models,
        pareto,
        formula,
        laws,
        check,
        profile,
        solve,
        assert_,
        reconcile,
        audit,
        conventions,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="flopscope-analytic", prog_name="flopscope")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """What does this network cost? Exactly, and with reasons.

    MODEL is a name of `flopscope list`, with options after a colon: mobilenetv2:width=1.4
    """
