"""Published latencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from flopscope.answers.latencies import Latencies


@dataclass(frozen=True, repr=False)
class LatenciesReport(Report):
    """The report that `latencies` returns; `found` has the rows."""

    found: Latencies

    def document(self) -> Document:
        """The latencies with their sources, or the devices."""
        from flopscope.present.latencies import latencies_document

        return latencies_document(self.found)

    @property
    def about(self) -> str:
        on = f" on {self.found.on.name}" if self.found.on else ""
        return ", ".join(self.found.networks or ["published latencies"]) + on


@public(models=text, device=text)
def latencies(*models: str, device: str | None = None) -> LatenciesReport:
    """The latencies that others measured and published of models of the catalogue, in milliseconds
    of a whole batch, on one `device` or on all. Without models those of the device are shown, and
    without both the devices. Raises BadInput, UnknownName.

    >>> latencies("mobilenetv2", device="pixel3-cpu-tflite").to_dict()["latencies"][0]["latency_ms"]
    17.5
    """
    from flopscope.answers.latencies import published_latencies

    return LatenciesReport(published_latencies(models, device))
