"""A machine that is made up, on which operators and networks take what its constants say."""

from __future__ import annotations

from types import SimpleNamespace

from flopscope.answers.calibration_set import is_single
from flopscope.answers.measured_operators import rows_of
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.timing.measurement import Latency

START_MS = 4e-3
"""Milliseconds that starting a run takes."""


class Machine:
    """Does a multiply-accumulate in 0.05 ns and fetches a byte of activations in 0.1 ns. It has
    `crowding` times the wall time of its processor time, refuses what is in `refuses`, computes
    something else for what is in `differs`, and its anchor takes longer each time by `slower`, or
    what `anchors` gives."""

    def __init__(self, *, crowding=1.0, refuses=(), differs=(), slower=0.0):
        self.crowding, self.refuses, self.slower = crowding, refuses, slower
        self.differs = differs
        self.anchors = None
        self.asked = []

    def measured(self, target, how, given, arguments=None, pace=None):
        """What stands for `answers.measure.measured`."""
        self.asked.append((target.name, how, given))
        if target.name in self.refuses:
            raise BadInput(f"a made-up runtime refuses {target.name}")
        alone = is_single(target.name)
        rows = rows_of(target.name) if alone else _ledger(target.name, given).rows
        batch = int(given.inputs[0].shape[0]) if alone else given.batch
        taken = START_MS + self.milliseconds(Ledger(rows))
        latency = Latency(
            target.name, "made up", taken * self.crowding, "" if alone else target.name,
            how.runtime, "made up 1.0", how.dtype, how.threads, "nchw", "inference", batch,
            None if alone else (given.res, given.res), cpu_ms=taken, cpu_min_ms=taken,
            anchor_ms=self._anchor(), date="2026-11-30",
            statistic="mean of the middle half", source="a test",
        )  # fmt: skip
        differs = target.name in self.differs
        return SimpleNamespace(
            latency=latency, is_same=not differs, difference=0.25 if differs else None
        )

    def _anchor(self):
        return next(self.anchors) if self.anchors else 1 + self.slower * len(self.asked)

    def milliseconds(self, ledger):
        """What the rows take, each on its own."""
        return 5e-8 * int(ledger.macs().value) + 1e-7 * int(ledger.traffic_bytes("float32").value)


def _ledger(name, given):
    return parse(name).ledger((given.res, given.res), given.batch)
