"""The devices that come with flopscope, each fitted from a published table, and devices by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from flopscope.errors import UnknownName
from flopscope.timing.device import Device
from flopscope.timing.device_file import read_device

FOLDER = Path(__file__).parent / "devices"
"""Where their files are; they are data of the package."""

ENDING = ".json"


def device_names() -> Sequence[str]:
    """The names of the devices that come with flopscope."""
    return sorted(path.name.removesuffix(ENDING) for path in FOLDER.glob(f"*{ENDING}"))


@cache
def _builtin(name: str) -> Device:
    return read_device(FOLDER / f"{name}{ENDING}")


def device_of(given: str | Device) -> Device:
    """The device of a name or of a file, whose path ends in .json; a device is itself.

    Raises UnknownName for a name that is none, BadInput for a file that cannot be read.
    """
    if isinstance(given, Device):
        return given
    if str(given).endswith(ENDING):
        return read_device(given)
    if given not in device_names():
        more = "write the path of a device file, such as device.json, or give one of these"
        raise UnknownName("device", given, device_names(), f"{more}: {', '.join(device_names())}")
    return _builtin(given)


def is_builtin(device: Device) -> bool:
    """Is it one that comes with flopscope, and no other of its name?"""
    return device.name in device_names() and device == _builtin(device.name)
