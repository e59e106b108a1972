"""Rows of data movement are the copies that torch makes, at free sizes too."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.facts import Kind, Movement
from flopscope.readings import traffic_bytes
from flopscope.symbolic import symbol
from flopscope.tracing import trace

B, H, W = symbol("B"), symbol("H"), symbol("W")
SHAPE = (2, 8, 6, 4)
COPYING = {
    *("clone", "roll", "flip", "constant_pad_nd", "index", "repeat", "pixel_shuffle", "im2col"),
    "copy_",
}
"""What torch runs to write elements anew."""


class Copies(TorchDispatchMode):
    """Counts the operators that write existing elements anew."""

    def __init__(self):
        super().__init__()
        self.found = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        self.found[name] += name in COPYING
        return function(*args, **(kwargs or {}))


class Block(nn.Module):
    """A function of a map (B, 8, H, W), with a linear layer."""

    def __init__(self, function):
        super().__init__()
        self.function, self.linear = function, nn.Linear(8, 8)

    def forward(self, x):
        return self.function(x, self.linear)


def shuffle(x, linear):
    batch, channels, height, width = x.shape
    x = x.view(batch, 2, channels // 2, height, width)
    return x.transpose(1, 2).reshape(batch, channels, height, width)


def windows(x, linear):
    batch, channels, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(batch, height // 2, 2, width // 2, 2, channels)
    return linear(x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, channels))


def heads(x, linear):
    tokens = linear(x.flatten(2).transpose(1, 2))
    batch, n, width = tokens.shape
    q = tokens.view(batch, n, 2, width // 2).transpose(1, 2)
    return (q @ q.transpose(2, 3) @ q).transpose(1, 2).flatten(2)


def looks(x, linear):
    first, second = x.chunk(2, 1)
    return (first + second).permute(0, 2, 3, 1).unsqueeze(1)[..., 0]


P, S = Movement.PERMUTE, Movement.SLICE
BLOCKS = {
    "shuffle": (shuffle, [P]),
    "windows": (windows, [P]),
    "heads": (heads, [P, P, P, P, P]),
    "views": (looks, []),
    "roll": (lambda x, linear: x.roll((1, 2), (2, 3)), [Movement.ROLL]),
    "flip": (lambda x, linear: x.flip(3), [Movement.FLIP]),
    "pad": (lambda x, linear: F.pad(x, (0, 1, 1, 0)), [Movement.PAD]),
    "gather": (lambda x, linear: x[:, [3, 1, 1]], [Movement.GATHER]),
    "repeat": (lambda x, linear: x.repeat(1, 2, 1, 1), [Movement.REPEAT]),
    "expand": (lambda x, linear: x[:, :, None].expand(-1, -1, 3, -1, -1).flatten(1, 2),
               [Movement.REPEAT]),
    "slice": (lambda x, linear: x[:, 2:].contiguous(), [S]),
    "unfold": (lambda x, linear: F.unfold(x, 2, stride=2), [Movement.WINDOWS]),
    "pixels": (lambda x, linear: F.pixel_shuffle(x, 2), [P]),
    "clone": (lambda x, linear: x.clone(), [Movement.COPY]),
    "channels last": (lambda x, linear: x.contiguous(memory_format=torch.channels_last), [P]),
    "contiguous already": (lambda x, linear: x.contiguous(), []),
    "transposed twice": (lambda x, linear: x.mT.mT.reshape(-1, 8), []),
    "tokens": (lambda x, linear: linear(x.flatten(2).mT), [P]),
}  # fmt: skip


def moves(ledger):
    return [row for row in ledger.rows if row.kind is Kind.MOVE]


@pytest.mark.parametrize("name", BLOCKS)
def test_the_copies_are_those_that_torch_makes(name):
    function, expected = BLOCKS[name]
    block = Block(function)
    found = moves(trace(block, SHAPE).ledger)
    assert [row.function for row in found] == expected
    with Copies() as copies:
        block(torch.zeros(SHAPE))
    assert copies.found.total() == len(expected)


@pytest.mark.parametrize("name", [n for n in BLOCKS if n not in ("windows", "pixels", "unfold")])
@pytest.mark.parametrize("shape", [SHAPE, (1, 8, 6, 4)])
def test_free_sizes_move_what_numbers_move(name, shape):
    """Also at batch 1, where torch does without some of the copies."""
    block = Block(BLOCKS[name][0])
    free = trace(block, (B, 8, H, W)).ledger
    here = free.at(B=shape[0], H=shape[2], W=shape[3])
    there = trace(block, shape).ledger
    assert [(r.kind, r.inputs, r.output, r.function) for r in here] == [
        (r.kind, r.inputs, r.output, r.function) for r in there
    ]


def test_a_shuffle_reads_and_writes_its_map():
    (row,) = moves(trace(Block(shuffle), (B, 8, H, W)).ledger)
    assert row.inputs == (row.output,) == ((B, 4, 2, H, W),)
    ledger = trace(Block(shuffle), SHAPE).ledger
    assert traffic_bytes(moves(ledger), "float32").value == 2 * 4 * 2 * 8 * 6 * 4
    assert ledger.macs().value == ledger.activations().value == ledger.flops("all").value == 0
    assert ledger.complete


def test_attention_in_one_operator_moves_nothing_inside():
    class Fused(nn.Module):
        def forward(self, x):
            q = x.transpose(1, 2)
            return F.scaled_dot_product_attention(q, q, q).transpose(1, 2).flatten(2)

    assert moves(trace(Fused(), (2, 5, 4, 8)).ledger) == []


def test_the_type_belongs_to_the_row():
    class Mixed(nn.Module):
        def forward(self, x):
            return x.half().flip(1)

    (flip,) = moves(trace(Mixed(), (2, 8)).ledger)  # a conversion is no row
    assert flip.types == ("float16", "float16")


def test_a_choice_between_orders_of_elements_is_no_choice_of_work():
    class Turned(nn.Module):
        def forward(self, x):
            return x.flip(0) if x.sum() > 0 else x

    assert trace(Turned(), (2, 8)).ledger.macs().value == 0
