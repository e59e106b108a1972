"""The memory of training steps as documents: the largest batch that fits, or a verdict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope.answers.training_memory import PARTS, TrainingMemory
from flopscope.choosing.fitting import Fit
from flopscope.present.numbers import in_units, in_units_briefly, integer, percent
from flopscope.present.table import Column, Document, Table
from flopscope.readings.memory import NOT_COUNTED

if TYPE_CHECKING:
    from flopscope.measured.step_peak import StepPeak

MEGABYTE = 10**6
PARTS_OF_A_STEP = (
    "A training step holds weights, gradients, the optimizer's state, buffers, inputs, and what "
    "autograd saves for the backward pass, all in float32. "
)
STEP = PARTS_OF_A_STEP + (
    "The sum is an estimate of the peak: gradients come as saved tensors go, and temporary tensors "
    "of the backward pass and of the optimizer are not counted."
)
"""What the memory of a training step is, where its peak is not known."""
PEAK = PARTS_OF_A_STEP + (
    "Peak is the most that tensors hold at once, as torch's own step on tensors without numbers "
    "has it. It is not the sum of the parts: gradients come as saved tensors go, and temporary "
    "tensors of the backward pass and of the optimizer come on top. Optimizers take all weights "
    "together on a GPU and one after another on a CPU, and the larger peak of both is meant. The "
    "loss is not counted."
)
"""What it is where the peak is known."""
UNKNOWN = (
    "The peak is not known, since {}; so the sum of the parts is held to the budget. In real steps "
    "it was up to 9 % above the peak and up to 19 % below."
)


def fit_document(fit: Fit) -> Document:
    """The largest batch and the next one, part by part."""
    rows = [fit.beyond] if fit.fits is None else [fit.fits, fit.beyond]
    notes = [_verdict(fit), *_cautions(fit.unknown)]
    table = _table(rows, fit.budget.limit, _title(fit), notes)
    return Document([table], partial(_data, fit))


def held_document(name: str, held: TrainingMemory, optimizer: str, limit: int) -> Document:
    """One batch of a training step against a memory."""
    excess = held.most - limit
    verdict = f"Broken by {excess:,} bytes." if excess > 0 else "Kept."
    title = f"{name}, batch {held.batch:,}, training with {optimizer}: at most {limit:,} bytes."
    facts = {
        "schema": "flopscope.assert/1",
        "target": name,
        "kept": excess <= 0,
        "optimizer": optimizer,
        "limit": limit,
        "memory": held_data(held),
        "cautions": _cautions(held.unknown),
    }
    return Document([_table([held], limit, title, [verdict, *_cautions(held.unknown)])], facts)


def _cautions(unknown: str) -> list[str]:
    """What is counted, and what is not."""
    known = [STEP, UNKNOWN.format(unknown)] if unknown else [PEAK]
    return [*known, NOT_COUNTED]


def _table(rows: list[TrainingMemory], limit: int, title: str, notes: list[str]) -> Table:
    known = any(held.peak is not None for held in rows)
    columns = [
        Column("batch", "Batch", integer),
        *(megabytes_column(f"{name}_bytes", heading) for name, heading in PARTS.items()),
        megabytes_column("total_bytes", "Sum"),
        *([megabytes_column("peak_bytes", "Peak")] if known else []),
        Column("share", "Used\n%"),
    ]
    cells = [
        [
            held.batch, *held.parts.values(), held.total, *([held.most] if known else []),
            percent(held.most, limit),
        ]
        for held in rows
    ]  # fmt: skip
    return Table(columns, cells, title, notes)


def megabytes_column(key: str, heading: str) -> Column:
    """A column of bytes in MB, with two decimals or, where the table is too wide, three digits."""
    briefly = partial(in_units_briefly, MEGABYTE)
    text, fold = partial(in_units, MEGABYTE), lambda value, room: briefly(value)
    return Column(key, f"{heading}\nMB", text, fold=fold)


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
    tried = f"{fit.steps} batches were traced, these among them."
    if fit.peaks:
        tried = f"{fit.steps} batches were traced, and the peak taken at {fit.peaks} of them."
    if fit.fits is None:
        return (
            f"No batch fits: batch {fit.beyond.batch} takes {fit.beyond.most:,} bytes, so that "
            f"the nearest memory is --memory {fit.beyond.most}."
        )
    return (
        f"The largest batch that fits is {fit.fits.batch:,}; the next one, {fit.beyond.batch:,}, "
        f"takes {fit.beyond.most:,} bytes. {tried}"
    )


def held_data(held: TrainingMemory) -> dict[str, Any]:
    """The memory of a step for JSON, in bytes. The peak is null where it is not known."""
    parts = {f"{name}_bytes": size for name, size in held.parts.items()}
    peak = held.peak
    return {
        "batch": held.batch,
        **parts,
        "total_bytes": held.total,
        "peak_bytes": None if peak is None else peak.most,
        "phases": None if peak is None else peak_phases(peak),
    }


def peak_phases(peak: StepPeak) -> dict[str, int]:
    """The most that is held in each phase of a step for JSON, in bytes."""
    return {f"{phase}_bytes": size for phase, size in peak._asdict().items()}


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
        "peaks": fit.peaks,
        "cautions": _cautions(fit.unknown),
    }
