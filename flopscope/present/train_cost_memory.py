"""What a pass of a training step holds, stage by stage, and what checkpoints trade."""

from __future__ import annotations

from functools import partial

from flopscope.answers.train_cost.checkpointing import Plan
from flopscope.answers.train_cost.cost import Stage, TrainCost
from flopscope.answers.training_memory import FLOAT32, PARTS
from flopscope.present.fitting import MEGABYTE, STEP, megabytes_column
from flopscope.present.numbers import in_units, integer, percent, short
from flopscope.present.table import Column, Table
from flopscope.present.words import size as size_text
from flopscope.readings.memory import NOT_COUNTED

HEADINGS = {**PARTS, "average": "EMA", "teacher": "Teacher"}
"""The parts of the memory of a pass, each with its heading."""
MOST_NAMES = 6
MIXED = (
    "A training step holds weights, gradients, the optimizer's state, buffers and inputs in "
    "float32, and what autograd saves as torch's autocast in {} has it by its list for CPUs: "
    "layers with products take and give 16 bits, and the copies of their weights in 16 bits are "
    "saved, too. On a GPU the list differs: layer norm, group norm and softmax, for example, run "
    "in float32. The sum is an estimate of the peak, as in float32."
)
"""What the memory of a step in mixed precision is."""
CUT = "cut: too large as it is, and fits with the checkpoints that are chosen below."


def distinct_stages(found: TrainCost) -> list[Stage]:
    """One stage for each size, in order of appearance."""
    stages = (stage for run in (*found.runs, *found.fixed) for stage in run.stages)
    return list({stage.size: stage for stage in stages}.values())


def input_text(stage: Stage) -> str:
    """The size of the images of a stage, or the shape of its first input."""
    shape = stage.shape
    return size_text((shape[2], shape[3])) if len(shape) == 4 else "×".join(map(str, shape[1:]))


def memory_table(found: TrainCost) -> Table:
    """The parts of the memory of a pass on one device, for each size."""
    stages = distinct_stages(found)
    parts = [n for n in HEADINGS if n in PARTS or any(s.largest.parts[n] for s in stages)]
    columns = [
        Column("input", "Input", numeric=False),
        *(megabytes_column(f"{name}_bytes", HEADINGS[name]) for name in parts),
        megabytes_column("total_bytes", "Total"),
        *([] if found.limit is None else [Column("fits", "Fits", numeric=False)]),
    ]
    rows = []
    for stage in stages:
        one = stage.largest
        row = [input_text(stage), *(one.parts[part] for part in parts), one.held]
        rows.append(row if found.limit is None else [*row, verdict(found, stage)])
    batch = max(max(stage.times) for stage in stages)
    limit = "" if found.limit is None else f": at most {found.limit:,} bytes"
    title = f"Memory of a pass of {batch:,} images on one device{limit}."
    cut = any(stage.plan for stage in stages)
    notes = [CUT] if cut else []
    precision = found.recipe.precision
    step = [STEP] if precision == FLOAT32 else [MIXED.format(precision), *_too_large(found)]
    return Table(columns, rows, title, [*notes, *step, NOT_COUNTED])


def _too_large(found: TrainCost) -> list[str]:
    if found.fits:
        return []
    return [
        "Checkpoints are chosen in float32 alone; give a smaller batch with --accumulate or "
        "--replicas."
    ]


def verdict(found: TrainCost, stage: Stage) -> str:
    """Does the pass fit into the memory?"""
    if found.limit is None or stage.largest.held <= found.limit:
        return "yes"
    return "no" if stage.plan is None else "cut"


def trade_table(found: TrainCost) -> Table:
    """What is kept and what runs again, for several choices of checkpoints."""
    stage = max((run.fullest for run in found.runs), key=lambda s: s.largest.held)
    one = stage.largest
    megabytes = partial(in_units, MEGABYTE)
    columns = [
        Column("checkpoints", "Check-\npoints", integer),
        Column("kept_bytes", "Saved\nMB", megabytes),
        Column("total_bytes", "Total\nMB", megabytes),
        Column("again", "MACs run again\nin a pass", short),
        Column("more", "Work\n+ %"),
    ]
    rows = [
        [
            len(plan.stretches), plan.kept, one.held - one.memory.saved + plan.kept, plan.macs,
            percent(plan.macs, one.macs),
        ]
        for plan in found.plans
    ]  # fmt: skip
    shape = stage.shape
    at = f" at {size_text((shape[2], shape[3]))}" if len(shape) == 4 else ""
    title = f"Checkpoints in a pass of {one.memory.batch:,} images{at}, at the least work."
    notes = [
        "Each row runs the fewest MACs again of all choices of stretches between which one tensor "
        f"passes, of {len(one.units)} such units. Norms and activations run again too, and have "
        "no MACs.",
        *_stretches(found, stage),
    ]
    return Table(columns, rows, title, notes, aside=True)


def _stretches(found: TrainCost, stage: Stage) -> list[str]:
    """Where the checkpoints of the memory are, or why there are none."""
    if found.limit is None:
        return []
    if stage.plan is not None:
        return [f"For --memory {found.limit:,} these run again: {_named(stage.plan)}."]
    if stage.largest.held <= found.limit:
        return [f"Without checkpoints the pass fits into {found.limit:,} bytes."]
    least = stage.largest.held - stage.largest.memory.saved + found.plans[-1].kept
    return [
        f"No choice of checkpoints fits into {found.limit:,} bytes; the least is {least:,}, so "
        "give a smaller batch with --accumulate or --replicas."
    ]


def _named(plan: Plan) -> str:
    names = plan.names
    more = f" and {len(names) - MOST_NAMES} more (in JSON)" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"
