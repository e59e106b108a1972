"""Domains have the sizes at which a network runs, and no others: torch's layout is no condition."""

import pytest
import torch
from layout_networks import (
    BLOCKS,
    POINTS,
    Block,
    channels_last,
    shared_heads,
    warped,
    windows,
)

from flopscope import trace


def ids(blocks):
    return [function.__name__ for function, *_ in blocks]


def runs(module, shape):
    try:
        with torch.no_grad():
            module(torch.rand(shape))
    except (RuntimeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("function", "shape", "layers"), BLOCKS, ids=ids(BLOCKS))
def test_a_domain_has_every_size_at_which_a_block_runs(function, shape, layers):
    block = Block(function, **layers).eval()
    found = trace(block, shape)
    compared = 0
    for point in POINTS[shape]:
        sizes = tuple(point.get(n, n) for n in shape)
        inside = all(c.at(point).broken() is False for c in found.conditions)
        assert inside == runs(block, sizes), (point, [str(c) for c in found.conditions])
        if inside:
            here, there = found.at(**point), trace(block, sizes)
            assert here.macs().value == there.macs().value
            assert here.flops("all").value == there.flops("all").value
            compared += 1
    assert compared


STEPS = [block for block in BLOCKS if block[0] in (shared_heads, windows, channels_last, warped)]


@pytest.mark.parametrize(("function", "shape", "layers"), STEPS, ids=ids(STEPS))
def test_a_training_step_has_batch_1_in_its_domain(function, shape, layers):
    block = Block(function, **layers)
    found = trace(block, shape, backward=True)
    point = {"B": 1, "T": 5, "H": 8, "W": 12}
    point = {name: size for name, size in point.items() if name in shape}
    sizes = tuple(point.get(n, n) for n in shape)
    here, there = found.at(**point), trace(block, sizes, backward=True)
    assert here.macs().value == there.macs().value
    assert here.flops("all").value == there.flops("all").value


def test_sizes_of_1_are_stretched_without_a_condition():
    class Alike(torch.nn.Module):
        def forward(self, a, b):
            first, second = torch.broadcast_tensors(a, b)
            return torch.nn.functional.cosine_similarity(first @ second.mT, second @ first.mT)

    found = trace(Alike(), ("B", "T", 8), ("B", 1, 8))
    assert [str(condition) for condition in found.conditions] == []
    # two products of T × 8 by 8 × T in each of 3 samples
    assert found.at(B=3, T=5).macs().value == 2 * 3 * 5 * 8 * 5
