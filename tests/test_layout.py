"""Domains have the sizes at which a network runs, and no others: torch's layout is no condition."""

import pytest
import torch
from layout_networks import BLOCKS, POINTS, Block

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
    for point in POINTS[shape]:
        sizes = tuple(point.get(n, n) for n in shape)
        inside = all(c.at(point).broken() is False for c in found.conditions)
        assert inside == runs(block, sizes), (point, [str(c) for c in found.conditions])
        if inside:
            here, there = found.at(**point), trace(block, sizes)
            assert here.macs().value == there.macs().value
            assert here.flops("all").value == there.flops("all").value
