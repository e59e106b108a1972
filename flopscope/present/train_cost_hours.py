"""Hours of a training run by a fitted device, with their interval and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.answers.timed import protocol
from flopscope.answers.train_cost.cost import TrainCost
from flopscope.answers.train_cost.hours import Hours, Predicted
from flopscope.present.table import Column, Table

APART = (
    "They are forward pass, backward pass and optimizer of every pass of a step. Reading images, "
    "evaluating, and exchanging gradients between devices are not in them."
)
AGAIN = "A run in which stretches run again has none: the device was fitted to none such."
EACH = "Each of the passes of a step is timed as a step of its own, with its optimizer."


def hours_table(found: TrainCost, predicted: Predicted, names: Sequence[str]) -> Table:
    """The hours of each schedule on the device, and on the clock where several share the work."""
    several = found.recipe.replicas > 1
    columns = [
        Column("schedule", "Schedule", numeric=False),
        Column("hours", "Device-\nhours", _one, raw=_raw),
        Column("interval", "90 %", _ends, raw=_raw_ends),
        *([Column("clock", "Hours on\nthe clock", _one, raw=_raw)] if several else []),
    ]
    rows = []
    for name, hours in zip(names, predicted.hours, strict=True):
        clock = hours.over(found.recipe.replicas) if hours else None
        rows.append([name, hours, hours, *([clock] if several else [])])
    name = predicted.device.name
    notes = [f"Warning: {said}." for said in predicted.warnings]
    notes += [protocol(predicted.device), APART]
    notes += [EACH] * (found.recipe.accumulate > 1) + [AGAIN] * (None in predicted.hours)
    return Table(columns, rows, f"Hours on {name}, predicted.", notes, aside=True)


def _one(value: Hours) -> str:
    return _digits(value.hours)


def _ends(value: Hours) -> str:
    return f"{_digits(value.low)} to {_digits(value.high)}"


def _digits(hours: float) -> str:
    """Three significant digits.

    >>> _digits(0.01234), _digits(1234.5), _digits(12.34)
    ('0.0123', '1,230', '12.3')
    """
    return f"{float(f'{hours:.3g}'):,g}"


def _raw(value: Hours) -> str:
    return f"{value.hours:.6g}"


def _raw_ends(value: Hours) -> str:
    return f"{value.low:.6g}:{value.high:.6g}"
