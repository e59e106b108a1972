"""The cost of a training run for JSON, with every count in full."""

from __future__ import annotations

from typing import Any

from flopscope.answers.train_cost.bill import ASSUMPTIONS, Assumed, Span, bill
from flopscope.answers.train_cost.checkpointing import Plan
from flopscope.answers.train_cost.cost import Run, Stage, TrainCost
from flopscope.answers.train_cost.hours import Hours, Predicted
from flopscope.catalog.learning_rates import RULE, STATED
from flopscope.present.train_cost_peak import peak_data


def cost_data(
    found: TrainCost, assumed: Assumed, predicted: Predicted | None = None
) -> dict[str, Any]:
    """All facts as one object."""
    recipe, teacher = found.recipe, found.network.teacher
    return {
        "schema": "flopscope.train-cost/1",
        "target": found.network.target.name,
        "teacher": None if teacher is None else teacher.name,
        "convention": "macs",
        "recipe": {
            "epochs": recipe.epochs,
            "images": recipe.images,
            "batch": recipe.batch,
            "optimizer": recipe.optimizer,
            "accumulate": recipe.accumulate,
            "replicas": recipe.replicas,
            "drop_last": recipe.drop_last,
            "ema": recipe.average,
            "precision": recipe.precision,
        },
        "runs": [_run(found, run, assumed) for run in found.runs],
        "fixed": [_run(found, run, assumed) for run in found.fixed],
        "memory_limit": found.limit,
        "fits": found.fits,
        "checkpoints": [_plan(plan) for plan in found.plans],
        "peaks": peak_data(found),
        "predicted_hours": None if predicted is None else _predicted(found, predicted),
        "assumptions": _assumptions(assumed),
        "learning_rates": [
            {
                "basis": each.name,
                "rate": float(each.at(recipe.batch)),
                "stated": float(each.rate),
                "stated_batch": each.batch,
                "optimizer": each.optimizer,
                "source": each.source,
                "rule": RULE,
            }
            for each in STATED
        ],
    }


def _run(found: TrainCost, run: Run, assumed: Assumed) -> dict[str, Any]:
    each = bill(run.flops, found.recipe.replicas, assumed)
    ranges = {name: _span(span) for name, span in each._asdict().items()}
    return {
        "schedule": run.schedule.text,
        "source": run.schedule.source or None,
        "steps": run.steps,
        "macs": run.macs,
        "flops": run.flops,
        "three_times_forward_flops": run.by_rule,
        "complete": not run.missing,
        "unknown": list(run.missing),
        "stages": [_stage(stage) for stage in run.stages],
        **ranges,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    one = stage.largest
    return {
        "input": list(stage.shape),
        "steps": stage.steps,
        "images": stage.images,
        "passes": [
            {
                "batch": batch,
                "times": times,
                "forward": stage.passes[batch].forward,
                "backward": stage.passes[batch].backward,
                "teacher": stage.passes[batch].teacher,
            }
            for batch, times in stage.times.items()
        ],
        "forward": stage.forward,
        "backward": stage.backward,
        "teacher": stage.teacher,
        "again": stage.again,
        "macs": stage.macs,
        "memory": {**{f"{n}_bytes": size for n, size in one.parts.items()}, "total": one.held},
        "plan": None if stage.plan is None else _plan(stage.plan),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {"kept_bytes": plan.kept, "macs": plan.macs, "stretches": plan.names}


def _predicted(found: TrainCost, predicted: Predicted) -> dict[str, Any]:
    runs = (*found.runs, *found.fixed)
    return {
        "device": predicted.device.name,
        "protocol": predicted.device.protocol,
        "runs": [
            {"schedule": run.schedule.text, **_hours(hours, found.recipe.replicas)}
            for run, hours in zip(runs, predicted.hours, strict=True)
        ],
        "warnings": list(predicted.warnings),
    }


def _hours(hours: Hours | None, replicas: int) -> dict[str, Any]:
    if hours is None:
        return {"hours": None, "interval_90": None, "clock": None}
    ends = [hours.low, hours.high]
    return {"hours": hours.hours, "interval_90": ends, "clock": hours.over(replicas).hours}


def _span(span: Span) -> list[float]:
    return [float(span.low), float(span.high)]


def _assumptions(assumed: Assumed) -> dict[str, Any]:
    of = assumed.accelerator
    return {
        "accelerator": dict(of._asdict()),
        **{
            name: {"range": _span(getattr(assumed, name)), "words": rule.words}
            for name, rule in ASSUMPTIONS.items()
        },
    }
