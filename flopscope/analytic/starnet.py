"""StarNet: arXiv 2403.19967, section 4; ma-xu/Rewrite-the-Stars imagenet/starnet.py,
which timm's starnet.py equals in structure.

A block multiplies two expansions of its input, one of them after ReLU6. All convolutions have a
bias, those before a norm too. The widths of the four stages are C, 2C, 4C and 8C. A width
coefficient α makes C the multiple of 4 nearest to α·C, and the stem keeps its 32 channels; a depth
coefficient rounds the blocks of a stage up. No code of the family has either. S050, S100 and S150
are very small networks of the authors' code, of which there are no weights.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.operators import (
    Pair,
    activation,
    add,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
    multiply,
)
from flopscope.analytic.stages import from_row, stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, round_filters, round_repeats

STEM = 32


class Row(NamedTuple):
    """A network of the family: width of its first stage, blocks of every stage, and by how much a
    block expands."""

    c: Size
    b: tuple[Size, ...]
    expansion: Size = 4

    def scaled(self, width: Real, depth: Real) -> Row:
        """The row at width and depth coefficients.

        >>> S1.scaled(0.5, 1.2)
        Row(c=12, b=(3, 3, 10, 4), expansion=4)
        """
        blocks = tuple(round_repeats(number, depth) for number in self.b)
        return self._replace(c=round_filters(self.c, width, 4), b=blocks)


S1 = Row(24, (2, 2, 8, 3))
S2 = Row(32, (1, 2, 6, 2))
S3 = Row(32, (2, 2, 8, 4))
S4 = Row(32, (3, 3, 12, 5))
S050 = Row(16, (1, 1, 3, 1), 3)
S100 = Row(20, (1, 2, 4, 1), 4)
S150 = Row(24, (1, 2, 4, 2), 3)


def starnet(x: Feature, row: Row, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (starnet_s1, starnet_s2, starnet_s3, starnet_s4):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    421877376 2869168
    544113664 3682024
    753999872 5750792
    1049561600 7482728
    """
    scope, block = x.tape.scope, partial(star_block, expansion=row.expansion)
    with scope("stem"):
        x = activation(_conv_bn(x, STEM, 3, stride=2), Function.RELU6)
    for number, repeats in enumerate(row.b, start=1):
        with scope(f"stage{number}.downsample"):
            x = _conv_bn(x, row.c * 2 ** (number - 1), 3, stride=2)
        x = stage(x, f"stage{number}", repeats, block, block)
    with scope("head"):
        x = flatten(global_pool(batch_norm(x, name="norm")))
        return linear(x, classes, name="classifier")


def star_block(x: Feature, expansion: Size) -> Feature:
    """Depthwise 7×7 with norm, two 1×1 expansions multiplied, 1×1 back with norm, depthwise 7×7,
    shortcut: section 4.1."""
    channels = x.channels
    hidden = expansion * channels
    y = _conv_bn(x, channels, 7, groups=channels, name="dw1")
    first = conv2d(y, hidden, 1, bias=True, name="expand1")
    second = conv2d(y, hidden, 1, bias=True, name="expand2")
    y = multiply(activation(first, Function.RELU6), second, name="star")
    y = _conv_bn(y, channels, 1, name="project")
    return add(x, conv2d(y, channels, 7, groups=channels, bias=True, name="dw2"))


def _conv_bn(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Size = 1,
    groups: Size = 1,
    name: str = "",
) -> Feature:
    """Convolution with bias, batch norm."""
    prefix = f"{name}_" if name else ""
    x = conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name=f"{prefix}conv")
    return batch_norm(x, name=f"{prefix}bn")


starnet_s1 = from_row(starnet, S1)
starnet_s2 = from_row(starnet, S2)
starnet_s3 = from_row(starnet, S3)
starnet_s4 = from_row(starnet, S4)
starnet_s050 = from_row(starnet, S050)
starnet_s100 = from_row(starnet, S100)
starnet_s150 = from_row(starnet, S150)
