"""Design spaces that are small enough to be listed: independent blocks, and widths that couple."""

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.designspaces.slots import FREE, Move, Slot, blocks_of_stage
from flopscope.designspaces.space import DesignSpace

WIDTHS = ("w8", "w16", "w24")


def blocks(x, choices):
    """Two stages of one to three convolutions each, whose kernels are chosen."""
    for stage, width in enumerate((8, 12), start=1):
        for block in range(1, 4):
            name = f"stage{stage}.block{block}"
            if choices[name] != "-":
                with x.tape.scope(name):
                    x = conv_bn_act(x, width, int(choices[name][1:]), stride=2 - (block > 1))
    return linear(flatten(global_pool(x)), 10, name="classifier")


def chain(x, choices):
    """Three convolutions whose widths are chosen, so that each costs what the one before says."""
    for name, option in choices.items():
        with x.tape.scope(name):
            x = conv_bn_act(x, int(option[1:]), 3)
    with x.tape.scope("last"):
        return conv_bn_act(x, 8, 1)


def kernels(stage):
    return blocks_of_stage(stage, ("k1", "k3", "k5"), 1, 3, lambda blocks: 3 ** (3 - blocks))


BLOCKS = DesignSpace(
    "blocks", blocks, (*kernels("stage1"), *kernels("stage2")), "made up", res=32,
    encoded="settings of all blocks",
)  # fmt: skip


def moves(begins):
    return tuple(Move(begin, width, width) for begin in begins for width in WIDTHS)


COUPLED = DesignSpace(
    "coupled",
    chain,
    (
        Slot("layer1", moves([FREE])),
        Slot("layer2", moves(WIDTHS)),
        Slot("layer3", moves(WIDTHS)),
        Slot("last", tuple(Move(width, "w8", FREE) for width in WIDTHS)),
    ),
    "made up",
    res=8,
)

NOT_COUPLED = DesignSpace(
    "forgetful",
    chain,
    tuple(Slot(f"layer{n}", tuple(Move(FREE, width, FREE) for width in WIDTHS)) for n in (1, 2, 3)),
    "made up",
    res=8,
)
"""The chain without its states: what a layer costs depends on more than its own choice."""
