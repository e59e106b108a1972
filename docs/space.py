"""A design space of one's own, for docs/spaces.md: two stages of depthwise separable blocks, each
with one to three blocks whose kernels and activations are chosen."""

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.designspaces.slots import NONE, blocks_of_stage
from flopscope.designspaces.space import DesignSpace
from flopscope.facts import Function

WIDTHS = (24, 48)
KERNELS = {"k3": 3, "k5": 5, "k7": 7}
RELU = Function.RELU


def network(x, choices):
    """(B, 3, H, W) → (B, 10)."""
    with x.tape.scope("stem"):
        x = conv_bn_act(x, 16, 3, stride=2, function=RELU)
    for stage, width in enumerate(WIDTHS, start=1):
        for block in range(1, 4):
            name = f"stage{stage}.block{block}"
            if choices[name] != NONE:
                stride = 2 if block == 1 else 1
                with x.tape.scope(name):
                    x = separable(x, width, KERNELS[choices[name]], stride)
    with x.tape.scope("head"):
        return linear(flatten(global_pool(x)), 10, name="classifier")


def separable(x, width, kernel, stride):
    """Depthwise k×k, then 1×1."""
    x = conv_bn_act(
        x, x.channels, kernel, stride=stride, groups=x.channels, function=RELU, name="depthwise"
    )
    return conv_bn_act(x, width, 1, function=RELU, name="pointwise")


SPACE = DesignSpace(
    "separable",
    network,
    tuple(slot for n in (1, 2) for slot in blocks_of_stage(f"stage{n}", tuple(KERNELS), 1, 3)),
    "docs/space.py",
    res=64,
)
