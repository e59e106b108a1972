"""The peak of a training step, phase by phase."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.train_cost.cost import TrainCost
from flopscope.present.fitting import MEGABYTE, peak_phases
from flopscope.present.numbers import in_units
from flopscope.present.table import Column, Table
from flopscope.present.train_cost_memory import distinct_stages, input_text

PEAK = (
    "The most that tensors hold at once, from torch's own step on tensors without numbers. The "
    "optimizer takes one weight after another, as torch's do on a CPU; foreach takes all of them "
    "together, as on a GPU, with temporary tensors of each. Peak and foreach peak are the most of "
    "a step with either. The loss, and what kernels take for themselves, are not counted."
)
WHOLE = "Checkpoints are not in it."
LAST = "The last pass of a step is shown, which adds to the gradients of those before."


def peak_table(found: TrainCost) -> Table:
    """The peak of a step on one device, for each size."""
    megabytes = partial(in_units, MEGABYTE)
    headings = {
        "forward_bytes": "Forward", "backward_bytes": "Backward", "optimizer_bytes": "Optimizer",
        "foreach_bytes": "Foreach", "peak_bytes": "Peak", "foreach_peak_bytes": "Foreach\npeak",
    }  # fmt: skip
    columns = [
        Column("input", "Input", numeric=False),
        *(Column(key, f"{heading}\nMB", megabytes) for key, heading in headings.items()),
    ]
    stages = distinct_stages(found)
    rows = []
    for stage in stages:
        peak = found.peaks[stage.size]
        rows.append([input_text(stage), *peak, peak.peak(), peak.peak(foreach=True)])
    batch = max(max(stage.times) for stage in stages)
    notes = [PEAK]
    notes += [WHOLE] * any(stage.plan for stage in stages)
    notes += [LAST] * (found.recipe.accumulate > 1)
    title = f"Peak of a step of {batch:,} images on one device, {found.recipe.optimizer}."
    return Table(columns, rows, title, notes)


def peak_data(found: TrainCost) -> list[dict[str, Any]]:
    """The peaks for JSON, in bytes; none where they were not asked for."""
    return [
        {
            "input": list(stage.shape),
            **peak_phases(peak),
            "peak_bytes": peak.peak(),
            "foreach_peak_bytes": peak.peak(foreach=True),
        }
        for stage in distinct_stages(found)
        if (peak := found.peaks.get(stage.size)) is not None
    ]
