"""Budgets as arguments: macs="150M", or max_params=5_000_000."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_number, text
from flopscope.brief import shown
from flopscope.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from flopscope.answers.devices import NamedDevice
    from flopscope.choosing.budgets import Budget
    from flopscope.timing.device import Device


def budgets(
    limits: Mapping[str, Any], prefix: str = "", device: Device | NamedDevice | None = None
) -> list[Budget]:
    """Upper bounds on quantities, each named `prefix` and the quantity's name: integers, or texts
    such as '300M'. A latency on the device is a text such as '12ms'.

    Raises UnknownName for another name, BadInput for what is no number from 1 or no time, and for a
    latency without a device.

    >>> budgets({"max_macs": "300M"}, "max_")
    [Budget(quantity='macs', limit=300000000, measure=None)]
    """
    from flopscope.answers.timed import NAME
    from flopscope.choosing.budgets import parse_budget, time_budget
    from flopscope.quantities import bounded

    known = {f"{prefix}{quantity.name}": quantity.name for quantity in bounded()}
    time = f"{prefix}{NAME}"
    for name in limits:
        if name not in (*known, time):
            raise UnknownName("budget", name, [*known, time])
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return [
        time_budget(name, device, str(limit))
        if name == time
        else parse_budget(name, known[name], _limit(name, limit))
        for name, limit in given.items()
    ]


def device_given(given: str | Device | None) -> Device | None:
    """The device of a name or of a file, on which times are predicted. Raises UnknownName for
    another name, BadInput for what is none and for a device without a fit."""
    named = named_device_given(given)
    return None if named is None else named.fitted()


def named_device_given(given: str | Device | None) -> NamedDevice | None:
    """The device of a name or of a file, with what is known of it. Raises UnknownName for another
    name, BadInput for what is none."""
    from flopscope.answers.devices import device_named
    from flopscope.timing.device import Device

    if given is not None and not isinstance(given, str | Device):
        raise BadInput(
            f"device {shown(given)} is no device; give its name, the path of its file, or the "
            "device of fs.calibrate"
        )
    return None if given is None else device_named(given)


def _limit(name: str, limit: Any) -> str:
    if not isinstance(limit, str) and not is_number(limit):
        raise BadInput(
            f"{name} {shown(limit)} is not a number from 1; give one such as 150M, as text, or "
            "150_000_000"
        )
    return text(name, limit) if isinstance(limit, str) else str(limit)
