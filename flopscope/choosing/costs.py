"""Where the costs of a point come from: a closed form, or a trace or graph of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from typing import TypeAlias

from flopscope.answers.counted import Given, counted, image_of
from flopscope.answers.target import Source, Target, is_own, of_variant, parse_target
from flopscope.answers.timed import TimeQuantity
from flopscope.catalog.variant import Variant
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger
from flopscope.quantities import Named, Quantity

Amount: TypeAlias = int | Fraction
Found: TypeAlias = Mapping[Named, Amount]
Image: TypeAlias = tuple[int, int] | None

LIBRARIES = (Source.TIMM, Source.TORCHVISION)
"""The libraries whose networks a results file may name."""


class Costs:
    """The computed measures of networks. Each network is counted once at each size. `given` is what
    every network of one's own gets. Times are those of a `batch`."""

    def __init__(
        self, measures: Sequence[Named], given: Given | None = None, batch: int = 1
    ) -> None:
        self.measures = [each for each in measures if isinstance(each, Quantity)]
        self.given = given or Given()
        self.batch = batch
        self._found: dict[tuple[str, Image], tuple[Found, Image]] = {}
        self._named: dict[str, Target | None] = {}

    def of_variant(self, variant: Variant, resolution: tuple[int, int]) -> Found:
        """By the closed form. Raises OutsideDomain for a size at which the network does not
        exist."""
        return self.of_target(of_variant(variant), resolution)[0]

    def of_target(self, target: Target, resolution: Image) -> tuple[Found, Image]:
        """The measures and the size of its image; without a size, its own. Raises BadInput where it
        cannot be counted, or where the cost of an operator is unknown."""
        key = target.name, resolution
        if key not in self._found:
            self._found[key] = self._counted(target, resolution)
        return self._found[key]

    def _counted(self, target: Target, resolution: Image) -> tuple[Found, Image]:
        ledger, image = self._ledger(target, resolution, 1)
        timed = [each for each in self.measures if isinstance(each, TimeQuantity)]
        of_batch = ledger
        if timed and self.batch != 1:
            of_batch, _ = self._ledger(target, resolution, self.batch)
        readings = {
            each: each.read(of_batch if each in timed else ledger) for each in self.measures
        }
        for each, reading in readings.items():
            if reading.missing:
                raise BadInput(f"the {each.words} of {', '.join(reading.missing[:3])} are unknown")
        return {each: int(reading) for each, reading in readings.items()}, image

    def _ledger(self, target: Target, resolution: Image, batch: int) -> tuple[Ledger, Image]:
        """The ledger at a batch, and the size of its image."""
        if target.variant is not None:
            size = resolution or target.variant.resolution()
            return target.variant.ledger(size, batch), resolution
        given = replace(self.given, res=resolution)
        found = counted(target, given if batch == 1 else replace(given, batch=batch))
        return found.ledger, _numbers(image_of(found.shapes))

    def of_library(self, name: str) -> Target | None:
        """The model of timm or torchvision that has this name, where they are installed; else
        None."""
        if name not in self._named:
            self._named[name] = _library_target(name)
        return self._named[name]


def _numbers(resolution: object) -> Image:
    sizes = resolution if isinstance(resolution, tuple) else ()
    return (int(sizes[0]), int(sizes[1])) if len(sizes) == 2 else None


def written_target(name: str) -> Target | None:
    """The target that a name in a results file is, such as 'net.py:Net'; None where it is none.

    >>> written_target("net.py:Net").name, written_target("my_net")
    ('net.py:Net', None)
    """
    return parse_target(name) if is_own(name) or name.endswith(".onnx") else None


def _library_target(name: str) -> Target | None:
    for library in LIBRARIES:
        if find_spec(library.value) is not None and _has(library, name):
            return parse_target(f"{library.value}:{name}")
    return None


def _has(library: Source, name: str) -> bool:
    """Does the library have a model of this name? False too where it cannot be imported."""
    from flopscope.tracing.loading.libraries import LIBRARIES as MAKERS

    try:
        MAKERS[library.value](name)
    except (UnknownName, BadInput):
        return False
    return True
