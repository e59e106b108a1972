"""The memory of training steps as documents: the largest batch that fits, or a verdict."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.training_memory import PARTS, TrainingMemory
from flopscope.choosing.fitting import Fit
from flopscope.present.numbers import in_units, integer, percent
from flopscope.present.table import Column, Document, Table
from flopscope.readings.memory import NOT_COUNTED

MEGABYTE = 10**6
STEP = (
    "A training step holds weights, gradients, the optimizer's state, buffers, inputs, and what "
    "autograd saves for the backward pass, all in float32. The sum is an estimate of the peak: "
    "gradients come as saved tensors go, and temporary tensors of the backward pass and of the "
    "optimizer are not counted."
)
"""What the memory of a training step is."""


def fit_document(fit: Fit) -> Document:
    """The largest batch and the next one, part by part."""
    rows = [fit.beyond] if fit.fits is None else [fit.fits, fit.beyond]
    notes = [_verdict(fit), STEP, NOT_COUNTED]
    table = _table(rows, fit.budget.limit, _title(fit), notes)
    return Document([table], partial(_data, fit))


def held_document(name: str, held: TrainingMemory, optimizer: str, limit: int) -> Document:
    """One batch of a training step against a memory."""
    excess = held.total - limit
    verdict = f"Broken by {excess:,} bytes." if excess > 0 else "Kept."
    title = f"{name}, batch {held.batch:,}, training with {optimizer}: at most {limit:,} bytes."
    facts = {
        "schema": "flopscope.assert/1",
        "target": name,
        "kept": excess <= 0,
        "optimizer": optimizer,
        "limit": limit,
        "memory": held_data(held),
        "cautions": [STEP, NOT_COUNTED],
    }
    return Document([_table([held], limit, title, [verdict, STEP, NOT_COUNTED])], facts)


def _table(rows: list[TrainingMemory], limit: int, title: str, notes: list[str]) -> Table:
    megabytes = partial(in_units, MEGABYTE)
    columns = [
        Column("batch", "Batch", integer),
        *(Column(f"{name}_bytes", f"{heading}\nMB", megabytes) for name, heading in PARTS.items()),
        Column("total_bytes", "Total\nMB", megabytes),
        Column("share", "Used\n%"),
    ]
    cells = [
        [held.batch, *held.parts.values(), held.total, percent(held.total, limit)] for held in rows
    ]
    return Table(columns, cells, title, notes)


def _title(fit: Fit) -> str:
    size = fit.given.res
    image = "" if size is None else f", {'×'.join(map(str, _pair(size)))}"
    return (
        f"{fit.target.name}{image}, training with {fit.optimizer}: at most "
        f"{fit.budget.limit:,} bytes; free: batch."
    )


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _verdict(fit: Fit) -> str:
    traced = f"{fit.steps} batches were traced, these among them."
    if fit.fits is None:
        return (
            f"No batch fits: batch {fit.beyond.batch} takes {fit.beyond.total:,} bytes, so that "
            f"the nearest memory is --memory {fit.beyond.total}."
        )
    return (
        f"The largest batch that fits is {fit.fits.batch:,}; the next one, {fit.beyond.batch:,}, "
        f"takes {fit.beyond.total:,} bytes. {traced}"
    )


def held_data(held: TrainingMemory) -> dict[str, int]:
    """The memory of a step for JSON, in bytes."""
    parts = {f"{name}_bytes": size for name, size in held.parts.items()}
    return {"batch": held.batch, **parts, "total_bytes": held.total}


def _data(fit: Fit) -> dict[str, Any]:
    return {
        "schema": "flopscope.solve/1",
        "model": fit.target.name,
        "source": fit.target.source.value,
        "free": ["batch"],
        "optimizer": fit.optimizer,
        "budgets": {fit.budget.quantity: fit.budget.limit},
        "feasible": fit.fits is not None,
        "fits": None if fit.fits is None else held_data(fit.fits),
        "next": held_data(fit.beyond),
        "traced": fit.steps,
        "cautions": [STEP, NOT_COUNTED],
    }
