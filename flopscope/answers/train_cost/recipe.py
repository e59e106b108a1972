"""How a network is trained: epochs, images, batch and what belongs to a step; and how many batches
of which size that makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from flopscope.answers.training_memory import FLOAT32, check_optimizer
from flopscope.errors import BadInput, check_name
from flopscope.readings.training import PRECISIONS


@dataclass(frozen=True)
class Recipe:
    """A training run.

    `batch` is what one step of the optimizer sees. It is done in `accumulate` passes one after
    another, on each of `replicas` devices at once. The last batch of an epoch has the images that
    remain, unless it is dropped. `average` keeps an exponential moving average of the weights.
    `precision` is one of `PRECISIONS`. Raises BadInput for a batch that these do not divide, or
    that is larger than the set of images where the last one is dropped; UnknownName for an
    optimizer or a precision that is not known.
    """

    epochs: int
    images: int
    batch: int
    optimizer: str = "momentum"
    accumulate: int = 1
    replicas: int = 1
    drop_last: bool = False
    average: bool = False
    precision: str = FLOAT32

    def __post_init__(self) -> None:
        check_optimizer(self.optimizer)
        check_name("precision", self.precision, dict.fromkeys(PRECISIONS))
        parts = self.accumulate * self.replicas
        if self.batch % parts:
            by = {"--accumulate": self.accumulate, "--replicas": self.replicas}
            named = " times ".join(f"{name} {n}" for name, n in by.items() if n > 1)
            raise BadInput(
                f"a batch of {self.batch:,} does not divide by {named}; give a multiple of {parts}"
            )
        if self.drop_last and self.images < self.batch:
            raise BadInput(
                f"{self.images:,} images do not fill a batch of {self.batch:,}, and --drop-last "
                "leaves out what does not; give a smaller batch, or keep the last one"
            )

    @property
    def pass_batch(self) -> int:
        """The images of one forward and backward pass on one device."""
        return self.batch // (self.accumulate * self.replicas)

    @property
    def rest(self) -> int:
        """The images of the last, smaller step of an epoch; 0 where there is none."""
        return 0 if self.drop_last else self.images % self.batch

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return self.images // self.batch + bool(self.rest)

    def passes(self, first: int, end: int) -> Counter[int]:
        """How many passes of which batch the steps from `first` to before `end` have.

        >>> Recipe(epochs=2, images=10, batch=4, accumulate=2).passes(0, 6)
        Counter({2: 10})
        >>> Recipe(epochs=1, images=11, batch=4).passes(0, 3)
        Counter({4: 2, 3: 1})
        """
        rests = end // self.steps - first // self.steps if self.rest else 0
        whole, left = divmod(self.rest, self.pass_batch)
        full = self.accumulate * self.replicas
        counted = Counter({self.pass_batch: (end - first - rests) * full + rests * whole})
        if left:
            counted[left] += rests
        return +counted

    def seen(self, first: int, end: int) -> int:
        """How many images these steps see."""
        return sum(batch * times for batch, times in self.passes(first, end).items())
