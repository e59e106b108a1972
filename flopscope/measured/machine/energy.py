"""The energy meters that a machine may have: RAPL of processors, NVML of NVIDIA's GPUs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
RAPL = "RAPL: the whole processor package, with all that ran on it meanwhile"
NVML = "NVML: the whole GPU"
SHORTEST = 0.1
"""Seconds that must pass between two readings of a meter, which moves in steps."""


@dataclass(frozen=True)
class Meter:
    """A meter that counts millijoules upwards, and in words what it counts. At `wraps` it begins
    anew; None where it never does."""

    read: Callable[[], float]
    counts: str
    wraps: float | None = None

    def between(self, first: float, last: float) -> float:
        """The millijoules between two readings, with at most one new beginning between them."""
        if last >= first or self.wraps is None:
            return last - first
        return last + self.wraps - first


def meter(place: str, powercap: Path = POWERCAP) -> Meter | None:
    """The meter of the device that runs the network; None where it has none that may be read."""
    try:
        return _nvml() if place == "cuda" else _rapl(powercap)
    except (OSError, ValueError, AttributeError, RuntimeError):
        return None


def _rapl(powercap: Path) -> Meter | None:
    """All packages together; their parts, which have a second number, are in them."""
    zones = [zone for zone in powercap.glob("intel-rapl:*") if zone.name.count(":") == 1]
    packages = [zone for zone in zones if _text(zone / "name").startswith("package")]
    if not packages:
        return None
    ranges = [int(_text(zone / "max_energy_range_uj")) for zone in packages]

    def read() -> float:
        return sum(int(_text(zone / "energy_uj")) for zone in packages) / 1e3

    read()  # only root may, on most machines
    return Meter(read, RAPL, ranges[0] / 1e3 if len(packages) == 1 else None)


def _text(file: Path) -> str:
    return file.read_text(encoding="ascii").strip()


def _nvml(load: Callable[[str], Any] = ctypes.CDLL) -> Meter:
    """The GPU that torch computes on, by its identity, which both know."""
    import torch

    library = load("libnvidia-ml.so.1")
    handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
    identity = f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"
    _succeed(library.nvmlInit_v2())
    _succeed(library.nvmlDeviceGetHandleByUUID(identity.encode(), ctypes.byref(handle)))

    def read() -> float:
        _succeed(library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy)))
        return float(energy.value)

    read()
    return Meter(read, NVML)


def _succeed(status: int) -> None:
    if status != 0:
        raise OSError(f"NVML gives the status {status}")
