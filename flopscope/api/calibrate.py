"""A device from measured networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.given import as_given, flag, text
from flopscope.api.public import public
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.answers.calibrate import Calibration
    from flopscope.timing.device import Device
    from flopscope.timing.measurement import Latency


@dataclass(frozen=True, repr=False)
class CalibrateReport(Report):
    """The report that `calibrate` returns; `device` is what predicts, and `to_json` is its file."""

    calibration: Calibration

    @property
    def device(self) -> Device:
        """The device."""
        return self.calibration.device

    def document(self) -> Document:
        """Its errors, those of each family, and its constants."""
        from flopscope.present.calibrate import calibration_document

        return calibration_document(self.calibration)

    @property
    def about(self) -> str:
        return (
            f"{self.device.name}, {self.device.calibration.networks} networks, median error "
            f"{self.device.held_out.median:.1f} %"
        )


@public(measured=as_given, device_name=text, sister=as_given, skip_unknown=flag)
def calibrate(
    measured: str | Sequence[Latency],
    device_name: str | None = None,
    sister: str | Device | None = None,
    skip_unknown: bool = False,
) -> CalibrateReport:
    """The device whose constants fit measured networks best, with its errors on families held out.

    `measured` is the path of a table, as `flopscope calibrate --from` takes it, or latencies.
    `sister` is a device of the same runtime and type, whose constants times one scale are the
    start. The report's `device` predicts times, and its JSON is a device file. Raises BadInput,
    UnknownName.

    >>> calibrate("nowhere.csv")
    Traceback (most recent call last):
    ...
    flopscope.errors.BadInput: cannot read 'nowhere.csv': No such file or directory; give a CSV file
    """
    from flopscope.answers.calibrate import calibrate as calibrated
    from flopscope.timing.builtin import device_of
    from flopscope.timing.latency_table import read_latencies
    from flopscope.timing.measurement import Latency

    latencies = read_latencies(measured) if isinstance(measured, str) else list(measured)
    for each in latencies:
        if not isinstance(each, Latency):
            raise BadInput(
                f"{each!r} is no latency; give the path of a table, or a list of Latency"
            )
    known = None if sister is None else device_of(sister)
    found = calibrated(latencies, device_name, known, skip_unknown=skip_unknown)
    return CalibrateReport(found)
