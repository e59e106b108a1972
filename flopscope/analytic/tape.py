"""The tape on which a network is written, and the tensors that flow through it.

A network is a plain function from `Feature` to `Feature`; each operator appends one row to the
tape. `Feature` knows its shape and which row made it, so rows know what they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flopscope.domain import AtLeast, Condition, Multiple, require
from flopscope.domain.regions import simplified
from flopscope.errors import OutsideDomain
from flopscope.facts import Arithmetic, Kind, Operator, Weight, Window
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, Size

INPUT = -1
"""The id of the network's first input in `Operator.reads`; the next input has −2, and so on."""


class Tape:
    """The rows and conditions of a network, in the order in which they were written."""

    def __init__(self) -> None:
        self._rows: list[Operator] = []
        self._conditions: dict[Condition, None] = {}  # a set that keeps its order
        self._prefix = ""
        self._repeat: Size = 1

    @contextmanager
    def scope(self, name: str, repeat: Size = 1) -> Iterator[None]:
        """While active, rows get `name.` before their path, and stand for `repeat` equal copies."""
        outer = self._prefix, self._repeat
        self._prefix = f"{self._prefix}{name}."
        self._repeat = self._repeat * repeat
        try:
            yield
        finally:
            self._prefix, self._repeat = outer

    def at_least(self, value: Size, minimum: int, what: Callable[[], str]) -> None:
        """Require value ≥ minimum; `what` names the value where it is needed, in a message or a
        domain."""
        if not (isinstance(value, int) and value >= minimum):
            self._require(AtLeast(value, minimum, what()))

    def multiple(self, value: Size, divisor: Size, what: str) -> None:
        """Require that divisor divides value."""
        if not (
            isinstance(value, int)
            and isinstance(divisor, int)
            and divisor > 0
            and value % divisor == 0
        ):
            self._require(Multiple(value, divisor, what))

    def hold(self, condition: Condition, otherwise: Callable[[], str]) -> None:
        """Require a condition; `otherwise` is the sentence for sizes that break it."""
        if condition.broken():
            raise OutsideDomain(otherwise())
        self._require(condition)

    def _require(self, condition: Condition) -> None:
        """Raise OutsideDomain if broken; remember the condition if symbols decide."""
        self._conditions.update(dict.fromkeys(require(condition)))

    def record(
        self,
        kind: Kind,
        name: str,
        inputs: tuple[Feature, ...],
        output: Shape,
        *,
        weights: tuple[tuple[str, Shape] | Weight, ...] = (),
        buffers: tuple[tuple[str, Shape], ...] = (),
        window: Window | None = None,
        groups: Size = 1,
        function: Arithmetic | None = None,
    ) -> Feature:
        """Append one row and return its output. Weights get their names from the row's path, unless
        `stored` named them. Only `analytic.operators` calls this."""
        path = self._prefix + name
        own = (w if isinstance(w, Weight) else Weight(f"{path}.{w[0]}", w[1]) for w in weights)
        row = Operator(
            kind,
            path,
            tuple([x.shape for x in inputs]),
            output,
            tuple(own),
            tuple([Weight(f"{path}.{key}", shape) for key, shape in buffers]),
            window,
            groups,
            function,
            tuple([x.source for x in inputs]),
            len(self._rows),
            self._repeat,
        )
        self._rows.append(row)
        return Feature(self, output, row.id)

    def stored(
        self, name: str, shape: Shape, *, learnt: bool = True, frozen: bool = False
    ) -> Weight:
        """A tensor of this scope, which several rows may share: it counts once."""
        return Weight(f"{self._prefix}{name}", shape, learnt, frozen)

    def ledger(self) -> Ledger:
        """The ledger of what has been written so far, with simplified conditions."""
        return Ledger(tuple(self._rows), simplified(self._conditions))


class Feature(NamedTuple):
    """A tensor on a tape: its shape, (B, C, H, W), (B, tokens, features) or (B, features), and the
    row that made it."""

    tape: Tape
    shape: Shape
    source: int = INPUT

    @property
    def batch(self) -> Size:
        return self.shape[0]

    @property
    def channels(self) -> Size:
        return self.shape[1]

    @property
    def grid(self) -> tuple[Size, ...]:
        """Spatial sizes: (H, W) of a map, () of a vector."""
        return self.shape[2:]

    def view(self, *shape: Size) -> Feature:
        """The same tensor in another shape: no row."""
        return self._replace(shape=shape)

    def narrow(self, channels: Size) -> Feature:
        """Some of the channels: another view of the same tensor, no row."""
        return self._replace(shape=(self.batch, channels, *self.grid))


def record(network: Callable[..., Any], *shapes: Shape) -> Ledger:
    """The ledger of `network` applied to inputs of these shapes, one argument each.

    >>> from flopscope.analytic.operators import linear
    >>> record(lambda x: linear(x, 4), (16, 9)).macs().value
    576
    """
    tape = Tape()
    network(*(Feature(tape, shape, INPUT - n) for n, shape in enumerate(shapes)))
    return tape.ledger()
