"""A rule of costs beside the loop that counts, on the same random numbers."""

from collections.abc import Callable
from dataclasses import asdict

import torch
from counting import Array, Tally, counted, plain
from torch import Tensor

from flopscope.costs import cost
from flopscope.facts import Operator

GENERATOR = torch.Generator().manual_seed(0)


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def agree(
    row: Operator, loop: Callable[..., Array], tensors: list[Tensor | None], expected: Tensor
) -> None:
    """The loop over these tensors computes what PyTorch does, in the acts that the rule states."""
    tally = Tally()
    result = loop(*(None if t is None else counted(t.numpy(), tally) for t in tensors))
    torch.testing.assert_close(torch.from_numpy(plain(result)), expected)
    assert row.output == tuple(expected.shape)
    assert cost(row)._asdict() == asdict(tally)
