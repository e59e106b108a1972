"""Latencies of the points of a frontier: those that are published of the device in question."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from flopscope.answers.timed import TimeQuantity
from flopscope.catalog.latencies import Latency, of_network
from flopscope.catalog.results import Results
from flopscope.catalog.variant import Variant
from flopscope.choosing.costs import Found
from flopscope.choosing.question import LATENCY, Question
from flopscope.errors import BadInput


class Timed(NamedTuple):
    """The measures with the latency, if the question is about one; the published row that it is
    taken from, None where it is predicted; or why there is none."""

    found: Found
    row: Latency | None = None
    lacking: str = ""


def check_latency(question: Question, results: Results | None, computed: bool) -> None:
    """Raises BadInput for latencies of the catalogue without a device, and for those of a file
    beside those of a device."""
    if question.device is None:
        if computed and LATENCY in question.costs:
            raise BadInput(
                "latency is a time on a device, and none is named; name one, such as "
                "pixel3-cpu-tflite (`flopscope latencies` lists those with published latencies), "
                "or give your own in a results file, as latency_ms"
            )
        return
    if results is not None and any(row.latency_ms is not None for row in results.rows):
        raise BadInput(
            "the results file states latencies, which are not known to be of "
            f"{question.device.name}; leave the device out, or the column latency_ms"
        )


def timed(
    question: Question, variant: Variant | None, image: tuple[int, int] | None, found: Found
) -> Timed:
    """The published latency in place of the predicted one, where there is one of this network at
    this input size and at the batch in question. Without it, and without a fit, there is none."""
    on, batch = question.device, question.latency_batch
    if on is None:
        return Timed(found)
    name = "" if variant is None else str(variant)
    if image is not None and (row := on.measured(name, image, batch)):
        assert row.latency_ms is not None
        return Timed({**found, **_amounts(question, row.latency_ms)}, row)
    if on.fit is not None:
        return Timed(found)
    others = {
        r.batch for r in of_network(name) if (r.device.name, r.resolution) == (on.name, image)
    }
    if others - {None}:
        return Timed(found, None, f"measured on {on.name} at another batch than {batch}")
    return Timed(found, None, f"no published latency on {on.name}")


def _amounts(question: Question, milliseconds: Fraction) -> Found:
    """A published latency as the measures in question have it."""
    times = (each for each in question.measures if isinstance(each, TimeQuantity))
    return {
        **({LATENCY: milliseconds} if LATENCY in question.costs else {}),
        **{each: round(milliseconds * each.per) for each in times},
    }
