"""A device from a table of measured networks, and of operators that were measured alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flopscope.answers.measured_networks import Found, Progress, Traces, networks
from flopscope.answers.measured_operators import beyond_start, parted, rows_of
from flopscope.brief import number_of, short
from flopscope.errors import BadInput, listed
from flopscope.timing.calibration import Calibrated, Case, Facts, by_family, calibrated, case
from flopscope.timing.clock import Clock, clock_of, drift
from flopscope.timing.device import Device
from flopscope.timing.held_out import family_of
from flopscope.timing.measurement import Latency, Setting, one_setting
from flopscope.timing.precision import PRECISIONS, precision_named
from flopscope.timing.runtimes import RUNTIMES, runtime_of


@dataclass(frozen=True)
class FamilyError:
    """The errors of the networks of a family when it is held out, in percent of the measured time:
    the median with its sign, and the median without."""

    family: str
    networks: int
    signed: float
    absolute: float


@dataclass(frozen=True)
class Calibration:
    """A device, its errors by family, and why networks of the table were left out, by name. `drift`
    is how many times the machine's best speed was its worst; None where it kept its speed.
    `repeated` rows measured a network that another row had measured too."""

    device: Device
    families: tuple[FamilyError, ...]
    left_out: dict[str, str]
    fitted: Calibrated
    models: tuple[str, ...]
    drift: float | None = None
    repeated: int = 0

    def __repr__(self) -> str:
        return short(
            self,
            f"{self.device.name} from {number_of(self.models, 'network')}, median error "
            f"{self.device.held_out.median:.1f} %",
        )


def calibrate(
    latencies: Sequence[Latency],
    name: str | None = None,
    sister: Device | None = None,
    *,
    skip_unknown: bool = False,
    day: str | None = None,
    protocol: str = "families",
    progress: Progress = lambda done, of: None,
    traces: Traces | None = None,
) -> Calibration:
    """The device whose constants make measured networks' times nearest to the predicted ones, and
    its errors on networks whose family was held out.

    name: of the device in files; the machine's own name otherwise. sister: a device whose constants
    are the start, by one scale. protocol: "families", or "widths" where networks of one family are
    held out by width, each at all its input sizes. Operators that were measured alone, as
    `measure_here` does, give the start where there is no sister. Where a machine was busy, the
    times are those that `clock_of` chooses.
    Raises BadInput for latencies of several machines or settings, for one that does not say its
    runtime, for too few networks without a sister, and for networks that cannot be found.
    """
    setting = one_setting(latencies)
    _check_stated(setting, sister)
    whole, alone = parted(latencies)
    clock = clock_of(latencies)
    found = networks(whole, skip_unknown=skip_unknown, progress=progress, traces=traces)
    if not found.found:
        raise BadInput("no network of the table can be found; write targets such as mobilenetv2")
    measured = _merged(found.found, clock)
    cases = [_case(each, setting, protocol, seconds) for each, seconds in measured]
    singles = [] if sister else _singles(alone, setting, clock)
    facts = Facts(
        name or _plain(setting.device), setting, clock.words, day or _day(latencies),
        _source(latencies, len(singles)), _repeatability(latencies), f"{protocol} held out",
    )  # fmt: skip
    fitted = calibrated(cases, facts, sister, singles)
    errors = by_family(fitted, [family_of(each.latency.model) for each, _ in measured])
    families = tuple(FamilyError(family, *values) for family, values in errors.items())
    models = tuple(each.latency.model for each, _ in measured)
    return Calibration(
        fitted.device, families, dict(found.left_out), fitted, models, drift(latencies),
        len(found.found) - len(measured),
    )  # fmt: skip


def _merged(found: Sequence[Found], clock: Clock) -> list[tuple[Found, float]]:
    """Each network with its seconds. One that several rows measure at one size and batch is one
    network, and has the median of its times."""
    several: dict[object, list[Found]] = {}
    for each in found:
        latency = each.latency
        key = each.target.name, latency.resolution, latency.batch or 1
        several.setdefault(key, []).append(each)
    return [
        (same[0], statistics.median(clock.seconds(each.latency) for each in same))
        for same in several.values()
    ]


def _case(found: Found, setting: Setting, protocol: str, seconds: float) -> Case:
    latency = found.latency
    whole = latency.catalogue or latency.model
    held = family_of(latency.model) if protocol == "families" else whole
    return case(found.rows, setting, held, seconds, latency.batch or 1)


def _singles(alone: Sequence[Latency], setting: Setting, clock: Clock) -> list[Case]:
    """Operators that were measured alone, by what they take beyond the start of a run. One whose
    rows are no work says nothing and is left out."""
    found = [
        case(rows_of(each.model), setting, each.model, seconds, each.batch or 1)
        for each, seconds in beyond_start([(each, clock.seconds(each)) for each in alone])
    ]
    return [each for each in found if each.works]


def _check_stated(setting: Setting, sister: Device | None) -> None:
    """Raises BadInput where the table does not say what the units depend on, and for a sister of
    another runtime or type."""
    for what, known in (("runtime", RUNTIMES), ("dtype", PRECISIONS)):
        if not getattr(setting, what):
            raise BadInput(
                f"the table does not state the {what}, on which the time depends; add a column "
                f"{what} with one of {listed(known)}"
            )
    runtime = runtime_of(setting.runtime, setting.runtime_version).name
    dtype = precision_named(setting.dtype).name
    if sister is None:
        return
    for what, own, other in (
        ("runtime", runtime, sister.runtime),
        ("dtype", dtype, sister.dtype),
        ("mode", setting.mode or "inference", sister.mode),
    ):
        if own != other:
            raise BadInput(
                f"the table is of the {what} {own} and the sister {sister.name} of {other}; give a "
                f"sister whose {what} is {own}"
            )


def _plain(text: str) -> str:
    """A name for files: small letters, digits and hyphens.

    >>> _plain("NVIDIA GeForce RTX 4090")
    'nvidia-geforce-rtx-4090'
    """
    letters = "".join(sign if sign.isalnum() else " " for sign in text.lower())
    return "-".join(letters.split())


def _day(latencies: Sequence[Latency]) -> str:
    """The last day of the measurements, or else today."""
    return max((each.date for each in latencies if each.date), default=date.today().isoformat())


def _source(latencies: Sequence[Latency], singles: int) -> str:
    files = dict.fromkeys(", ".join(filter(None, (e.source, e.table_or_file))) for e in latencies)
    start = f"{singles} operators alone as the start" if singles else ""
    return "; ".join(filter(None, [*files, start]))


def _repeatability(latencies: Sequence[Latency]) -> float | None:
    """The median distance of the quartiles, in percent of the time; None where none are stated."""
    apart = [
        100 * (each.q75_ms - each.q25_ms) / each.latency_ms
        for each in latencies
        if each.q25_ms is not None and each.q75_ms is not None
    ]
    return round(statistics.median(apart), 2) if apart else None
