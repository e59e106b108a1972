"""EfficientFormer's slots: arXiv 2206.01191, section 4.2, the space of its latency-driven search.

Four stages of blocks that pool; in the last one, at least one block that attends follows them. A
stage has at least one block and at most as many as EfficientFormer-L7. Each stage's first
convolution has the width of the stage before, so that stages are coupled by width: it is the state.

Deviation: the paper's widths are multiples of 16, and those here are the widths of the published
L1, L3 and L7. With all multiples, an exact distribution of MACs would not fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from flopscope.analytic.efficientformer import (
    as_tokens,
    attention_block,
    conv_bn,
    pooling_block,
)
from flopscope.analytic.operators import activation, add, layer_norm, linear, reduce, with_number
from flopscope.analytic.tape import Feature
from flopscope.designspaces.slots import FREE, NONE, Move, Slot, State
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.facts import Function, Kind, Reduction
from flopscope.sizes import exact_div

WIDTHS = ((48, 64, 96), (96, 128, 192), (224, 320, 384), (448, 512, 768))
"""The widths of each stage of EfficientFormer-L1, L3 and L7."""
MOST = (6, 6, 18, 8)
"""The blocks of each stage of EfficientFormer-L7."""
POOLING, ATTENTION = "p", "a"


def network(x: Feature, choices: Choices) -> Feature:
    """(B, 3, 224, 224) → (B, 1000): the network of these choices."""
    scope = x.tape.scope
    for stage, most in enumerate(MOST, start=1):
        width = int(choices[f"stage{stage}.width"])
        with scope(f"stage{stage}.width"):
            x = _stem(x, width) if stage == 1 else conv_bn(x, width, 3, "conv", stride=2)
        for block in range(1, most + 1):
            name = f"stage{stage}.block{block}"
            with scope(name):
                if choices[name] == POOLING:
                    x = pooling_block(x)
                elif choices[name] == ATTENTION:
                    x = attention_block(as_tokens(x) if x.grid[1:] else x)
    with scope(f"stage{len(MOST)}.head"):
        x = layer_norm(x)
        x = reduce(x, (x.batch, x.shape[-1]), Reduction.MEAN, name="pool")
        answers = [linear(x, 1000, name=name) for name in ("classifier", "distilled")]
        return with_number(add(*answers), Kind.DIVIDE, name="halve")


def _stem(x: Feature, width: int) -> Feature:
    for name, channels in (("conv1", exact_div(width, 2)), ("conv2", width)):
        x = activation(conv_bn(x, channels, 3, name, stride=2), Function.RELU)
    return x


def _slots() -> Iterator[Slot]:
    """The slots of all stages. The state is the width; in words, what else the next slot knows."""
    before: list[State] = [FREE]
    for stage, (widths, most) in enumerate(zip(WIDTHS, MOST, strict=True), start=1):
        entered = tuple(Move(b, str(w), str(w)) for b in before for w in widths)
        yield Slot(f"stage{stage}.width", entered)
        for block in range(1, most + 1):
            kind = _attending if stage == len(MOST) else _pooling
            moves = [move for w in widths for move in kind(str(w), block, block == most)]
            yield Slot(f"stage{stage}.block{block}", tuple(moves))
        before = [str(w) for w in widths]
    yield Slot(f"stage{len(MOST)}.head", tuple(Move(b, NONE, FREE) for b in before))


def _pooling(width: str, block: int, final: bool) -> Iterator[Move]:
    """The moves of a block of a stage that only pools."""
    ended = width if final else f"{width} ended"
    yield Move(width, POOLING, width)
    if block > 1:
        yield Move(width, NONE, ended)
    if block > 2:
        yield Move(f"{width} ended", NONE, ended)


def _attending(width: str, block: int, final: bool) -> Iterator[Move]:
    """The moves of a block of the last stage: blocks that pool, then at least one that attends."""
    attending, ended = f"{width} attending", f"{width} ended"
    if not final:
        yield Move(width, POOLING, width)
    yield Move(width, ATTENTION, width if final else attending)
    if block > 1:
        yield Move(attending, ATTENTION, width if final else attending)
        yield Move(attending, NONE, width if final else ended)
    if block > 2:
        yield Move(ended, NONE, width if final else ended)


EFFICIENTFORMER_SLOTS = DesignSpace(
    "efficientformer_slots",
    network,
    tuple(_slots()),
    "arXiv 2206.01191, section 4.2",
    module="efficientformerspace",
)
