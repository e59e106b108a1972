"""Checkpoints: units against a real run of their modules, plans against all plans, and torch's own
checkpointing as a witness of what is kept and of what runs again."""

from __future__ import annotations

import weakref
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop
from torch.utils.flop_counter import FlopCounterMode

from flopscope.answers.making import target_of
from flopscope.answers.profile import profile
from flopscope.answers.train_cost.checkpointing import (
    best_plan,
    held_after,
    kept_within,
    least_kept,
    peak,
)
from flopscope.answers.train_cost.units import Unit, kept_in_full, units_of


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)) + x)


def chain() -> nn.Sequential:
    """Blocks of which the norm and the activation in place are modules of their own."""
    stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
    down = nn.Conv2d(8, 16, 3, 2, 1), nn.SiLU()
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)
    return nn.Sequential(*stem, Residual(8), Residual(8), *down, Residual(16), *head)


SHAPE = (4, 3, 16, 16)


def units() -> tuple[Unit, ...]:
    return units_of(profile(chain(), ["4,3,16,16"], backward=True))


def parts(found: tuple[Unit, ...]) -> list[tuple[int, int]]:
    """The modules of each unit, by their places in the chain."""
    starts = [int(unit.first.split(".")[0]) for unit in found]
    return list(pairwise([*starts, len(chain())]))


def saved_by_torch(module: nn.Module, x: torch.Tensor) -> int:
    kept: dict[int, int] = {}
    apart = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers(), x)}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        alive.append(storage)
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        alive.append(module(x))
    return sum(size for at, size in kept.items() if at not in apart)


def test_units_keep_what_the_network_keeps() -> None:
    found = units()
    assert kept_in_full(found) == saved_by_torch(chain().train(), torch.ones(SHAPE))
    # the activation in place cannot begin a stretch, nor can a block be cut in the middle
    assert [unit.first for unit in found] == [
        "0", "1", "3.conv", "4.conv", "5", "6", "7.conv", "8", "10",
    ]  # fmt: skip


def test_a_stretch_keeps_what_torch_saves_of_its_modules() -> None:
    found, module = units(), chain().train()
    places = parts(found)
    for first in range(len(found)):
        for end in range(first + 1, len(found) + 1):
            x = module[: places[first][0]](torch.ones(SHAPE)).detach().requires_grad_(first > 0)
            stretch = module[places[first][0] : places[end - 1][1]]
            assert kept_within(found, (first, end)) == saved_by_torch(stretch, x)


class Live(TorchDispatchMode):
    """The bytes of all storages that live."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for output in pytree.tree_leaves(result):
            if isinstance(output, torch.Tensor):
                storage = output.untyped_storage()
                if storage._cdata not in self.sizes:
                    self.sizes[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self.sizes.pop, storage._cdata, None)
        return result


def checkpointed(module: nn.Sequential, stretches: Any, x: torch.Tensor) -> torch.Tensor:
    """The chain with these modules below torch's own checkpoints."""
    begins, at = dict(stretches), 0
    while at < len(module):
        end = begins.get(at)
        x = module[at](x) if end is None else checkpoint(module[at:end], x, use_reentrant=False)
        at = at + 1 if end is None else end
    return x


@pytest.mark.parametrize("share", [0.9, 0.7, 0.5])
def test_torch_keeps_and_runs_again_what_the_plan_says(share: float) -> None:
    found = units()
    plan = best_plan(found, int(share * kept_in_full(found)))
    assert plan is not None
    assert plan.stretches
    places = parts(found)
    stretches = [(places[first][0], places[end - 1][1]) for first, end in plan.stretches]
    module = chain().train().to("meta")
    x = torch.empty(SHAPE, device="meta")

    def macs(cuts: Any) -> int:
        with FlopCounterMode(display=False) as counter, set_checkpoint_early_stop(False):
            checkpointed(module, cuts, x).sum().backward()
        return counter.get_total_flops() // 2

    assert macs(stretches) - macs([]) == plan.macs
    stored = {t.untyped_storage()._cdata for t in (*module.parameters(), *module.buffers(), x)}
    live = Live()
    with live:
        y = checkpointed(module, stretches, x)
    held = sum(size for at, size in live.sizes.items() if at not in stored)
    assert held - y.numel() * y.element_size() == held_after(found, plan.stretches)
    assert peak(found, plan.stretches) == plan.kept


sizes = st.integers(0, 9)
drawn = st.builds(
    Unit, st.just("a"), st.just("a"), sizes, sizes, sizes, st.booleans(), st.booleans()
)
chains = st.lists(drawn, min_size=1, max_size=5).map(
    lambda found: [found[0]._replace(given=0), *found[1:]]
)


def every_plan(start: int, end: int) -> list[list[tuple[int, int]]]:
    """All choices of stretches."""
    if start == end:
        return [[]]
    plans = every_plan(start + 1, end)
    for stop in range(start + 1, end + 1):
        plans = plans + [[(start, stop), *rest] for rest in every_plan(stop, end)]
    return plans


@settings(max_examples=60)
@given(chains, st.integers(0, 60))
def test_no_other_choice_of_stretches_is_better(found: list[Unit], limit: int) -> None:
    def work(plan: list[tuple[int, int]]) -> int:
        return sum(unit.macs for first, end in plan for unit in found[first:end])

    plans = every_plan(0, len(found))
    fitting = [work(plan) for plan in plans if peak(found, plan) <= limit]
    best = best_plan(found, limit)
    assert (best is None) == (not fitting)
    if best is not None:
        assert best.macs == min(fitting)
        assert best.kept == peak(found, best.stretches) <= limit
    assert least_kept(found).kept == min(peak(found, plan) for plan in plans)


def test_where_nothing_is_known_of_what_is_kept_there_are_no_units() -> None:
    assert units_of(profile(target_of("mobilenetv1:width=0.25"), ["1,3,32,32"])) == ()
