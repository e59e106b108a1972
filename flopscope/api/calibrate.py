"""A device from measured networks, or from this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flopscope.api.given import as_given, flag, positive, text
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
    """The report that `calibrate` returns; `device` is what predicts, and `to_json` is its file.
    `latencies` are the measurements that it was made from."""

    calibration: Calibration
    latencies: Sequence[Latency] = ()

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


@public(
    measured=as_given, device_name=text, sister=as_given, skip_unknown=flag, runtime=text,
    threads=positive, batch=positive, dtype=text, on=text,
)  # fmt: skip
def calibrate(
    measured: str | Sequence[Latency] | None = None,
    device_name: str | None = None,
    sister: str | Device | None = None,
    skip_unknown: bool = False,
    runtime: str = "ort",
    threads: int = 1,
    batch: int = 1,
    dtype: str = "float32",
    on: str = "cpu",
) -> CalibrateReport:
    """The device whose constants fit measured networks best, with its errors on families held out.

    `measured` is the path of a table, as `flopscope calibrate --from` takes it, or latencies.
    Without it, 67 operators and 22 networks are measured on this machine, which takes a minute or
    two: in a runtime, with so many threads and images, in a type of numbers, and on the cpu or a
    cuda GPU, as `measure` has these. `sister` is a device of the same runtime and type, whose
    constants times one scale are the start. The report's `device` predicts times, its JSON is a
    device file, and its `latencies` are the measurements. Raises BadInput, UnknownName.

    >>> calibrate("nowhere.csv")
    Traceback (most recent call last):
    ...
    flopscope.errors.BadInput: cannot read 'nowhere.csv': No such file or directory; give a CSV file
    """
    from flopscope.answers.calibrate import calibrate as calibrated
    from flopscope.timing.builtin import device_of
    from flopscope.timing.latency_table import read_latencies
    from flopscope.timing.measurement import Latency

    refused: Mapping[str, str] = {}
    if measured is None:
        from flopscope.answers.calibrate_here import measure_here
        from flopscope.answers.how import How

        here = measure_here(How(runtime, threads, dtype, place=on, device=device_name or ""), batch)
        latencies, refused = list(here.latencies), here.refused
    else:
        latencies = read_latencies(measured) if isinstance(measured, str) else list(measured)
    for each in latencies:
        if not isinstance(each, Latency):
            raise BadInput(
                f"{each!r} is no latency; give the path of a table, or a list of Latency"
            )
    known = None if sister is None else device_of(sister)
    found = calibrated(latencies, device_name, known, skip_unknown=skip_unknown)
    found = replace(found, left_out={**refused, **found.left_out})
    return CalibrateReport(found, tuple(latencies))
