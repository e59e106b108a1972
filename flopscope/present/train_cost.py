"""The cost of a training run as a document: work by stages, schedules beside each other, memory,
checkpoints, hours and energy, learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from flopscope.answers.train_cost.bill import ASSUMPTIONS, Assumed, Bill, Span, bill
from flopscope.answers.train_cost.cost import Run, TrainCost
from flopscope.answers.train_cost.hours import Predicted
from flopscope.catalog.learning_rates import RULE, STATED
from flopscope.present.numbers import in_two, integer, percent, scientific, short
from flopscope.present.table import Column, Document, Table
from flopscope.present.train_cost_data import cost_data
from flopscope.present.train_cost_hours import hours_table
from flopscope.present.train_cost_memory import input_text, memory_table, trade_table
from flopscope.present.train_cost_peak import peak_table

EXACT = (
    "MACs are those of both passes of every step, as torch's autograd runs them; FLOPs are two a "
    "MAC. Loss, optimizer, moving average and input pipeline are not counted. All counts are exact "
    "in --format json."
)


def train_cost_document(
    found: TrainCost, assumed: Assumed, predicted: Predicted | None = None
) -> Document:
    """All tables; hours by a fitted device stand below those at a stated utilisation."""
    tables = [_stages(found, run, first=not n) for n, run in enumerate(found.runs)]
    tables += [_schedules(found), memory_table(found)]
    if found.peaks:
        tables.append(peak_table(found))
    if found.plans:
        tables.append(trade_table(found))
    tables.append(_bills(found, assumed))
    if predicted is not None:
        tables.append(hours_table(found, predicted, list(map(schedule_name, all_runs(found)))))
    tables.append(_rates(found.recipe.batch))
    return Document(tables, partial(cost_data, found, assumed, predicted))


def all_runs(found: TrainCost) -> tuple[Run, ...]:
    """The schedules as they were given, and then those at one size."""
    return (*found.runs, *found.fixed)


def _title(found: TrainCost) -> str:
    recipe = found.recipe
    parts = {"in {} passes one after another": recipe.accumulate, "on {} devices": recipe.replicas}
    split = "".join(f", {text.format(n)}" for text, n in parts.items() if n > 1)
    taught = f", taught by {found.network.teacher.name}" if found.network.teacher else ""
    return (
        f"{found.network.target.name}{taught}: {_many(recipe.epochs, 'epoch')} of "
        f"{_many(recipe.images, 'image')}, batch {recipe.batch:,}{split}, {recipe.optimizer}."
    )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def schedule_name(run: Run) -> str:
    """The schedule as tables name it: 'paper', '128:300:4', 'fixed at 300×300'."""
    if run.schedule.text != "fixed":
        return run.schedule.text
    return f"fixed at {input_text(run.stages[0])}"


def _stages(found: TrainCost, run: Run, *, first: bool) -> Table:
    """The stages of one schedule."""
    first_step = found.recipe.passes(0, 1)
    taught, cut = found.network.teacher is not None, any(s.plan for s in run.stages)
    columns = [
        Column("stage", "Stage"),
        Column("input", "Input", numeric=False),
        Column("steps", "Steps", integer),
        Column("forward", "Forward\na step", short),
        Column("backward", "Backward\na step", short),
        *([Column("teacher", "Teacher\na step", short)] if taught else []),
        *([Column("again", "Run again\na step", short)] if cut else []),
        Column("macs", "MACs\nin all", partial(_lower, run)),
        Column("share", "%"),
    ]
    rows = []
    for number, stage in enumerate(run.stages, 1):
        forward, backward, teacher, again = stage.step(first_step)
        work = [forward, backward, *([teacher] if taught else []), *([again] if cut else [])]
        row = [number, input_text(stage), stage.steps, *work]
        rows.append([*row, stage.macs, percent(stage.macs, run.macs)])
    blank = [None] * (len(columns) - 5)
    rows.append(["total", None, run.steps, *blank, run.macs, "100.0"])
    source = f" ({run.schedule.source})" if run.schedule.source else ""
    name = f"Schedule {schedule_name(run)}{source}: MACs, convention macs."
    rest = found.recipe.rest if found.recipe.images > found.recipe.batch else 0
    notes = [f"A step is a full one; the last of an epoch has {rest:,} images."] if rest else []
    notes += [f"Unknown operators make it a lower bound: {', '.join(run.missing)}."] * bool(
        run.missing
    )
    title = f"{_title(found)} {name}" if first else name
    return Table(columns, rows, title, notes, total=True)


def _lower(run: Run, value: int) -> str:
    return f"≥ {scientific(value)}" if run.missing else scientific(value)


def _schedules(found: TrainCost) -> Table:
    """All schedules, with what each saves against its largest size from the first step on, and
    what the rule of thumb would say."""
    columns = [
        Column("schedule", "Schedule", numeric=False),
        Column("sizes", "Sizes", numeric=False),
        Column("flops", "FLOPs", scientific),
        Column("saved", "Saved\n%"),
        Column("ratio", "Backward\n/ forward", lambda value: f"{float(value):.3f}", raw=float),
        Column("rule", "3 × forward\nFLOPs", scientific),
        Column("excess", "too much\n%", lambda value: f"{float(100 * value):+.2f}", raw=float),
    ]
    rows = [
        [
            schedule_name(run), sizes_text(run), run.flops, saved_text(found, run),
            Fraction(sum(s.backward for s in run.stages), sum(s.forward for s in run.stages) or 1),
            run.by_rule, Fraction(run.by_rule, run.plain or 1) - 1,
        ]
        for run in all_runs(found)
    ]  # fmt: skip
    notes = [EXACT]
    if found.network.teacher is not None:
        notes.append("The rule is taken three times the student's forward pass and the teacher's.")
    return Table(columns, rows, "Training work in FLOPs.", [*notes, *_claims(found)])


def sizes_text(run: Run) -> str:
    """The sizes of the stages, each once where it follows itself."""
    texts = list(dict.fromkeys(input_text(stage).split("×")[0] for stage in run.stages))
    most = 6
    return " ".join(texts if len(texts) <= most else [*texts[: most - 2], "…", texts[-1]])


def reference(found: TrainCost, run: Run) -> Run | None:
    """The run at the largest size of this one, if it is another."""
    same = (f for f in found.fixed if f.schedule.sizes[0] == run.schedule.largest and f is not run)
    return next(same, None)


def saved_text(found: TrainCost, run: Run) -> str | None:
    """What the run saves against its largest size from the first step on, in per cent."""
    whole = reference(found, run)
    return None if whole is None else percent(whole.flops - run.flops, whole.flops)


def _claims(found: TrainCost) -> list[str]:
    """Published savings of time of this network, beside those of work."""
    from flopscope.catalog.progressive import claims

    notes = []
    for run in found.runs:
        whole = reference(found, run)
        for claim in claims(found.network.target.name, run.schedule.largest) if whole else ():
            notes.append(
                f"{claim.source} states {float(claim.fixed):g} hours, for inference at "
                f"{claim.size}, and {float(claim.progressive):g} by progressive learning, "
                f"{claim.saved} % less; the work of {schedule_name(run)} is "
                f"{saved_text(found, run)} % less."
            )
    return notes


def _bills(found: TrainCost, assumed: Assumed) -> Table:
    """Hours, energy and carbon, with every assumption as a note."""
    several = found.recipe.replicas > 1
    columns = [
        Column("schedule", "Schedule", numeric=False),
        Column("hours", "Accelerator-\nhours", _span, raw=_raw),
        *([Column("clock", "Hours on\nthe clock", _span, raw=_raw)] if several else []),
        Column("kwh", "kWh", _span, raw=_raw),
        Column("carbon", "kg CO₂", _span, raw=_raw),
    ]
    rows = [
        [schedule_name(run), each.hours, *([each.clock] if several else []), each.kwh, each.carbon]
        for run in all_runs(found)
        for each in [run_bill(found, run, assumed)]
    ]
    return Table(
        columns, rows, "Time and energy, as ranges.", assumption_notes(assumed), aside=True
    )


def run_bill(found: TrainCost, run: Run, assumed: Assumed) -> Bill:
    """The bill of one run."""
    return bill(run.flops, found.recipe.replicas, assumed)


def assumption_notes(assumed: Assumed) -> list[str]:
    """Each assumption in a sentence of its own."""
    of = assumed.accelerator
    notes = [
        f"Accelerator {of.name}, {of.words}: {of.peak // 10**12:,} TFLOP/s in {of.precision} and "
        f"{of.board} of {of.watts} W, which it draws in full as long as it runs ({of.source}). The "
        "computers around it are not counted."
    ]
    for name, rule in ASSUMPTIONS.items():
        given: Span = getattr(assumed, name)
        low, high = (f"{float(value):g}" for value in given)
        between = low if low == high else f"{low} to {high}"
        why = rule.source if given == rule.usual else "as given"
        notes.append(f"--{name} {between}: {rule.words} ({why}).")
    return notes


def _span(value: Span) -> str:
    low, high = in_two(value.low), in_two(value.high)
    return low if low == high else f"{low} to {high}"


def _raw(value: Span) -> str:
    return f"{float(value.low):.6g}:{float(value.high):.6g}"


def _rates(batch: int) -> Table:
    """The learning rates that the linear rule gives for this batch."""
    columns = [
        Column("basis", "Basis", numeric=False),
        Column("stated", "Stated", _rate, raw=float),
        Column("batch", "for batch", integer),
        Column("rate", f"for batch\n{integer(batch)}", _rate, raw=float),
        Column("optimizer", "Optimizer", numeric=False),
    ]
    rows: Sequence[Sequence[Any]] = [
        [each.name, each.rate, each.batch, each.at(batch), each.optimizer] for each in STATED
    ]
    notes = [
        f"The rate grows as the batch does ({RULE}); far from the stated batch, and without a "
        "warm-up, the rule fails.",
        *(f"{each.name}: {each.source}." for each in STATED),
    ]
    return Table(columns, rows, "Learning rates by the linear rule.", notes, aside=True)


def _rate(value: Fraction) -> str:
    return f"{float(value):.4g}"
