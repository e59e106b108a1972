"""What each layer took: the operators that a runtime's profiler timed, beside the rows that the
trace has of the same module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given
from flopscope.answers.profile import profile
from flopscope.answers.target import Target
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.quantities import MACS

if TYPE_CHECKING:
    from flopscope.measured.runtimes import Timed

PRODUCTS = ("conv", "gemm", "matmul", "linear", "addmm", "bmm", "fullyconnected")
"""What the words of runtimes have in them that stand for multiply-accumulates."""


@dataclass(frozen=True)
class LayerTime:
    """The seconds of all operators of one module, the runtime's words for them, and the MACs of the
    rows that have its path; None where the trace has no such path."""

    path: str
    operators: tuple[str, ...]
    seconds: float
    macs: int | None

    @property
    def macs_per_second(self) -> float | None:
        """How fast its multiply-accumulates are done; None where it has none."""
        return self.macs / self.seconds if self.macs and self.seconds else None


def layer_times(
    target: Target,
    given: Given,
    arguments: Mapping[str, Any] | None,
    timed: Sequence[Timed],
) -> tuple[LayerTime, ...]:
    """The times by module, in the order in which they run.

    A convolution that a runtime has fused with the activation after it may have the activation's
    name; its time stands with the convolution, which the trace says that the activation reads.
    """
    rows = _Rows(_ledger(target, given, arguments))
    seconds: dict[str, float] = {}
    words: dict[str, dict[str, None]] = {}
    for each in timed:
        path = rows.producer(each.path) if _is_product(each.operator) else each.path
        seconds[path] = seconds.get(path, 0.0) + each.seconds
        words.setdefault(path, {})[each.operator] = None
    return tuple(
        LayerTime(path, tuple(words[path]), taken, rows.macs.get(path))
        for path, taken in seconds.items()
    )


class _Rows:
    """The rows of a trace by their paths."""

    def __init__(self, ledger: Ledger) -> None:
        self.by_id = {row.id: row for row in ledger}
        self.last: dict[str, Operator] = {}
        self.macs: dict[str, int] = {}
        self.own = {row.id: int(MACS.read(Ledger((row,))).value) for row in ledger}
        for row in ledger:
            self.last[row.path] = row
            self.macs[row.path] = self.macs.get(row.path, 0) + self.own[row.id]

    def producer(self, path: str) -> str:
        """The path of the row with MACs that the rows of this path come from, if they have none
        themselves, by the chain of first inputs."""
        row = self.last.get(path)
        if row is None or self.macs[path]:
            return path
        while row is not None:
            if self.own[row.id]:
                return row.path
            row = self.by_id.get(row.reads[0]) if row.reads else None
        return path


def _is_product(operator: str) -> bool:
    return any(word in operator.lower() for word in PRODUCTS)


def _ledger(target: Target, given: Given, arguments: Mapping[str, Any] | None) -> Ledger:
    """The rows with the paths of the code, which the names of the runtime's operators have too."""
    inputs = target.given(given.inputs, given.res, given.batch, arguments)
    inputs = inputs or target.inputs(given.res, given.batch, arguments)
    return profile(target, inputs, arguments, given.example).ledger
