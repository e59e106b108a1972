"""What is published of a network of the page: its top-1, its values of other metrics, and its
latency on a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any

from flopscope.alphabet import FREE as FREE_NAMES
from flopscope.catalog.accuracies import UNASKED, Accuracy, networks
from flopscope.catalog.figures import KINDS
from flopscope.catalog.latencies import Latency, by_network, devices
from flopscope.catalog.metrics import Score, family_scores
from flopscope.catalog.variant import Variant, parse
from flopscope.timing.builtin import is_builtin
from flopscope.timing.device import Device


@dataclass(frozen=True)
class Published:
    """A published top-1: the options and the (height, width) for which it is stated."""

    options: Mapping[str, Any]
    resolution: tuple[int, int]
    accuracy: Accuracy


@dataclass(frozen=True)
class Scored:
    """A published value of another metric than top-1, and the options for which it is stated."""

    options: Mapping[str, Any]
    score: Score


@dataclass(frozen=True)
class Measured:
    """A published latency: on which of the page's devices, and the options, the (height, width) and
    the batch for which it is stated."""

    device: int
    options: Mapping[str, Any]
    resolution: tuple[int, int]
    batch: int
    milliseconds: Fraction
    source: str


def published(network: Variant) -> Iterator[Published]:
    """The accuracies of the network at all widths and input sizes, those without a doubt."""
    for (model, text, resolution), several in networks(network.model.family).items():
        accuracy = UNASKED.of(several)
        if model != network.model.id or accuracy is None or accuracy.doubt is not None:
            continue
        options = _free_of(network, f"{model}:{text}" if text else model)
        if options is not None:
            yield Published(options, resolution, accuracy)


def scored(network: Variant) -> Iterator[Scored]:
    """The network's values of other metrics than top-1; of several sources the most
    authoritative."""
    rows = [row for row in family_scores(network.model.family) if row.model == network.model.id]
    seen = set()
    for row in sorted(rows, key=lambda each: KINDS.index(each.kind)):
        options = _free_of(network, f"{row.model}:{row.variant}" if row.variant else row.model)
        key = (row.variant, row.resolution, row.metric)
        if options is not None and key not in seen:
            seen.add(key)
            yield Scored(options, row)


def measured_on(on: Sequence[Device], network: Variant) -> Iterator[Measured]:
    """The latencies of the network, at all widths, sizes and batches, in the tables to which the
    devices that come with flopscope are fitted."""
    for place, device in enumerate(on):
        if not is_builtin(device) or device.name not in devices():
            continue
        seen = set()
        for text, row in _of_model(device.name).get(network.model.id, ()):
            options, (size, batch, time) = _free_of(network, text), _stated(row)
            key = (text, size, batch)
            if options is None or size is None or batch is None or time is None or key in seen:
                continue
            seen.add(key)  # of several rows of one network the first counts, as in `predict`
            yield Measured(place, options, size, batch, time, row.source.citation)


def _stated(row: Latency) -> tuple[tuple[int, int] | None, int | None, Fraction | None]:
    return row.resolution, row.batch, row.latency_ms


@cache
def _of_model(name: str) -> dict[str, list[tuple[str, Latency]]]:
    """The latencies of a device of networks of the catalogue, by the model's name."""
    found: dict[str, list[tuple[str, Latency]]] = {}
    for text, rows in by_network(name).items():
        found.setdefault(text.partition(":")[0], []).extend((text, row) for row in rows)
    return found


def _free_of(network: Variant, text: str) -> dict[str, Any] | None:
    """The free options in the text of a variant; None where the others are not the network's."""
    options = dict(parse(text).options)
    fixed = {name: _plain(value) for name, value in network.options}
    own = {n: _plain(v) for n, v in options.items() if n not in FREE_NAMES and n != "rho"}
    return {n: v for n, v in options.items() if n in FREE_NAMES} if own == fixed else None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
