"""Stages, learning rates and what is usual, against equations written out here."""

import math

import pytest
import torch
from small_training import few_images, small_net

import flopscope as fs
from flopscope.training.descent import descent
from flopscope.training.rates import share
from flopscope.training.recipe import Recipe, Stage, spread, stages_of


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (10, 0), (10, 3), (744, 62)])
def test_the_learning_rate_warms_up_linearly_and_falls_along_a_cosine(steps, warmup):
    rates = [share(step, steps, warmup) for step in range(steps)]
    for step, rate in enumerate(rates):
        if step < warmup:
            assert rate == (step + 1) / warmup
        else:
            phase = (step - warmup) / (steps - warmup)
            assert rate == pytest.approx(math.cos(math.pi * phase / 2) ** 2)
    assert max(rates) == 1 == rates[max(0, warmup - 1)]
    assert rates[-1] > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_run_takes_these_rates(optimizer):
    run = fs.train(
        small_net(), few_images(), optimizer=optimizer, rate=0.01, epochs=4, batch=8, warmup=1.5
    )
    assert len(run.steps) == 4 * 4
    assert [step.rate for step in run.steps] == [0.01 * share(step, 16, 6) for step in range(16)]


def test_a_tenth_of_the_epochs_warms_up_unless_something_else_is_said():
    run = fs.train(small_net(), few_images(), epochs=10, batch=8)
    assert run.recipe.warmup == 1
    rates = [step.rate for step in run.steps[:5]]
    assert rates == pytest.approx([0.0125, 0.025, 0.0375, 0.05, 0.05])


def test_what_regularises_rises_linearly_over_the_stages():
    stages = stages_of((128, 185, 242, 300), 8, dropout=(0.1, 0.4), magnitude=(1,))
    assert stages == tuple(
        Stage(size, 2, dropout=rate, magnitude=1)
        for size, rate in zip((128, 185, 242, 300), spread("dropout", [0.1, 0.4], 4), strict=True)
    )
    assert spread("dropout", [0.1, 0.4], 4) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert spread("dropout", [0.3, 0.1, 0.2], 3) == [0.3, 0.1, 0.2]
    assert stages_of((8, 8), (3, 1))[0] == Stage(8, 3)


def test_only_matrices_and_filters_decay():
    net = small_net()
    optimizer, _ = descent(net.parameters(), "sgd", 0.1, 1, weight_decay=0.5, momentum=0.9)
    decayed, free = optimizer.param_groups
    assert {p.ndim for p in decayed["params"]} == {2, 4}
    assert {p.ndim for p in free["params"]} == {1}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.5, 0)
    assert sum(len(g["params"]) for g in (decayed, free)) == len(list(net.parameters()))


def test_sgd_with_momentum_is_its_equation():
    """v ← μ·v + g + λ·w, w ← w − η·v, twice."""
    weight = torch.nn.Parameter(torch.tensor([[2.0]]))
    optimizer, schedule = descent([weight], "sgd", 0.1, 2, weight_decay=0.01, momentum=0.9)
    w, v = 2.0, 0.0
    for step in range(2):
        optimizer.zero_grad()
        (3 * weight).sum().backward()
        optimizer.step()
        schedule.step()
        v = 0.9 * v + 3 + 0.01 * w
        w -= 0.1 * share(step, 2) * v
        assert weight.item() == pytest.approx(w, rel=1e-6)


def test_steps_of_an_epoch_leave_out_what_does_not_fill_a_batch():
    assert Recipe((Stage(8, 3),), batch=15).steps(32) == 2
    run = fs.train(small_net(), few_images(50), epochs=3, batch=15)
    assert (run.trained_on, run.held_out) == (40, 10)
    assert len(run.steps) == 3 * 2
