"""Memory: inference by the closed form, training by a trace, the batch that fits, and torch itself
as a witness."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

import flopscope as fs
from flopscope.answers.counted import Given
from flopscope.answers.making import target_of
from flopscope.answers.training_memory import TrainingMemory, training_memory
from flopscope.catalog.variant import parse
from flopscope.choosing.budgets import Budget
from flopscope.choosing.fitting import _bracketed, largest_batch
from flopscope.cli import main
from flopscope.readings.training import OPTIMIZERS


class Small(nn.Module):
    """Convolutions, a norm, a residual and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.gate = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = x + x * torch.sigmoid(self.gate(x))
        return self.head(x.mean((2, 3)))


@settings(max_examples=8, deadline=None)
@given(st.integers(100_000, 5_000_000), st.sampled_from(sorted(OPTIMIZERS)))
def test_the_batch_that_is_found_fits_and_one_more_does_not(limit: int, optimizer: str) -> None:
    fit = largest_batch(target_of(Small()), Budget("memory", limit), Given(res=16), optimizer)
    assert fit.fits is not None
    assert fit.beyond.batch == fit.fits.batch + 1
    for held in (fit.fits, fit.beyond):
        assert held == training_memory(target_of(Small()), Given(16, held.batch), optimizer)
    assert fit.fits.total <= limit < fit.beyond.total


@given(st.lists(st.integers(1, 50), min_size=40, max_size=40), st.integers(1, 900))
def test_it_does_so_where_memory_does_not_grow_in_a_straight_line(
    growth: list[int], limit: int
) -> None:
    def held(batch: int) -> TrainingMemory:
        more = sum(growth[:batch]) + 50 * max(0, batch - len(growth))
        return TrainingMemory(batch, 0, 0, 0, 0, 0, more)

    fits, beyond = _bracketed(held, limit)
    assert beyond.total > limit
    assert fits is None or (fits.total <= limit and fits.batch + 1 == beyond.batch)
    assert (fits is None) == (growth[0] > limit)


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("model", ["mobilenetv2", "efficientnet_b0"])
def test_inference_fits_and_one_more_does_not(model: str, batch: int) -> None:
    reading = fs.QUANTITIES["memory"].of
    held = int(fs.analyze(model, res=64, batch=batch).read(reading))
    more = int(fs.analyze(model, res=64, batch=batch + 1).read(reading))
    assert held < more
    for limit, largest in ((held, batch), (more - 1, batch), (more, batch + 1)):
        (design,) = fs.solve(model, memory=limit, free="batch", res=64).solution.designs
        assert design.sizes["batch"] == largest


def step(module: nn.Module, batch: int, res: int) -> tuple[int, int]:
    """The bytes that torch saves in a real training step, and the optimizer's state of AdamW."""
    known = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    image = torch.randn(batch, 3, res, res)
    known.add(image.untyped_storage().data_ptr())
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    optimizer = torch.optim.AdamW(module.parameters())
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = module.train()(image)
    output.sum().backward()
    optimizer.step()
    moments = (s for state in optimizer.state.values() for s in state.values() if s.numel() > 1)
    return sum(saved.values()), sum(s.numel() * s.element_size() for s in moments)


@pytest.mark.parametrize("model", ["mobilenetv2:width=0.35", "resnet18"])
def test_what_is_saved_and_kept_is_what_torch_saves_and_keeps_in_a_real_step(model: str) -> None:
    held = training_memory(target_of(model), Given(32, 3), "adamw")
    module = parse(model).build()
    saved, state = step(module, 3, 32)
    parameters = sum(p.numel() * p.element_size() for p in module.parameters())
    assert (held.saved, held.weights, held.gradients) == (saved, parameters, parameters)
    # Moments of a single number are left out of the witness, which cannot tell them from a step.
    assert held.state == pytest.approx(state, rel=1e-3)
    assert held.inputs == 3 * 3 * 32 * 32 * 4


class Live(TorchDispatchMode):
    """The bytes of all storages that live at once, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.peak = 0

    def take(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.sizes:
            self.sizes[key] = storage.nbytes()
            weakref.finalize(storage, self.sizes.pop, key, None)
            self.peak = max(self.peak, sum(self.sizes.values()))

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for output in pytree.tree_leaves(result):
            if isinstance(output, torch.Tensor):
                self.take(output)
        return result


@pytest.mark.parametrize(
    ("model", "batch"),
    [("mobilenetv2", 32), ("resnet18", 32), ("shufflenetv2_x1.0", 32), ("mobilevit_s", 8)],
)
def test_the_sum_is_near_the_peak_of_a_step_s_living_tensors(model: str, batch: int) -> None:
    held = training_memory(target_of(model), Given(128, batch), "sgd")
    module = parse(model).build().train().to("meta")
    image = torch.empty(batch, 3, 128, 128, device="meta")
    live = Live()
    for tensor in (*module.parameters(), *module.buffers(), image):
        live.take(tensor.detach())
    with live:
        module(image).sum().backward()
    assert held.total == pytest.approx(live.peak, rel=0.05)


def test_optimizers_keep_what_their_papers_say() -> None:
    network = target_of(Small())
    plain = training_memory(network, Given(16, 2), "sgd")
    held = [training_memory(network, Given(16, 2), name).state for name in OPTIMIZERS]
    assert [state // plain.gradients for state in held] == [0, 1, 2, 2, 2]


def test_frozen_weights_have_neither_gradient_nor_state() -> None:
    module = Small()
    module.stem.requires_grad_(False)
    held = training_memory(target_of(module), Given(16, 2), "adam")
    frozen = 4 * (8 * 3 * 9 + 8)
    assert held.weights - held.gradients == frozen
    assert held.state == 2 * held.gradients


SOLVE = ("solve", "mobilenetv1:width=0.25", "--res", "32", "--free", "batch", "--training")


def test_the_command_and_the_function_give_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SOLVE, "--memory", "20MB"]) == 0
    out = capsys.readouterr().out
    report = fs.solve("mobilenetv1:width=0.25", memory="20MB", free="batch", res=32, training=True)
    assert str(report).strip() == out.strip()
    assert "workspaces of convolutions, and the context of CUDA are not counted." in " ".join(
        out.split()
    )
    assert report.fit.fits is not None
    batch = report.fit.fits.batch
    asked = {"res": 32, "training": True, "max_memory": "20MB"}
    assert fs.hold("mobilenetv1:width=0.25", batch=batch, **asked)
    assert not fs.hold("mobilenetv1:width=0.25", batch=batch + 1, **asked)


def test_where_no_batch_fits_the_status_is_1_and_the_nearest_memory_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*SOLVE, "--memory", "1MB"]) == 1
    assert "No batch fits: batch 2 takes " in capsys.readouterr().out
    line = ["assert", "mobilenetv1:width=0.25", "--res", "32", "--batch", "2", "--training"]
    assert main([*line, "--max-memory", "1MB"]) == 1
    assert "Broken by " in capsys.readouterr().out
    assert main([*line, "--max-memory", "1GB"]) == 0
    assert "Kept." in capsys.readouterr().out


ONE = (
    "training solves for the batch that fits into a memory; give one budget, of memory, such as "
    "--memory 8GB, and no other"
)
ALONE = (
    "training solves for the batch alone, and tries every value that it needs; write --free batch, "
    "without values and without --step"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--macs", "1G", "--free", "batch", "--training"), ONE),
        (("--memory", "1G", "--macs", "1G", "--free", "batch", "--training"), ONE),
        (("--memory", "1G", "--free", "res", "--training"), ALONE),
        (("--memory", "1G", "--free", "batch=1,2", "--training"), ALONE),
        (("--memory", "1G", "--free", "batch", "--step", "2", "--training"), ALONE),
        (
            ("--memory", "1G", "--free", "batch", "--batch", "2", "--training"),
            "batch is given and free at once; leave one of them out",
        ),
        (
            ("--memory", "1G", "--free", "batch", "--training", "--optimizer", "adan"),
            "unknown optimizer 'adan'; did you mean adam or adamw?",
        ),
        (
            ("--memory", "1G", "--free", "batch", "--optimizer", "sgd"),
            "--optimizer sgd is for the memory of a training step; add --training",
        ),
        (
            ("--when", "conv = linear", "--training"),
            "--training is for a budget of memory, and --when has none; give one",
        ),
    ],
)
def test_bad_input(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main(["solve", "mobilenetv2", *arguments]) == 2
    assert capsys.readouterr().err == f"flopscope: {message}\n"
