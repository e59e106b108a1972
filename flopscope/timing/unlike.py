"""Where a network is unlike those that a device was calibrated with: what is refused, and what the
reader is warned of."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.readings import macs
from flopscope.timing.categories import CONVOLUTIONS, PRODUCT_KINDS, category
from flopscope.timing.device import Device
from flopscope.timing.precision import WHOLE


def kind_of(row: Operator) -> str:
    """The kind of operator by which a device says what it has seen: of convolutions also whether
    they are depthwise, grouped or pointwise."""
    if row.kind in CONVOLUTIONS:
        return f"{category(row).value} {row.kind.value}"
    return row.kind.value


def check_types(rows: Sequence[Operator], device: Device) -> None:
    """Raises BadInput for a quantised network on a device of floating-point numbers."""
    if device.dtype == "int8":
        return
    for row in rows:
        if row.kind in PRODUCT_KINDS and row.weights and row.weights[0].element.startswith(WHOLE):
            raise BadInput(
                f"{row.path or 'an operator'} multiplies {row.weights[0].element}, and the device "
                f"{device.name} was calibrated with {device.dtype}; give a device of int8"
            )


def unlike(rows: Sequence[Operator], batch: int, device: Device) -> tuple[str, ...]:
    """What rows at numbers have that no network of the calibration had, as ends of sentences whose
    subject is the network."""
    seen, found = device.seen, []
    work = macs(rows).value
    if not seen.macs[0] <= work <= seen.macs[1]:
        found.append(
            f"does {work:,} MACs a run, outside {seen.macs[0]:,} to {seen.macs[1]:,}, which "
            f"{device.name} was calibrated with"
        )
    if not seen.batch[0] <= batch <= seen.batch[1]:
        found.append(
            f"runs at a batch of {batch:,}, outside {seen.batch[0]:,} to {seen.batch[1]:,}, which "
            f"{device.name} was calibrated with"
        )
    kinds = dict.fromkeys(kind_of(row) for row in rows if row.kind not in _APART)
    if unseen := [kind for kind in kinds if kind not in seen.kinds]:
        found.append(
            f"has operators that no network of the calibration of {device.name} had: "
            f"{', '.join(unseen)}"
        )
    if any(row.kind is Kind.UNKNOWN for row in rows):
        found.append("has operators of unknown cost, whose time is that of their bytes alone")
    return tuple(found)


_APART = (Kind.STORED, Kind.UNKNOWN)
"""Kinds that do not run, and those of which a sentence of their own speaks."""
