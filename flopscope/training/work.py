"""The multiply-accumulates of a step, from the rows of a trace of both passes."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from flopscope.ledger import Ledger
from flopscope.tracing import trace
from flopscope.tracing.loading.refusals import refusing

Shape = tuple[int, int, int, int]


class Work(NamedTuple):
    """MACs of one step: the network forward and backward, and a teacher forward. `missing` names
    operators of unknown cost; if there are any, the numbers are lower bounds."""

    forward: int
    backward: int
    teacher: int = 0
    missing: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Of all passes."""
        return self.forward + self.backward + self.teacher


def work_of_step(network: nn.Module, teacher: nn.Module | None, shape: Shape) -> Work:
    """The work of a step on images of this shape, (B, C, H, W). Nothing is computed: shapes alone
    run through both networks.

    The loss, the optimizer, averages and augmentation are not counted. Raises BadInput where a
    network cannot run, or cannot run backward, on this shape.
    """
    both = _traced("the network", network, shape, backward=True)
    forward = both.filter(lambda row: not row.backward).macs()
    backward = both.filter(lambda row: row.backward).macs()
    missing = forward.missing + backward.missing
    if teacher is None:
        return Work(int(forward), int(backward), 0, missing)
    taught = _traced("the teacher", teacher, shape, backward=False).macs()
    return Work(int(forward), int(backward), int(taught), missing + taught.missing)


def _traced(who: str, network: nn.Module, shape: Shape, *, backward: bool) -> Ledger:
    batch, channels, height, width = shape
    on = f"{batch} image{'' if batch == 1 else 's'} of {channels}×{height}×{width}"
    with refusing(who, network, on, (shape,), {}):
        return trace(network, shape, backward=backward).ledger
