"""The exported file is run, at each size that it is for, and compared with the module."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given
from flopscope.answers.exporting.sizes import DIMENSIONS, Sizes
from flopscope.answers.running import inputs_of, values_of
from flopscope.answers.target import Target
from flopscope.errors import BadInput
from flopscope.facts import InputSpec

if TYPE_CHECKING:
    from torch import nn

    from flopscope.measured.runtimes import Array, Network

TOLERANCE = 1e-4
"""The largest difference of a result from the module's, over the largest value of the results, up
to which a file computes the same."""

MOST_MEMORY = 4 * 2**30
"""The bytes of activations up to which the ends of a profile are run."""

MORE = 2
"""By how much a second batch is larger."""
OTHER_SIDES: Sequence[Callable[[int], int]] = (
    lambda side: side + 32, lambda side: 2 * side, lambda side: side + 1,
)  # fmt: skip
"""A second side of the image that a network may take, in the order in which they are tried."""

NODE = re.compile(r"Name:'([^']*)'.*?(?: was false\. ?(.*))?$")
"""The node that fails, and why, in a message of ONNX Runtime."""

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Check:
    """One run of the file beside the module: the shapes of the inputs, the largest difference of a
    result, and that over the largest value; None where there is nothing to compare."""

    shapes: Shapes
    absolute: float
    relative: float | None

    @property
    def is_same(self) -> bool:
        """Does the file compute what the module computes?"""
        return self.relative is not None and self.relative <= TOLERANCE


@dataclass(frozen=True)
class Subject:
    """A network that is exported: what it is, what it is given, and at which sizes; `peak` is the
    most bytes of its activations at the usual ones."""

    target: Target
    sizes: Sizes
    given: Given
    arguments: Mapping[str, Any] | None = None
    peak: int = 0

    def at(self, place: int) -> Given:
        """What it is given at the minimum, the optimum or the maximum."""
        batch, image = self.sizes.at(place)
        return replace(self.given, res=image, batch=batch)

    def usual(self) -> Given:
        """What it is given at the optimum."""
        return self.at(1)

    def specs(self, place: int = 1) -> tuple[InputSpec, ...]:
        """Its inputs at the minimum, the optimum or the maximum. Raises BadInput."""
        return tuple(inputs_of(self.target, self.at(place), self.arguments))

    def too_large(self, place: int) -> bool:
        """Would a run at the minimum or maximum take more memory than is spent on a check? Memory
        grows as the inputs do, if not faster."""
        asked, usual = (sum(prod(s.shape) for s in self.specs(p)) for p in (place, 1))
        return self.peak * asked > MOST_MEMORY * usual

    def axes(self) -> list[dict[int, str]]:
        """The axes of each input that stay open, by the names of their sizes. Raises BadInput where
        no input has such an axis."""
        names = self.sizes.open
        found = [_axes(spec, names) for spec in self.specs()]
        known = {name for axes in found for name in axes.values()}
        if missing := [name for name in names if name not in known]:
            raise BadInput(
                f"{self.target.name} takes no image of (batch, channels, height, width), and has "
                f"no {missing[0]} that could stay open; leave it out of --dynamic and --res"
            )
        return found


def _axes(spec: InputSpec, names: Sequence[str]) -> dict[int, str]:
    image = len(spec.shape) == 4
    at = {"batch": 0, **({"height": 2, "width": 3} if image else {})}
    return {at[name]: name for name in names if name in at and len(spec.shape) > at[name]}


def checks(subject: Subject, network: Network, file: Path, folder: Path) -> tuple[Check, ...]:
    """The file beside the module at every size that is stated for it. Where a dimension is open and
    no range is stated, it is run at a second size too.

    Raises BadInput where the module or the file does not take one of them.
    """
    assert network.module is not None
    first = network.values
    found = [_check(subject, network, first, file, folder)]
    for values in _others(subject, network):
        found.append(_check(subject, network, values, file, folder))
    return tuple(sorted(found, key=lambda each: each.shapes))


def _check(
    subject: Subject, network: Network, values: Sequence[Array], file: Path, folder: Path
) -> Check:
    from flopscope.measured.outputs import apart
    from flopscope.measured.runtimes import Asked, Refused, loader

    reference = results(network, values)
    given = taken(subject.target, network, values, file)
    try:
        run = loader("ort")(replace(network, inputs=given, named={}, file=file), Asked(), folder)
        found = apart(run.outputs(), reference)
    except Refused as error:
        raise BadInput(
            f"the file that torch exports of {subject.target.name} does not run on "
            f"{sizes_of(values)}: {_briefly(str(error))}; {_advice(subject)}"
        ) from error
    return Check(tuple(tuple(value.shape) for value in values), *found)


def sizes_of(values: Sequence[Array]) -> str:
    """The sizes of these values, as a sentence has them."""
    return " and ".join("×".join(map(str, value.shape)) for value in values)


def taken(target: Target, network: Network, values: Sequence[Array], file: Path) -> list[Array]:
    """The values that the file takes: torch leaves inputs out on which no result depends. Raises
    BadInput where none is left."""
    from flopscope.measured.runtimes.exported import input_names
    from flopscope.onnxgraph.overview import overview

    if network.file is not None:
        return list(values)
    known = overview(file).inputs
    named = zip(input_names(network), values, strict=True)
    found = [value for name, value in named if name in known]
    if len(found) < len(known):  # the newer exporter may have names of its own
        found = list(values)
    if not known:
        raise BadInput(
            f"no result of {target.name} depends on its inputs, so that a file of it would take "
            "none; give a network that computes something of them"
        )
    return found


def _briefly(said: str) -> str:
    """What ONNX Runtime says, without the places in its own code.

    >>> _briefly("[E] : 1 : while running Add node. Name:'/a/Add' Status Message: /b.h:5 x() y was "
    ...          "false. Cannot broadcast 7 by 8")
    'its node /a/Add fails: Cannot broadcast 7 by 8'
    """
    found = NODE.search(said)
    return said if found is None else f"its node {found[1]} fails: {found[2] or said}"


def _advice(subject: Subject) -> str:
    if subject.sizes.open:
        return "its code fixes sizes that are to stay open; export it for one size"
    return "give another --opset"


def results(network: Network, values: Sequence[Array]) -> list[Array]:
    """What the module computes of these values. Raises Refused."""
    from flopscope.measured.runtimes import Asked
    from flopscope.measured.runtimes.eager import load

    count = len(network.inputs)
    named = dict(zip(network.named, values[count:], strict=True))
    return load(replace(network, inputs=values[:count], named=named), Asked(), Path()).outputs()


def _others(subject: Subject, network: Network) -> Iterator[list[Array]]:
    """The values of the other sizes at which the file is run."""
    sizes = subject.sizes
    if any(map(sizes.has_range, DIMENSIONS)):
        seen = [[tuple(value.shape) for value in network.values]]
        for place in (0, 2):
            if subject.too_large(place):
                continue
            values = list(map(values_of, subject.specs(place)))
            if (shapes := [tuple(value.shape) for value in values]) not in seen:
                seen.append(shapes)
                _take(subject, network, values)
                yield values
    elif sizes.open:
        yield _second(subject, network)


def _second(subject: Subject, network: Network) -> list[Array]:
    """Values of another batch, and of another image where that is open."""
    axes, specs = subject.axes(), subject.specs()
    others = OTHER_SIDES if set(subject.sizes.open) - {"batch"} else OTHER_SIDES[:1]
    for number, other in enumerate(others, 1):
        values = [
            values_of(replace(spec, shape=_grown(spec.shape, open_, other)))
            for spec, open_ in zip(specs, axes, strict=True)
        ]
        try:
            _take(subject, network, values)
        except BadInput:
            if number == len(others):
                raise
        else:
            return values
    raise AssertionError("there is at least one size to try")


def _grown(
    shape: Sequence[Any], open_: Mapping[int, str], other: Callable[[int], int]
) -> tuple[int, ...]:
    return tuple(
        size if axis not in open_ else size + MORE if open_[axis] == "batch" else other(size)
        for axis, size in enumerate(shape)
    )


def _take(subject: Subject, network: Network, values: Sequence[Array]) -> None:
    """Raises BadInput where the module does not take these values."""
    from flopscope.measured.runtimes import Refused

    try:
        results(network, values)
    except Refused as error:
        raise BadInput(
            f"{subject.target.name} does not take {sizes_of(values)}, which the file would be for: "
            f"{error}; give sizes that the network takes"
        ) from error


def stirred(network: Network) -> nn.Module:
    """A copy of its module whose vectors are drawn, so that none of them is special, and whose
    norms are those of its inputs."""
    from copy import deepcopy

    from flopscope.measured.drawn import drawn

    assert network.module is not None
    return drawn(deepcopy(network.module), network.inputs, network.named)


def is_fresh(module: nn.Module) -> bool:
    """Has it norms, and have all of them the statistics with which they are made? Then a file
    without them computes nearly the same."""
    means = [b for name, b in module.named_buffers() if name.endswith("running_mean")]
    return bool(means) and not any(bool(mean.any()) for mean in means)
