"""Training runs: steps counted one by one, published schedules, teachers, and torch's counter."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import flopscope as fs
from flopscope.answers.target import parse_target
from flopscope.answers.train_cost.bill import Assumed, Span, bill
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.answers.train_cost.schedule import (
    PUBLISHED,
    Schedule,
    parse_schedule,
    steps_between,
)
from flopscope.catalog.accelerators import accelerator


class Net(nn.Module):
    """A network of any image size, without groups, so that torch's counter counts it right."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.stem(x))).mean((2, 3)))


def by_torch(batch: int, size: int, teacher: nn.Module | None = None) -> int:
    """MACs of a step, by torch's counter."""
    x = torch.ones(batch, 3, size, size)
    with FlopCounterMode(display=False) as counter:
        Net().train()(x).sum().backward()
        if teacher is not None:
            with torch.no_grad():
                teacher(x)
    return counter.get_total_flops() // 2


def one_by_one(recipe: Recipe, schedule: Schedule, teacher: nn.Module | None) -> int:
    """MACs of a run, step after step, as a loop of training would have them."""
    ends = schedule.ends(recipe.steps, recipe.epochs)
    known: dict[tuple[int, int], int] = {}
    total = step = 0
    for _ in range(recipe.epochs):
        left = recipe.images
        while left and not (recipe.drop_last and left < recipe.batch):
            size = schedule.sizes[next(n for n, end in enumerate(ends) if step < end)]
            seen, left, step = min(recipe.batch, left), left - min(recipe.batch, left), step + 1
            while seen:
                one = min(recipe.pass_batch, seen)
                seen -= one
                assert isinstance(size, int)
                if (one, size) not in known:
                    known[one, size] = by_torch(one, size, teacher)
                total += known[one, size]
    assert step == ends[-1]
    return total


RECIPES = [
    Recipe(3, 20, 8),
    Recipe(5, 22, 8, accumulate=2, replicas=2),
    Recipe(4, 21, 6, drop_last=True, accumulate=3),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("text", ["8:16:2", "8,12,9", "16,8"])
def test_a_run_costs_what_its_steps_cost_one_by_one(recipe: Recipe, text: str) -> None:
    teacher = Net(7).eval()
    schedule = parse_schedule(text, parse_target("mobilenetv2"), recipe.epochs)
    found = fs.train_cost(
        Net(), epochs=recipe.epochs, images=recipe.images, batch=recipe.batch, schedule=text,
        accumulate=recipe.accumulate, replicas=recipe.replicas, drop_last=recipe.drop_last,
        teacher=teacher,
    )  # fmt: skip
    assert found.cost.runs[0].macs == one_by_one(recipe, schedule, teacher)


@given(
    st.integers(1, 6), st.integers(1, 60), st.integers(1, 9), st.integers(1, 4), st.integers(1, 5),
    st.booleans(),
)  # fmt: skip
def test_stages_see_every_image_once_an_epoch(
    epochs: int, images: int, part: int, accumulate: int, stages: int, drop: bool
) -> None:
    batch = part * accumulate
    if drop and images < batch:
        return
    recipe = Recipe(epochs, images, batch, accumulate=accumulate, drop_last=drop)
    ends = Schedule("", (8,) * stages).ends(recipe.steps, epochs)
    spans = steps_between(ends)
    seen = images - images % batch if drop else images
    assert sum(recipe.seen(*span) for span in spans) == epochs * seen
    passes = sum((recipe.passes(*span) for span in spans), Counter())
    assert passes == recipe.passes(0, epochs * recipe.steps)
    assert sum(end - first for first, end in spans) == epochs * recipe.steps


# --- EfficientNetV2 -------------------------------------------------------------------------------

IMAGENET = {"epochs": 350, "images": 1_281_167, "batch": 4096}


def test_efficientnetv2_s_by_the_paper_and_by_the_released_code() -> None:
    report = fs.train_cost(
        "efficientnetv2_s", **IMAGENET, schedule=["paper", "code"], optimizer="rmsprop"
    )
    paper, code = report.cost.runs
    (fixed,) = report.cost.fixed
    assert paper.schedule.sizes == (128, 185, 242, 300)
    assert code.schedule.sizes == (171, 214, 257, 300)
    runs = (fixed, paper, code)
    # exactly, and by three times the forward pass, which is what is commonly stated
    assert [f"{run.flops:.2e}" for run in runs] == ["1.43e+19", "7.96e+18", "9.39e+18"]
    assert [f"{run.by_rule:.2e}" for run in runs] == ["1.43e+19", "7.97e+18", "9.39e+18"]
    forward = int(fs.analyze("efficientnetv2_s", res=300).macs())
    assert fixed.by_rule == 2 * 3 * forward * 350 * 1_281_167
    saved = [1 - Fraction(run.flops, fixed.flops) for run in (paper, code)]
    assert [f"{float(one):.2f}" for one in saved] == ["0.44", "0.34"]


def test_the_larger_ones_end_at_other_sizes_in_the_paper_and_in_the_code() -> None:
    for name in ("efficientnetv2_m", "efficientnetv2_l"):
        target = parse_target(name)
        assert parse_schedule("paper", target, 350).sizes == (128, 212, 296, 380)
        assert parse_schedule("code", target, 350).sizes == (192, 256, 320, 384)
        saved = {text: _saved(name, parse_schedule(text, target, 350)) for text in PUBLISHED}
        assert saved == {"paper": 48, "code": 40}


def _saved(name: str, schedule: Schedule) -> int:
    """What a schedule of equal stages saves of the forward passes, in per cent."""
    forward = [int(fs.analyze(name, res=size).macs()) for size in schedule.sizes]
    return round(100 * (1 - Fraction(sum(forward), len(forward) * max(forward))))


def test_a_set_that_is_smaller_than_the_batch_is_one_step() -> None:
    report = fs.train_cost(Net(), epochs=3, images=5, batch=12, accumulate=4, res=8)
    (row,) = report.to_frame().to_dict("records")
    assert row["steps"] == 3
    assert 3 * (row["forward"] + row["backward"]) == row["macs"] == report.cost.runs[0].macs
    assert "the last of an epoch" not in str(report)


def test_epochs_of_stages_are_kept() -> None:
    found = fs.train_cost(Net(), epochs=5, images=8, batch=4, schedule="8@2,16@3").cost.runs[0]
    assert [(stage.size, stage.steps) for stage in found.stages] == [(8, 4), (16, 6)]


# --- memory and checkpoints -----------------------------------------------------------------------


def test_the_parts_of_the_memory() -> None:
    asked = {"epochs": 1, "images": 8, "batch": 8, "res": 16, "accumulate": 2, "optimizer": "adam"}
    one = fs.train_cost(Net(), **asked, ema=True, teacher=Net(9)).cost.runs[0].stages[0].largest
    weights = 4 * sum(p.numel() for p in Net().parameters())
    buffers = sum(b.numel() * b.element_size() for b in Net().buffers())
    # which reads no count of batches
    taught = [*Net(9).parameters(), *(b for b in Net(9).buffers() if b.is_floating_point())]
    assert one.memory.batch == 4
    assert one.parts == {
        "weights": weights,
        "gradients": weights,
        "state": 2 * weights,
        "buffers": buffers,
        "inputs": 4 * 4 * 3 * 16 * 16,
        "saved": one.memory.saved,
        "average": weights + buffers,
        "teacher": sum(t.numel() * t.element_size() for t in taught),
    }
    assert one.held == sum(one.parts.values())


def test_a_memory_is_kept_with_checkpoints_where_it_can_be() -> None:
    asked = {"epochs": 1, "images": 4, "batch": 4, "res": 64}
    plain = fs.train_cost("resnet18", **asked).cost.runs[0]
    whole, other = plain.stages[0].largest, plain.stages[0].largest
    least = fs.train_cost("resnet18", **asked, checkpoints=True).cost.plans[-1]
    rest = other.held - other.memory.saved
    for memory in (whole.held, whole.held - 1, rest + least.kept):
        report = fs.train_cost("resnet18", **asked, memory=memory)
        (stage,) = report.cost.runs[0].stages
        assert bool(report)
        assert (stage.plan is None) == (memory == whole.held)
        if stage.plan is not None:
            assert rest + stage.plan.kept <= memory
            assert report.cost.runs[0].macs == plain.macs + stage.plan.macs
            assert report.cost.runs[0].plain == plain.flops
    report = fs.train_cost("resnet18", **asked, memory=rest + least.kept - 1)
    assert not report
    assert (
        f"No choice of checkpoints fits into {rest + least.kept - 1:,} bytes; the least is "
        f"{rest + least.kept:,}, so give a smaller batch with --accumulate or --replicas."
    ) in " ".join(str(report).split())


def test_the_peak_of_a_step_has_the_average_and_the_teacher() -> None:
    asked = {"epochs": 2, "images": 8, "batch": 8, "peak": True}
    plain = fs.train_cost(Net(), **asked, res=16)
    whole = fs.train_cost(Net(), **asked, schedule="8,16", ema=True, teacher=Net(9))
    one = whole.cost.runs[0].stages[1].largest
    (before,) = plain.cost.peaks.values()
    assert set(whole.cost.peaks) == {8, 16}
    assert whole.cost.peaks[16] == tuple(held + one.average + one.taught for held in before)
    assert not fs.train_cost(Net(), **{**asked, "peak": False}, res=16).cost.peaks


def test_the_peak_of_a_step_is_a_table() -> None:
    asked = {"epochs": 1, "images": 8, "batch": 8, "res": 16, "accumulate": 2, "peak": True}
    report = fs.train_cost(Net(), **asked, optimizer="adam", memory=1)
    (peak,) = report.cost.peaks.values()
    (shown,) = report.data["peaks"]
    assert shown == {
        "input": [4, 3, 16, 16],
        **{f"{phase}_bytes": held for phase, held in peak._asdict().items()},
        "peak_bytes": peak.peak(),
        "foreach_peak_bytes": peak.peak(foreach=True),
    }
    text = " ".join(str(report).split())
    assert "Peak of a step of 4 images on one device, adam." in text
    assert "The last pass of a step is shown, which adds to the gradients of those before." in text


# --- hours and energy -----------------------------------------------------------------------------


def test_a_bill_is_arithmetic() -> None:
    assumed = Assumed(
        accelerator("a100"), Span(Fraction(1, 4), Fraction(1, 2)), Span(Fraction(1), Fraction(2)),
        Span(Fraction(100), Fraction(300)),
    )  # fmt: skip
    found = bill(312 * 10**12 * 3600, 4, assumed)  # an hour at the peak
    assert found.hours == (2, 4)
    assert found.clock == (Fraction(1, 2), 1)
    assert found.kwh == (Fraction(8, 10), Fraction(32, 10))
    assert found.carbon == (Fraction(8, 100), Fraction(96, 100))


def test_published_times_stand_beside_work() -> None:
    report = fs.train_cost(
        "resnet50", epochs=4, images=8, batch=8, schedule="128:224:4", utilisation=0.3
    )
    text = " ".join(str(report).split())
    assert (
        "arXiv 2104.00298, Table 12 states 4.9 hours, for inference at 224, and 3.5 by progressive "
        "learning, 29 % less; the work of 128:224:4 is 35.7 % less."
    ) in text
    assert "--utilisation 0.3: " in text
