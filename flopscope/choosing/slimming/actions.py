"""What slimming can do to a design next: the three actions of arXiv 2206.01191, section 3.3.

The least important block becomes the identity, the first block that attends pools instead, and the
least important stage becomes narrower by one step. A stage keeps a block, the last block attends,
and no width goes below one step, so that every design is one that the network has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from flopscope.choosing.slimming.design import STEP, SlimDesign
from flopscope.choosing.slimming.scores import Scores


class Action(Enum):
    """The three actions, by what is done to a block or a stage."""

    DEPTH = "drop"
    ATTENTION = "pool in"
    WIDTH = "narrow"


class Move(NamedTuple):
    """An action, the block or stage that it is done to, and the design that it leads to. `stage`
    is the number of the stage that becomes narrower, or 0."""

    action: Action
    what: str
    design: SlimDesign
    stage: int = 0


def moves(design: SlimDesign, scores: Scores) -> Iterator[Move]:
    """The actions that are possible, one of each kind at most.

    >>> from flopscope.catalog.variant import parse
    >>> from flopscope.choosing.slimming.design import first_design
    >>> design = first_design(parse("efficientformer_l3"))
    >>> even = Scores.read(lambda block: (2.0, 1.0), design)
    >>> [(move.action.name, move.what) for move in moves(design, even)]
    [('DEPTH', 'stage1.block1'), ('ATTENTION', 'stage4.block3'), ('WIDTH', 'stage1')]
    """
    attending = [block for block in design.blocks if block.attends]
    droppable = [
        block
        for block in design.blocks
        if len(design.of_stage(block.stage)) > 1 and attending != [block]
    ]
    if droppable:
        least = min(droppable, key=scores.of)
        blocks = tuple(block for block in design.blocks if block != least)
        yield Move(Action.DEPTH, least.name, replace(design, blocks=blocks))
    if len(attending) > 1:
        first = attending[0]
        changed = tuple(b._replace(attends=False) if b == first else b for b in design.blocks)
        yield Move(Action.ATTENTION, first.name, replace(design, blocks=changed))
    wide = [stage for stage, width in enumerate(design.channels, 1) if width > STEP]
    if wide:
        stage = min(wide, key=lambda stage: scores.of_stage(design, stage))
        channels = list(design.channels)
        channels[stage - 1] = narrower(channels[stage - 1])
        yield Move(Action.WIDTH, f"stage{stage}", replace(design, channels=tuple(channels)), stage)


def narrower(width: int) -> int:
    """The next multiple of the step below a width.

    >>> narrower(48), narrower(40)
    (32, 32)
    """
    return (width - 1) // STEP * STEP
