"""The cost of an epoch of training: a line for each size of batch, and the total."""

from __future__ import annotations

from typing import Any

from flopscope.answers.epoch import Epoch, Step
from flopscope.conventions import Convention
from flopscope.present.numbers import integer
from flopscope.present.quantities import exactly
from flopscope.present.table import Column, Table
from flopscope.quantities import MACS
from flopscope.readings import Reading


def epoch_table(epoch: Epoch, convention: Convention) -> Table:
    """The work of each step and of all of them."""
    work = MACS.under(convention)
    columns = [
        Column("batch", f"Epoch of {integer(epoch.images)} images", numeric=False),
        Column("steps", "Steps", integer),
        Column("count", f"{work.line}\na step", exactly, raw=int),
        Column("epoch", f"{work.line}\nin the epoch", exactly, raw=int),
    ]
    rows: list[list[Any]] = [
        [_name(step), step.times, one, _times(step.times, one)]
        for step in epoch.steps
        for one in [work.read(step.profile.ledger)]
    ]
    rows.append(["total", epoch.times, None, _total(epoch, convention)])
    notes = ["a step: forward and backward pass; the optimiser's own arithmetic is not counted"]
    return Table(columns, rows, notes=notes, total=True)


def epoch_data(epoch: Epoch, convention: Convention) -> dict[str, Any]:
    """The epoch for JSON."""
    work, total = MACS.under(convention), _total(epoch, convention)
    steps = [
        {
            "batch": step.batch,
            "steps": step.times,
            "count": int(work.read(step.profile.ledger)),
            "saved_bytes": None if step.profile.saved is None else int(step.profile.saved),
        }
        for step in epoch.steps
    ]
    found = {"images": epoch.images, "steps": epoch.times, "count": int(total)}
    return {"epoch": {**found, "complete": total.complete, "batches": steps}}


def _name(step: Step) -> str:
    return f"batch of {integer(step.batch)}"


def _total(epoch: Epoch, convention: Convention) -> Reading:
    work = MACS.under(convention)
    parts = [_times(s.times, work.read(s.profile.ledger)) for s in epoch.steps]
    return sum(parts[1:], parts[0])


def _times(times: int, one: Reading) -> Reading:
    return Reading(times * int(one), one.unit, one.convention, one.missing)
