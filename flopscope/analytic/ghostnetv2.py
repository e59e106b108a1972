"""GhostNetV2: arXiv 2211.12905, section 4.2; huawei-noah/Efficient-AI-Backbones
ghostnetv2_pytorch/model/ghostnetv2_torch.py, which timm's ghostnet.py equals in structure.

GhostNet's table, with decoupled fully connected (DFC) attention on the first Ghost module of every
bottleneck except the first two, whose input has half the image's size; at other depths, except all
with such an input.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.ghostnet import first_module, ghost_module, ghost_network
from flopscope.analytic.operators import activation, avg_pool2d, multiply, resize
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Interpolation
from flopscope.sizes import Real, Size

SMALLEST = 33
"""The smallest side of an input: its last map, at 1/32, has a side of 2 and can be halved."""


def ghostnetv2(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes).

    Domain: width > 0; depth > 0; H, W ≥ 33, because attention halves the maps of the last stage
    too. Raises OutsideDomain below.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(ghostnetv2, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (167048288, 6156908)
    """
    require_halves(x)

    def expand(x: Feature, channels: Size, large: bool) -> Feature:
        return first_module(x, channels) if large else attended_module(x, channels)

    return ghost_network(x, expand, ghost_module, width, depth, classes)


def require_halves(x: Feature) -> None:
    """Raise OutsideDomain for an input of which attention cannot halve the last map."""
    for size in x.grid:
        x.tape.at_least(size, SMALLEST, lambda: "size of an input whose 1/32 attention halves")


def attended_module(x: Feature, channels: Size) -> Feature:
    """A Ghost module times its DFC attention, made at half the resolution: figure 4b.

    Domain: a map of at least 2×2.
    """
    attention = dfc_attention(x, channels)
    return gated(first_module(x, channels), attention)


def gated(x: Feature, attention: Feature) -> Feature:
    """x times the sigmoid of a smaller map, of which the code takes the nearest value."""
    gate = activation(attention, Function.SIGMOID, name="gate")
    height, width = x.grid
    return multiply(x, resize(gate, (height, width), Interpolation.NEAREST))


def dfc_attention(x: Feature, channels: Size) -> Feature:
    """2×2 average, 1×1 convolution, then along rows and along columns, depthwise: equations 4 to 5.

    There is a norm after each convolution and no activation between them. An odd size is rounded
    down.
    """
    with x.tape.scope("dfc"):
        x = avg_pool2d(x, 2, stride=2)
        x = conv_bn_act(x, channels, 1, name="pw")
        x = conv_bn_act(x, channels, (1, 5), groups=channels, name="rows")
        return conv_bn_act(x, channels, (5, 1), groups=channels, name="columns")


ghostnetv2_100 = partial(ghostnetv2, width=1.0)
ghostnetv2_130 = partial(ghostnetv2, width=1.3)
ghostnetv2_160 = partial(ghostnetv2, width=1.6)
