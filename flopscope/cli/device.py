"""Options of a device on which times are predicted."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

Command = Callable[..., Any]

WHICH = (
    "A device file, which ends in .json, or the name of a device that comes with flopscope; a "
    "wrong name lists them."
)
METAVAR = "NAME|FILE"
LATENCY = "most_latency"
"""The name of the argument of a budget of time."""


FILES = "flopscope.device_files"
"""Where the running command keeps the device files that it has read."""


def _device(context: click.Context, parameter: click.Parameter, text: Any) -> Any:
    from flopscope.answers.devices import device_named
    from flopscope.timing.builtin import ENDING

    given = text if isinstance(text, tuple) else () if text is None else (text,)
    context.meta[FILES] = [name for name in given if name.endswith(ENDING)]
    found = tuple(map(device_named, given))
    return found if isinstance(text, tuple) else next(iter(found), None)


def _fitted(context: click.Context, parameter: click.Parameter, text: Any) -> Any:
    named = _device(context, parameter, text)
    if isinstance(named, tuple):
        return tuple(each.fitted() for each in named)
    return None if named is None else named.fitted()


def device_files() -> list[str]:
    """The device files that the running command has read, for how its answer is made."""
    found: list[str] = click.get_current_context().meta.get(FILES, [])
    return found


def device_option(words: str, *, fitted: bool = True, **more: Any) -> Callable[[Command], Command]:
    """The option --device, whose value is the fit of a device, or else the `NamedDevice`, which may
    have published latencies alone.

    Raises BadInput for a device without a fit where one is needed.
    """
    return click.option(
        "--device", "device", metavar=METAVAR, callback=_fitted if fitted else _device,
        help=f"{words} {WHICH}", **more,
    )  # fmt: skip


def device_budget(option: str, words: str, *, fitted: bool = True) -> Callable[[Command], Command]:
    """The options --device and that of a budget of time, such as --max-latency. The budget joins
    the others, of which `budget_options` makes the argument `budgets`, so that this decorator
    stands below that one; `device` is None where none is named.

    Raises BadInput for a budget without a device.
    """

    def decorated(command: Command) -> Command:
        @device_option(words, fitted=fitted)
        @click.option(
            option, LATENCY, metavar="TIME",
            help="At most this predicted time of a run on the device, such as 12ms.",
        )  # fmt: skip
        @wraps(command)
        def run(device: Any, most_latency: str | None, budgets: Any, **given: Any) -> Any:
            if most_latency is not None:
                from flopscope.choosing.budgets import time_budget

                budgets = [*budgets, time_budget(option, device, most_latency)]
            return command(device=device, budgets=budgets, **given)

        return run

    return decorated
