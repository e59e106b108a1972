"""The sizes of training images over the stages of a schedule, and the steps of each stage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from flopscope.answers.target import Size, Target
from flopscope.catalog.training import EFFICIENTNETV2, PAPER, SOURCE, TABLE_6
from flopscope.errors import BadInput
from flopscope.numerals import image_size, integer_from

WRITTEN = (
    "write from:to:stages as in 128:300:4, sizes as in 128,224,300, sizes with their epochs as in "
    "128@100,224@250, or paper or code for an EfficientNetV2"
)
PUBLISHED = ("paper", "code")
MOST_STAGES = 1000
LARGEST = 100_000
_RANGE = re.compile(r"([0-9]{1,12}):([0-9]{1,12}):([0-9]{1,12})")


@dataclass(frozen=True)
class Schedule:
    """A schedule by its text. `sizes` are the sides of the images in each stage; None is the
    network's own. `epochs` are those of each stage where they are stated; without them all stages
    have equally many steps. `source` is where a published one stands."""

    text: str
    sizes: tuple[Size, ...]
    epochs: tuple[int, ...] = ()
    source: str = ""

    @property
    def largest(self) -> Size:
        """The largest size, by its pixels."""
        return max(self.sizes, key=_pixels)

    def ends(self, steps: int, epochs: int) -> list[int]:
        """The number of steps that are done when each stage ends, of `steps` in each epoch.

        >>> Schedule("128:300:4", (128, 185, 242, 300)).ends(313, 350)
        [27387, 54775, 82162, 109550]
        """
        if self.epochs:
            return [steps * done for done in accumulate(self.epochs)]
        stages = len(self.sizes)
        return [steps * epochs * stage // stages for stage in range(1, stages + 1)]


def _pixels(size: Size) -> int:
    if size is None:
        return 0
    height, width = size if isinstance(size, tuple) else (size, size)
    return height * width


def fixed(size: Size) -> Schedule:
    """One size from the first step to the last."""
    return Schedule("fixed", (size,))


def parse_schedule(text: str, target: Target, epochs: int) -> Schedule:
    """The schedule that a text states for a network. In from:to:stages the size rises linearly from
    the first stage to the last and is rounded down, as in Algorithm 1 of arXiv 2104.00298.

    Raises BadInput for a text that is none, for a published schedule of another network, and where
    stages state epochs that do not add up, or are more than there are epochs.

    >>> from flopscope.answers.target import parse_target
    >>> parse_schedule("128:300:4", parse_target("mobilenetv2"), 350).sizes
    (128, 185, 242, 300)
    """
    text = text.strip()
    if not text:
        raise BadInput(f"--schedule is empty; {WRITTEN}")
    if text in PUBLISHED:
        return _published(text, target)
    if match := _RANGE.fullmatch(text):
        first, last, stages = map(int, match.groups())
        return _linear(text, first, last, stages)
    parts = [part.split("@") for part in text.split(",")]
    sizes = [image_size(part[0]) for part in parts]
    stated = [integer_from(part[1], 1) for part in parts if len(part) == 2]
    lengths = set(map(len, parts))
    if None in sizes or None in stated or lengths not in ({1}, {2}):
        raise BadInput(f"--schedule {text} is not a schedule; {WRITTEN}")
    if len(parts) > MOST_STAGES:
        raise BadInput(f"--schedule has {len(parts):,} stages; give at most {MOST_STAGES:,}")
    known = [epoch for epoch in stated if epoch is not None]
    if known and sum(known) != epochs:
        raise BadInput(
            f"the stages of --schedule {text} have {sum(known)} epochs together, and --epochs is "
            f"{epochs}; give as many in both"
        )
    return Schedule(text, tuple(_side(size) for size in sizes if size), tuple(known))


def _side(size: tuple[int, int]) -> Size:
    return size[0] if size[0] == size[1] else size


def _linear(text: str, first: int, last: int, stages: int, source: str = "") -> Schedule:
    if min(first, last, stages) < 1:
        raise BadInput(f"--schedule {text} has a 0 in it; {WRITTEN}")
    if stages > MOST_STAGES:
        raise BadInput(f"--schedule {text} has {stages:,} stages; give at most {MOST_STAGES:,}")
    if max(first, last) > LARGEST:
        raise BadInput(
            f"--schedule {text} has images of {max(first, last):,} a side; give at most {LARGEST:,}"
        )
    if stages == 1 and first != last:
        raise BadInput(
            f"--schedule {text} rises from {first} to {last} in one stage; give two stages or more"
        )
    return Schedule(text, rising(first, last, stages), source=source)


def rising(first: int, last: int, stages: int) -> tuple[int, ...]:
    """The sizes of stages that rise linearly, rounded down.

    >>> rising(128, 300, 4)
    (128, 185, 242, 300)
    """
    steps = max(1, stages - 1)
    return tuple(int(first + Fraction((last - first) * stage, steps)) for stage in range(stages))


def _published(name: str, target: Target) -> Schedule:
    """The schedule of the paper or of the released code."""
    model = "" if target.variant is None else target.variant.model.id
    if model not in PAPER:
        raise BadInput(
            f"--schedule {name} is published for {', '.join(PAPER)}, and {target.name} is none of "
            "them; write the sizes, such as 128:300:4"
        )
    if name == "paper":
        row = PAPER[model]
        return _linear(name, *row.sizes, row.stages, source=TABLE_6)
    return Schedule(name, EFFICIENTNETV2[model].sizes(), source=SOURCE)


def steps_between(ends: Sequence[int]) -> list[tuple[int, int]]:
    """The first step and the one behind the last of each stage.

    >>> steps_between([2, 5])
    [(0, 2), (2, 5)]
    """
    return list(pairwise((0, *ends)))
