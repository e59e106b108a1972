"""Latencies of the points of a frontier: those that are published of the device in question."""

from __future__ import annotations

from flopscope.catalog.latencies import measured, of_network
from flopscope.catalog.results import Results
from flopscope.catalog.variant import Variant
from flopscope.choosing.costs import Found
from flopscope.choosing.question import LATENCY, Question
from flopscope.errors import BadInput


def check_latency(question: Question, results: Results | None, computed: bool) -> None:
    """Raises BadInput for latencies of the catalogue without a device, and for those of a file
    beside those of a device."""
    if LATENCY not in question.costs:
        return
    if computed and question.device is None:
        raise BadInput(
            "latency is measured on a device, and none is named; name one for published latencies, "
            "such as pixel3-cpu-tflite (`flopscope latencies` lists all), or give your own in a "
            "results file, as latency_ms"
        )
    stating = results is not None and any(row.latency_ms is not None for row in results.rows)
    if stating and question.device is not None:
        raise BadInput(
            f"the results file states latencies, which are not known to be of {question.device}; "
            "leave the device out, or the column latency_ms"
        )


def timed(
    question: Question, variant: Variant | None, image: tuple[int, int] | None, found: Found
) -> tuple[Found, str]:
    """The measures with the published latency, if the question is about one; or why there is
    none."""
    on = question.device
    if on is None:
        return found, ""
    name = "" if variant is None else str(variant)
    if image is not None and (row := measured(on, name, image, question.measured_batch)):
        assert row.latency_ms is not None
        return {**found, LATENCY: row.latency_ms}, ""
    others = {r.batch for r in of_network(name) if (r.device.name, r.resolution) == (on, image)}
    if others - {None}:
        return found, f"measured on {on} at another batch than {question.measured_batch}"
    return found, f"no published latency on {on}"
