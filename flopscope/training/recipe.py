"""How a network is trained: stages of images that grow, and what is the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flopscope.errors import BadInput, check_name


@dataclass(frozen=True)
class Stage:
    """Epochs at one size of images. size: their side in pixels. dropout: its rate; None leaves the
    network's own. stochastic_depth: the rate of the last branch. magnitude: of the augmentation, as
    in `transforms.augmented`."""

    size: int
    epochs: int
    dropout: float | None = None
    stochastic_depth: float | None = None
    magnitude: float = 0.0


class Usual(NamedTuple):
    """What an optimizer takes where nothing is given."""

    rate: float
    weight_decay: float
    momentum: float | None


OPTIMIZERS: Mapping[str, Usual] = {
    "sgd": Usual(rate=0.05, weight_decay=5e-4, momentum=0.9),
    "adamw": Usual(rate=2e-3, weight_decay=0.05, momentum=None),
}
"""sgd: stochastic gradient descent with momentum. adamw: arXiv 1711.05101, algorithm 2. Weight
decay is that of tensors with two dimensions or more; norms and biases have none."""


WARMUP = 0.1
"""The share of the epochs that warm up where nothing is given."""


class Distillation(NamedTuple):
    """How a teacher's answers weigh: temperature T and α of arXiv 1503.02531, section 2."""

    temperature: float = 4.0
    alpha: float = 0.5


@dataclass(frozen=True)
class Recipe:
    """A training run.

    batch: images of a step; what an epoch has left is dropped. rate: the learning rate at its
    highest, which `warmup` epochs lead up to. ema: the decay of a moving average of the weights.
    branches: patterns of the modules whose outputs stochastic depth drops.
    """

    stages: tuple[Stage, ...]
    batch: int = 64
    optimizer: str = "sgd"
    rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 1.0
    ema: float | None = None
    distillation: Distillation | None = None
    branches: tuple[str, ...] = ()
    seed: int = 0

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def steps(self, images: int) -> int:
        """The steps of an epoch with so many images. Raises BadInput where they fill no batch."""
        if self.batch > images:
            raise BadInput(
                f"a batch of {self.batch:,} is larger than the {images:,} images to train with; "
                f"give at most {images:,}"
            )
        return images // self.batch

    def warmup_steps(self, images: int) -> int:
        """The steps of the warm-up. Raises BadInput where it leaves no step behind it."""
        steps = round(self.warmup * self.steps(images))
        if steps and steps >= self.epochs * self.steps(images):
            raise BadInput(
                f"a warm-up of {self.warmup:g} epochs leaves none of {self.epochs} to train; give "
                "fewer"
            )
        return steps


class Asked(NamedTuple):
    """What may be left out of a recipe, None standing for what is usual."""

    optimizer: str = "sgd"
    rate: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    warmup: float | None = None
    temperature: float | None = None
    alpha: float | None = None


def recipe_of(
    stages: tuple[Stage, ...],
    asked: Asked,
    *,
    taught: bool,
    batch: int,
    ema: float | None,
    branches: Sequence[str],
    seed: int,
) -> Recipe:
    """The recipe with what is usual in the place of what was left out. `taught`: is there a
    teacher?

    Raises BadInput where something is given that would do nothing, and UnknownName for an optimizer
    of no such name.
    """
    check_name("optimizer", asked.optimizer, OPTIMIZERS)
    usual = OPTIMIZERS[asked.optimizer]
    if asked.momentum is not None and usual.momentum is None:
        raise BadInput(
            f"{asked.optimizer} has no momentum of this kind; leave momentum out, or take sgd"
        )
    for name, value in (("temperature", asked.temperature), ("alpha", asked.alpha)):
        if value is not None and not taught:
            raise BadInput(f"{name} {value:g} is for a teacher; give one, or leave {name} out")
    return Recipe(
        stages, batch, asked.optimizer,
        rate=_or(asked.rate, usual.rate),
        momentum=_or(asked.momentum, usual.momentum or 0.0),
        weight_decay=_or(asked.weight_decay, usual.weight_decay),
        warmup=_or(asked.warmup, WARMUP * sum(stage.epochs for stage in stages)),
        ema=ema,
        distillation=_distillation(asked) if taught else None,
        branches=tuple(branches),
        seed=seed,
    )  # fmt: skip


def _distillation(asked: Asked) -> Distillation:
    usual = Distillation()
    return Distillation(_or(asked.temperature, usual.temperature), _or(asked.alpha, usual.alpha))


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given


def stages_of(
    sizes: Sequence[int],
    epochs: int | Sequence[int],
    *,
    dropout: Sequence[float] | None = None,
    stochastic_depth: Sequence[float] | None = None,
    magnitude: Sequence[float] = (0.0,),
) -> tuple[Stage, ...]:
    """The stages of these sizes. `epochs` are those of each, or of all together. Of what
    regularises, one number holds for all stages, and two are the first and the last, between which
    it rises linearly, as in arXiv 2104.00298, algorithm 1.

    Raises BadInput where epochs do not divide, or numbers are not as many as stages.

    >>> [stage.magnitude for stage in stages_of((32, 48, 64), 6, magnitude=(0, 0.5))]
    [0.0, 0.25, 0.5]
    """
    of_each = _epochs(epochs, len(sizes))
    given = {"dropout": dropout, "stochastic_depth": stochastic_depth, "magnitude": magnitude}
    rates = {
        name: spread(name, value, len(sizes)) for name, value in given.items() if value is not None
    }
    return tuple(
        Stage(size, of_each[at], **{name: values[at] for name, values in rates.items()})
        for at, size in enumerate(sizes)
    )


def spread(name: str, given: Sequence[float], stages: int) -> list[float]:
    """A number for each stage.

    >>> spread("dropout", [0.1, 0.3], 3)
    [0.1, 0.2, 0.3]
    """
    if len(given) == 1:
        return [float(given[0])] * stages
    if len(given) == stages:
        return [float(each) for each in given]
    ends = 2
    if len(given) != ends or stages == 1:
        raise BadInput(
            f"{name} has {len(given)} numbers for {_stages(stages)}; give one for all stages, the "
            "first and the last, or one for each stage"
        )
    first, last = given
    return [first + (last - first) * at / (stages - 1) for at in range(stages)]


def _epochs(given: int | Sequence[int], stages: int) -> list[int]:
    if isinstance(given, int):
        if given % stages:
            raise BadInput(
                f"{given} epochs do not divide among {_stages(stages)}; give a multiple of "
                f"{stages}, or the epochs of each stage in a list"
            )
        return [given // stages] * stages
    if len(given) != stages:
        raise BadInput(
            f"epochs has {len(given)} numbers for {_stages(stages)}; give one for each size, or "
            "all epochs in one number"
        )
    return list(given)


def _stages(number: int) -> str:
    return f"{number} stage{'' if number == 1 else 's'}"
