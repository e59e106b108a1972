"""Zero-cost proxies of networks: exact parameters and MACs, and those that run the real module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from flopscope.answers.counted import Counted, Given, counted, made
from flopscope.answers.profile import said
from flopscope.answers.target import Size, Target, parse_target
from flopscope.brief import short
from flopscope.catalog.proxies import AZ_NAS, AZ_NAS_PARTS, PROXIES, Proxy, proxy
from flopscope.catalog.variant import check_size
from flopscope.designspaces.predictor import ranks
from flopscope.errors import BadInput
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.quantities import QUANTITIES

if TYPE_CHECKING:
    from torch import nn

BATCH, SEED = 16, 0
"""How many random images each proxy sees unasked, and the seed of all that is drawn."""

ALONE = "it ranks networks among each other, and there is only one"


@dataclass(frozen=True)
class Scored:
    """A network at its input: the value of each proxy, or the end of a sentence that says why it
    has none."""

    counted: Counted
    values: Mapping[str, float | int | str]

    def __repr__(self) -> str:
        return short(self, f"{self.name}: {', '.join(self.values)}")

    @property
    def name(self) -> str:
        """How the network is shown."""
        return self.counted.target.name


@dataclass(frozen=True)
class Proxies:
    """The answer: the proxies, and the networks that have them."""

    asked: tuple[Proxy, ...]
    networks: tuple[Scored, ...]
    batch: int
    seed: int

    def __repr__(self) -> str:
        return short(self, f"{len(self.asked)} proxies of {len(self.networks)} networks")


def proxies(
    targets: Sequence[str | nn.Module],
    of: Sequence[str] = (),
    *,
    res: Size = None,
    batch: int = BATCH,
    seed: int = SEED,
    inputs: Sequence[str | InputSpec] = (),
    pairs: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
    tell: Callable[[int, int], None] = lambda _, __: None,
) -> Proxies:
    """The proxies named in `of`, or all, of each network, on a batch of random images and labels.

    Networks of text are built with weights that are drawn from the seed; a module keeps its own and
    is left as it is found. `tell` hears how many values of how many are known.

    Raises UnknownName for an unknown proxy, BadInput for a batch below 2, for networks that are not
    classifiers of images, and without torch.
    """
    asked = tuple(dict.fromkeys(map(proxy, of))) or tuple(PROXIES.values())
    if batch < 2:
        raise BadInput(
            f"proxies compare the images of a batch, and a batch of {batch} has one; give at least "
            f"2, such as {BATCH}"
        )
    check_size("batch", batch, f"such as {BATCH}")
    named = made([parse_target(each) for each in targets], Given(pairs=tuple(pairs)))
    require_witnesses()
    needed = _needed(asked)
    found: list[tuple[Counted, dict[str, float | int | str]]] = []
    total = len(named) * len(needed)
    for target in named:
        known = _counted(target, Given(res, 1, tuple(inputs)), arguments)
        told = partial(_told, tell, len(found) * len(needed), total)
        found.append((known, _values(known, needed, batch, seed, arguments, told)))
    _join([values for _, values in found])
    order = [each.name for each in asked]
    scored = (Scored(known, {n: values[n] for n in order}) for known, values in found)
    return Proxies(asked, tuple(scored), batch, seed)


def rank_sum(columns: Sequence[Sequence[float]]) -> list[float]:
    """Σ over columns of ln(rank / m) for each of m networks: how AZ-NAS joins its parts. The best
    value of a column has rank m; equal ones have their mean rank.

    >>> [round(each, 3) for each in rank_sum([[1.0, 2.0], [5.0, 5.0]])]
    [-0.981, -0.288]
    """
    many = len(columns[0])
    logs = [np.log((ranks(np.array(column)) + 1) / many) for column in columns]
    return [float(sum(each)) for each in zip(*logs, strict=True)]


def _told(tell: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    tell(before + done, total)


def _needed(asked: Iterable[Proxy]) -> list[str]:
    """The names of what is measured: those that are asked for, with the parts of az_nas."""
    names = [each.name for each in asked]
    parts = AZ_NAS_PARTS if AZ_NAS in names else ()
    return [name for name in dict.fromkeys((*names, *parts)) if name != AZ_NAS]


def _counted(target: Target, given: Given, arguments: Mapping[str, Any] | None) -> Counted:
    """The network at one image. Raises BadInput where it takes anything else."""
    if target.is_graph:
        raise BadInput(
            f"{target.name} is an ONNX file, which is read and never run, and proxies run a "
            "network of PyTorch; give one"
        )
    found = counted(target, given, arguments)
    shapes = found.shapes
    image = len(shapes) == 1 and len(shapes[0]) == 4
    if not image or not found.inputs[0].dtype.startswith("float"):
        raise BadInput(
            f"{target.name} takes {said(found.inputs)}, and proxies are of classifiers of one "
            "image; give one"
        )
    if shapes[0][0] != 1:
        raise BadInput(
            f"--input gives a batch of {shapes[0][0]}, and MACs are those of one image; give the "
            "input of one, such as 1,3,32,32, and the batch as --batch"
        )
    return found


def _values(
    known: Counted,
    names: Sequence[str],
    batch: int,
    seed: int,
    arguments: Mapping[str, Any] | None,
    tell: Callable[[int], None],
) -> dict[str, float | int | str]:
    from flopscope.measured.proxies import classes_of, measured_proxies
    from flopscope.tracing.loading.refusals import refusing
    from flopscope.tracing.loading.usercode import importable

    values = {name: _read(known, name) for name in names if not PROXIES[name].runs}
    running, target = [name for name in names if PROXIES[name].runs], known.target
    tell(len(values))
    if not running:
        return values
    shape = (batch, *map(int, known.shapes[0][1:]))
    with importable(target.place):
        module = target.build(arguments, seed=seed)
        with refusing(target.name, module, said([InputSpec(None, shape)]), (), {}):
            classes = classes_of(module, shape, seed)
        done = iter(range(len(values) + 1, len(names) + 1))
        ran = measured_proxies(module, shape, classes, running, seed, lambda: tell(next(done)))
    return values | ran


def _read(known: Counted, name: str) -> float | int | str:
    """A quantity of the ledger."""
    reading = QUANTITIES[name].read(known.ledger)
    if reading.missing:
        return f"the {name} of {', '.join(reading.missing[:3])} are unknown"
    return int(reading)


def _join(networks: Sequence[dict[str, float | int | str]]) -> None:
    """Adds az_nas to every network, which ranks those that have all of its parts."""
    lacking = [
        [part for part in AZ_NAS_PARTS if isinstance(values.get(part, ""), str)]
        for values in networks
    ]
    whole = [values for values, parts in zip(networks, lacking, strict=True) if not parts]
    columns = [[float(values[part]) for values in whole] for part in AZ_NAS_PARTS]
    sums = iter(rank_sum(columns) if len(whole) > 1 else [])
    for values, parts in zip(networks, lacking, strict=True):
        values[AZ_NAS] = f"it has no {parts[0]}" if parts else next(sums, ALONE)
