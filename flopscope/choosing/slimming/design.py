"""The designs of EfficientFormer's search space: arXiv 2206.01191, section 3.3.

A design has a width for each of four stages, and each of its blocks pools (MB4D) or attends (MB3D).
All that attend stand at the end of the last stage. The paper lets blocks of stage 3 attend as well,
but neither its models nor the authors' code have such a block, so no design here has one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from flopscope.analytic.efficientformer import L1, L3, L7, MixedStages, efficientformer
from flopscope.analytic.tape import record
from flopscope.brief import short
from flopscope.catalog.variant import Variant
from flopscope.errors import BadInput, listed
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn

FAMILY = "efficientformer"
ROWS = {"efficientformer_l1": L1, "efficientformer_l3": L3, "efficientformer_l7": L7}
"""The published designs by the names of the catalogue."""

STEP = 16
"""Widths are multiples of it."""


class Block(NamedTuple):
    """A block by its place in the design that slimming began with, which is its name for good."""

    stage: int
    number: int
    attends: bool

    @property
    def name(self) -> str:
        """As a ledger of the first design calls it.

        >>> Block(4, 2, attends=True).name
        'stage4.block2'
        """
        return f"stage{self.stage}.block{self.number}"

    @property
    def kind(self) -> str:
        """The paper's name of it."""
        return "mb3d" if self.attends else "mb4d"


class Part(NamedTuple):
    """A part whose time depends on nothing else: stem, downsample, mb4d, mb3d or head.

    `width` are its output's channels, of the head its input's. `before` are the channels that a
    downsampling reads. Stem and head are of no stage, which is 0 then.
    """

    kind: str
    stage: int
    width: int
    before: int = 0

    def __str__(self) -> str:
        stage = f" of stage {self.stage}" if self.stage else ""
        before = f"{self.before} to " if self.before else ""
        return f"{self.kind}{stage} at {before}{self.width} channels"


@dataclass(frozen=True)
class SlimDesign:
    """A network of the space: the channels of its stages, its blocks in order, its classes."""

    channels: tuple[int, ...]
    blocks: tuple[Block, ...]
    classes: int = 1000

    def __repr__(self) -> str:
        return short(self, str(self))

    def __str__(self) -> str:
        stages = self.stages
        channels, pooling = (", ".join(map(str, sizes)) for sizes in (stages.c, stages.pooling))
        return f"channels {channels}; MB4D {pooling}; MB3D {stages.attending}"

    def of_stage(self, stage: int) -> tuple[Block, ...]:
        """The blocks of a stage, which are numbered from 1."""
        return tuple(block for block in self.blocks if block.stage == stage)

    @property
    def stages(self) -> MixedStages:
        """What the closed form takes."""
        attending = sum(block.attends for block in self.blocks)
        pooling = [
            sum(not block.attends for block in self.of_stage(stage))
            for stage in range(1, len(self.channels) + 1)
        ]
        return MixedStages(self.channels, tuple(pooling), attending)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its parts in the order in which they run."""
        found = [Part("stem", 0, self.channels[0])]
        for stage, width in enumerate(self.channels, 1):
            if stage > 1:
                found.append(Part("downsample", stage, width, self.channels[stage - 2]))
            found += [Part(block.kind, stage, width) for block in self.of_stage(stage)]
        return (*found, Part("head", 0, self.channels[-1]))

    def ledger(self, res: tuple[int, int] = (224, 224), batch: int = 1) -> Ledger:
        """Its rows, from the closed form. Raises OutsideDomain for another input than 193 to
        224."""
        network = partial(efficientformer, stages=self.stages, classes=self.classes)
        return record(network, (batch, 3, *res))

    def build(self) -> nn.Module:
        """The PyTorch network, randomly initialised: that of the reference models. Needs torch."""
        module = import_module(f"reference_models.{FAMILY}")
        blocks = tuple(len(self.of_stage(stage)) for stage in range(1, len(self.channels) + 1))
        sizes = module.MixedStages(self.channels, blocks, self.stages.attending)
        built: nn.Module = module.EfficientFormer(sizes, self.classes)
        return built

    @property
    def smallest(self) -> SlimDesign:
        """The least that slimming leaves of it: one block a stage, the last of which attends, and
        the least widths."""
        kept = [self.of_stage(stage)[-1] for stage in range(1, len(self.channels) + 1)]
        return replace(self, channels=(STEP,) * len(self.channels), blocks=tuple(kept))


def first_design(variant: Variant) -> SlimDesign:
    """The design of a model of the catalogue, at its width and depth. Raises BadInput for a model
    of another family.

    >>> from flopscope.catalog.variant import parse
    >>> first_design(parse("efficientformer_l1"))
    SlimDesign(channels 48, 96, 224, 448; MB4D 3, 2, 6, 3; MB3D 1)
    """
    row = ROWS.get(variant.model.id)
    if row is None:
        raise BadInput(
            f"slimming is in the search space of EfficientFormer, and {variant.model.id} is not of "
            f"it; give {listed(ROWS)}, with a width and depth if you like"
        )
    options = dict(variant.options)
    sizes = row.scaled(options.get("width", 1.0), options.get("depth", 1.0))
    blocks = []
    for stage, pooling in enumerate(map(int, sizes.pooling), 1):
        attending = int(sizes.attending) if stage == len(sizes.c) else 0
        kinds = [False] * pooling + [True] * attending
        blocks += [Block(stage, number, attends) for number, attends in enumerate(kinds, 1)]
    return SlimDesign(tuple(map(int, sizes.c)), tuple(blocks), int(options.get("classes", 1000)))
