"""Budgets, which are upper bounds on quantities, and how their text is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.answers.devices import NamedDevice
from flopscope.answers.timed import NAME, latency_on
from flopscope.errors import BadInput
from flopscope.numerals import SUFFIXES, number
from flopscope.quantities import QUANTITIES, Quantity
from flopscope.timing.builtin import device_names
from flopscope.timing.device import Device
from flopscope.timing.roofline import UNIT

SUCH: Mapping[str, str] = {
    "bytes": "20MB, 1.2 GB, 5e6 or 5,000,000",
    "fJ": "20mJ, 1.5 mJ or 3e13, which is in femtojoules",
    "as": "12ms, 1.5 s or 300us",
}
"""Examples of budgets in each unit that may stand behind the number."""


class Budget(NamedTuple):
    """At most `limit` of a quantity. `measure` is the quantity where its name alone does not say
    it, as that of a time, which needs a device."""

    quantity: str
    limit: int
    measure: Quantity | None = None

    @property
    def of(self) -> Quantity:
        """The quantity that it bounds."""
        return self.measure or QUANTITIES[self.quantity]

    def __str__(self) -> str:
        return self.of.amount(self.limit)


def time_budget(option: str, device: Device | NamedDevice | None, text: str) -> Budget:
    """'12ms' as a budget of time on a device. Raises BadInput for text that is no time, without a
    device, and for a device without a fit."""
    limit = int(number(text, UNIT) or 0)
    if limit < 1:
        raise BadInput(f"{option} {text} is not a time; give one such as {SUCH[UNIT]}")
    if device is None:
        raise BadInput(
            f"{option} {text} is a time on a device, and none is named; name one with --device, "
            f"such as {device_names()[0]} or the path of a device file"
        )
    fit = device.fitted() if isinstance(device, NamedDevice) else device
    return Budget(NAME, limit, latency_on(fit))


def parse_budget(option: str, quantity: str, text: str) -> Budget:
    """'150M' as a budget of 150,000,000; bytes may be '1.2GB', and energy '20mJ'. `option` names it
    in messages.

    Raises BadInput for text that is no number from 1.

    >>> parse_budget("--macs", "macs", "1.5G").limit
    1500000000
    """
    unit = QUANTITIES[quantity].unit
    limit = int(number(text, unit if unit in SUFFIXES else "") or 0)
    if limit < 1:
        such = SUCH.get(unit, "150M, 1.5 G, 3e8 or 300,000,000")
        raise BadInput(f"{option} {text} is not a number from 1; give one such as {such}")
    return Budget(quantity, limit)
