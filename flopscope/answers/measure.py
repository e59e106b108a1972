"""How long networks really take: each is run in a runtime, and what it took is a `Latency`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given, image_of, made
from flopscope.answers.full_speed import pace_of_machine, time_again
from flopscope.answers.how import How
from flopscope.answers.layer_times import LayerTime, layer_times
from flopscope.answers.making import target_of
from flopscope.answers.running import runnable
from flopscope.answers.target import Target
from flopscope.brief import short
from flopscope.errors import BadInput, listed
from flopscope.timing.clock import drift
from flopscope.timing.measurement import LOADED, Latency
from flopscope.version import __version__

if TYPE_CHECKING:
    from flopscope.measured.machine.anchor import Anchor, Pace
    from flopscope.measured.runtimes import Array, Network, Running, Runtime
    from flopscope.measured.stopwatch import Rounds

PROFILED = 10
"""Runs whose operators a profiler times."""


@dataclass(frozen=True)
class Measured:
    """One network that was run. `difference` is how far its results are from those of its module in
    PyTorch, over their largest value: None where there is nothing to compare, as for an ONNX file;
    up to `tolerance` they are the same. `left_out` rounds do not count, because the machine had not
    its full speed. `layers` are the times of its layers where they are asked for."""

    target: Target
    latency: Latency
    shapes: tuple[tuple[int, ...], ...]
    difference: float | None
    tolerance: float
    crowding: float | None
    layers: tuple[LayerTime, ...] = ()
    left_out: int = 0

    def __repr__(self) -> str:
        return short(self, f"{self.target.name}, {self.latency.latency_ms:.4g} ms")

    @property
    def is_same(self) -> bool:
        """Are its results those of the module, so far as they can be compared?"""
        return self.difference is None or self.difference <= self.tolerance

    @property
    def is_loaded(self) -> bool:
        """Did other programs keep the processor busy meanwhile?"""
        return self.crowding is not None and self.crowding > LOADED


@dataclass(frozen=True)
class Measurements:
    """The networks that were run in one way, in the order in which they were given."""

    how: How
    title: str
    entries: tuple[Measured, ...] = field(default_factory=tuple)

    @property
    def latencies(self) -> list[Latency]:
        """What a table of latencies has of them."""
        return [entry.latency for entry in self.entries]

    @property
    def drift(self) -> float | None:
        """The slowest anchor over the fastest, where the machine has changed its speed."""
        return drift(self.latencies)

    @property
    def agrees(self) -> bool:
        """Did the runtime compute what PyTorch computes, for every network?"""
        return all(entry.is_same for entry in self.entries)


def measure(
    targets: Sequence[Any],
    how: How | None = None,
    given: Given | None = None,
    arguments: Mapping[str, Any] | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Measurements:
    """Run each target and time it. `tell` is told how many of how many networks are done. Of
    several, those that were timed while the machine was slower than at its best are timed again.

    Raises BadInput where a runtime refuses a network, with its own words, and as `runnable` does.
    """
    from flopscope.measured.runtimes import RUNTIMES

    how, given = how or How(), given or Given()
    networks = made([target_of(target) for target in targets], given)
    if not networks:
        raise BadInput("there is no network to run; give one, such as mobilenetv2")
    pace, entries = pace_of_machine(), {}
    for number, target in enumerate(networks):
        tell(number, len(networks))
        entries[number] = measured(target, how, given, arguments, pace)
    time_again(
        entries,
        lambda number: measured(networks[number], how, given, arguments, pace),
        lambda entry: entry.latency,
    )
    tell(len(networks), len(networks))
    return Measurements(how, RUNTIMES[how.runtime].title, tuple(entries.values()))


def measured(
    target: Target,
    how: How,
    given: Given,
    arguments: Mapping[str, Any] | None = None,
    pace: Pace | None = None,
) -> Measured:
    """One target, run and timed; with a `pace`, while the machine has its full speed. Raises as
    `measure` does."""
    from flopscope.measured.runtimes.torch_threads import torch_settings
    from flopscope.tracing.loading.guards import prints_aside

    _check_kind(target, how)
    with TemporaryDirectory() as name, torch_settings(how.threads), prints_aside():
        return _run(target, how, given, arguments, Path(name), pace)


def _run(
    target: Target,
    how: How,
    given: Given,
    arguments: Mapping[str, Any] | None,
    folder: Path,
    pace: Pace | None,
) -> Measured:
    from flopscope.measured.machine.anchor import anchor
    from flopscope.measured.machine.energy import meter
    from flopscope.measured.machine.peak import start_peak
    from flopscope.measured.outputs import TOLERANCE, difference
    from flopscope.measured.runtimes import RUNTIMES, Asked, loader
    from flopscope.measured.stopwatch import timed

    speed = anchor()
    grown = start_peak(how.place)
    asked, runtime = Asked(how.threads, how.dtype, how.place), RUNTIMES[how.runtime]
    ready = prepared(target, how, given, arguments, folder)
    with _refusing(target, runtime), ready as (network, reference, is_file):
        if is_file:
            grown = start_peak(how.place)
        running = loader(how.runtime)(network, asked, folder)
        with closing(running):
            counter = meter(how.place)
            # the anchors would count as energy of the network, and a GPU does not feel them
            watched = None if counter or running.clock is None else pace
            rounds = timed(
                running.run, running.clock, rounds=how.rounds, finish=running.finish,
                meter=counter, seconds=how.seconds, pace=watched,
            )  # fmt: skip
            grew = grown() if runtime.states_memory(how.place) else None
            apart = None if reference is None else difference(running.outputs(), reference)
            shapes = tuple(tuple(value.shape) for value in network.values)
            latency = _latency(target, how, shapes, running, rounds, speed, grew)
            layers = _layers(target, how, given, arguments, running)
    return Measured(
        target, latency, shapes, apart, TOLERANCE[how.dtype],
        latency.crowding or (speed.crowding if running.clock else None), layers, rounds.left_out,
    )  # fmt: skip


@contextmanager
def prepared(
    target: Target,
    how: How,
    given: Given,
    arguments: Mapping[str, Any] | None,
    folder: Path,
) -> Iterator[tuple[Network, list[Array] | None, bool]]:
    """The network as the runtime takes it, the results of its module, and whether it is a file. The
    module is gone when the runtime reads a file, so that its memory is not in the way."""
    from flopscope.measured.runtimes import RUNTIMES

    if not RUNTIMES[how.runtime].reads_onnx or target.is_graph:
        with runnable(target, given, arguments) as network:
            yield network, None if target.is_graph else _reference(network, how), target.is_graph
        return
    from flopscope.measured.runtimes.exported import exported

    with runnable(target, given, arguments) as network:
        reference = _reference(network, how)
        network = replace(network, file=exported(network, folder), module=None)
    gc.collect()
    yield network, reference, True


def _reference(network: Network, how: How) -> list[Array] | None:
    """What PyTorch computes in float32; None where that is what is measured."""
    from flopscope.measured.runtimes import Asked
    from flopscope.measured.runtimes.eager import load

    if how.runtime == "eager" and how.dtype == "float32":
        return None
    return load(network, Asked(how.threads), Path()).outputs()


@contextmanager
def _refusing(target: Target, runtime: Runtime) -> Iterator[None]:
    from flopscope.measured.runtimes import Refused

    try:
        yield
    except Refused as error:
        raise BadInput(f"{runtime.title} refuses {target.name}: {error}") from error


def _check_kind(target: Target, how: How) -> None:
    from flopscope.measured.runtimes import RUNTIMES

    runtime = RUNTIMES[how.runtime]
    if target.is_graph and not runtime.reads_onnx:
        readers = [name for name, each in RUNTIMES.items() if each.reads_onnx]
        raise BadInput(
            f"{target.name} is an ONNX file, which {runtime.title} does not run; give --runtime "
            f"{listed(readers)}"
        )


def _latency(
    target: Target,
    how: How,
    shapes: Sequence[tuple[int, ...]],
    running: Running,
    rounds: Rounds,
    speed: Anchor,
    grew: int | None,
) -> Latency:
    from flopscope.measured.machine.naming import device_name
    from flopscope.measured.machine.peak import memory_is
    from flopscope.measured.runtimes import RUNTIMES
    from flopscope.measured.stopwatch import STATISTIC, middle_mean, quartile

    wall = middle_mean(rounds.wall)
    batch = next((shape[0] for shape in shapes if shape), 1)
    return Latency(
        model=target.name,
        catalogue="" if target.variant is None else str(target.variant),
        device=how.device or device_name(how.place),
        runtime=RUNTIMES[how.runtime].known_as,
        runtime_version=running.version,
        dtype=how.dtype,
        threads=how.threads if running.clock else None,
        layout="nchw",
        mode="inference",
        batch=batch,
        resolution=image_of(shapes),
        latency_ms=_ms(wall),
        q25_ms=_ms(quartile(rounds.wall, 0.25)),
        q75_ms=_ms(quartile(rounds.wall, 0.75)),
        min_ms=_ms(min(rounds.wall)),
        cpu_ms=_ms(middle_mean(rounds.cpu)) if rounds.cpu else None,
        cpu_min_ms=_ms(min(rounds.cpu)) if rounds.cpu else None,
        throughput_ips=float(f"{batch / wall:.6g}"),
        rounds=len(rounds.wall),
        anchor_ms=float(f"{rounds.anchor_ms or speed.milliseconds:.4g}"),
        memory_bytes=grew,
        memory_is=memory_is(how.place) if grew else "",
        energy_mj=rounds.millijoules and float(f"{rounds.millijoules:.4g}"),
        energy_is=_energy_is(how.place) if rounds.millijoules else "",
        date=datetime.now(UTC).date().isoformat(),
        statistic=STATISTIC,
        source=f"flopscope {__version__}",
    )


def _energy_is(place: str) -> str:
    from flopscope.measured.machine.energy import NVML, RAPL

    return NVML if place == "cuda" else RAPL


def _ms(seconds: float) -> float:
    """Milliseconds in six digits, which is more than any clock is good for."""
    return float(f"{1e3 * max(seconds, 1e-9):.6g}")


def _layers(
    target: Target,
    how: How,
    given: Given,
    arguments: Mapping[str, Any] | None,
    running: Running,
) -> tuple[LayerTime, ...]:
    if how.by is None:
        return ()
    if running.profile is None:
        raise BadInput("times of layers are measured on the processor; leave --on or --by out")
    return layer_times(target, given, arguments, running.profile(PROFILED))
