"""Runs on real digits: how well, that a seed repeats them, and what their records say."""

import io
import json
import sys

import numpy as np
import pytest
import torch
from small_training import few_images, small_net

import flopscope as fs
from flopscope.training.images import divided, images
from flopscope.training.loop import accuracy
from flopscope.training.transforms import resized


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def fixed():
    return fs.train(small_net(), "digits", epochs=15, rate=0.1)


def test_adamw_tells_digits_too():
    run = fs.train(small_net(), "digits", epochs=12, optimizer="adamw", rate=0.02)
    assert run.accuracy > 0.95


def test_the_accuracy_is_that_of_the_network_on_images_held_out(fixed):
    parts = divided(images("digits"), 0)
    assert fixed.accuracy > 0.95
    assert (fixed.trained_on, fixed.held_out) == (1437, 360)
    assert not fixed.network.training
    with torch.no_grad():
        told = fixed.network(torch.from_numpy(parts.test.x)).argmax(1).numpy()
    assert fixed.accuracy == (told == parts.test.y).mean()
    at_random = accuracy(lambda x: torch.randn(len(x), 10), parts.test)
    assert at_random < 0.3


def test_images_held_out_change_no_weight():
    """Only their scores depend on them."""
    x, y = (np.array(part) for part in images("digits"))
    held_out = np.random.default_rng(5).permutation(len(y))[4 * len(y) // 5 :]
    spoilt = x.copy()
    spoilt[held_out] = 9
    first, second = (
        fs.train(small_net(), (given, y), epochs=1, ema=0.9, seed=5) for given in (x, spoilt)
    )
    assert first.steps == second.steps
    assert first.accuracy != second.accuracy
    for a, b in zip(
        first.network.state_dict().values(), second.network.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b)


GIVEN = {
    "epochs": 3, "sizes": (6, 7, 8), "dropout": (0, 0.3), "magnitude": (0, 0.5), "ema": 0.9,
}  # fmt: skip


def test_a_seed_repeats_a_run_and_leaves_the_generators_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second = (fs.train(small_net(), "digits", **GIVEN, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == second
    assert first.seconds != second.seconds
    for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(a, b)
    other = fs.train(small_net(), "digits", **GIVEN, seed=4)
    assert other != first


def test_a_text_is_built_from_the_seed():
    name = "resnet18:width=0.125,depth=0.5,classes=10"
    given = {"sizes": 32, "epochs": 1, "batch": 16}
    first, again, other = (fs.train(name, few_images(), **given, seed=n) for n in (0, 0, 1))
    assert first.name == name
    assert first == again
    assert first.steps[0].loss != other.steps[0].loss
    made = fs.train(small_net, few_images(), epochs=1, batch=16)
    assert made.name == "small_net"


def test_a_record_in_words_and_as_data(fixed):
    run = fs.train(small_net(), "digits", **GIVEN, teacher=fixed, alpha=0.25)
    lines = str(run).splitlines()
    assert lines[0] == "Sequential on 1,437 images of digits, batch 64; MACs a step"
    assert lines[1].split() == (
        "stage size epochs steps dropout magnitude forward backward teacher MACs in all seconds"
    ).split()  # fmt: skip
    work = run.stages[2].work
    counts = (work.forward, work.backward, work.teacher, 22 * work.macs)
    assert lines[4].split()[:-1] == (
        ["3", "8×8", "1", "22", "0.3", "0.5", *(f"{count:,}" for count in counts)]
    )
    assert lines[5].split()[:-1] == ["all", "3", "66", f"{run.macs:,}"]
    assert lines[6] == (
        f"{run.accuracy:.1%} of 360 images held out, after the last step; "
        f"{run.average_accuracy:.1%} with averaged weights"
    )
    assert repr(run) == f"Run(Sequential, {run.accuracy:.1%}, {run.macs:,} MACs)"
    data = json.loads(json.dumps(run.to_dict()))
    assert data["macs"] == sum(stage["macs"] for stage in data["stages"]) == run.macs
    assert data["recipe"]["distillation"] == {"temperature": 4.0, "alpha": 0.25}
    assert [stage["size"] for stage in data["recipe"]["stages"]] == [6, 7, 8]
    assert len(data["losses"]) == 66
    assert run.processor_seconds > 0 < run.seconds


def test_grey_images_are_repeated_for_networks_that_take_three_channels():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 10)
    )
    run = fs.train(net, few_images(), epochs=1, batch=16)
    assert run.stages[0].work.forward == 16 * (36 * 4 * 27 + 4 * 36 * 10)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fs.train(small_net(), few_images(), epochs=2, batch=16)
    assert "training Sequential" in terminal.getvalue()
    assert "4/4" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_elsewhere_nothing_is_written(capsys):
    fs.train(small_net(), few_images(), epochs=1, batch=16)
    assert capsys.readouterr() == ("", "")


def test_the_size_of_the_last_stage_is_that_of_the_score():
    run = fs.train(small_net(), "digits", epochs=2, sizes=(8, 12))
    test = resized(divided(images("digits"), 0).test, 12)
    assert run.accuracy == accuracy(run.network, test)
