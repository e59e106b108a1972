"""ResNet: arXiv 1512.03385, Table 1; torchvision's models/resnet.py.

The stride of a bottleneck is in its 3×3 convolution, as in torchvision; in the paper, and in the
authors' KaimingHe/deep-residual-networks, it is in the first 1×1, which makes ResNet-50 cheaper.

`groups` and `width_per_group` widen the 3×3 convolution of a bottleneck: 32 groups of 4 in
ResNet-50 is ResNeXt-50 32x4d (arXiv 1611.05431, Table 1), one group of 128 is Wide ResNet-50-2
(arXiv 1605.07146).

Neither paper nor code has other coefficients; width and depth round as in EfficientNet: channels to
multiples of 8 that keep 0.9 of the width, blocks up. torchvision's own rule then gives the channels
of a bottleneck, ⌊width · width_per_group/64⌋ · groups, so that the groups divide them; a group
keeps one channel at least.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import activation, add, flatten, global_pool, linear, max_pool2d
from flopscope.analytic.stages import stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, any_of, floor_div, maximum, round_filters, round_repeats

RE = Function.RELU
WIDTHS = (64, 128, 256, 512)
"""Channels of the 3×3 convolutions of conv2_x to conv5_x."""


def basic_block(x: Feature, channels: Size, *, stride: int = 1) -> Feature:
    """Two 3×3 convolutions and a shortcut: figure 5, left."""
    y = conv_bn_act(x, channels, 3, stride=stride, function=RE, name="conv1")
    return _residual(x, conv_bn_act(y, channels, 3, name="conv2"), stride)


def bottleneck(
    x: Feature, channels: Size, *, hidden: Size, groups: Size = 1, stride: int = 1
) -> Feature:
    """1×1 to `hidden`, 3×3, 1×1 to `channels`, and a shortcut: figure 5, right.

    With groups it is the block of arXiv 1611.05431, figure 3c.
    """
    y = conv_bn_act(x, hidden, 1, function=RE, name="reduce")
    y = conv_bn_act(y, hidden, 3, stride=stride, groups=groups, function=RE, name="spatial")
    return _residual(x, conv_bn_act(y, channels, 1, name="expand"), stride)


def _residual(x: Feature, y: Feature, stride: int) -> Feature:
    """ReLU of the sum; x is projected by a 1×1 convolution where its shape is another (option
    B)."""
    if stride != 1 or any_of(x.channels != y.channels):
        x = conv_bn_act(x, y.channels, 1, stride=stride, name="shortcut")
    return activation(add(x, y), RE)


def of_basic_blocks(
    x: Feature,
    repeats: tuple[int, ...],
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
) -> Feature:
    """(B, 3, H, W) → (B, classes): so many basic blocks in conv2_x to conv5_x.

    Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (resnet18, resnet34):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    1814073344 11689512
    3663761408 21797672
    """
    return _resnet(x, repeats, basic_block, width, depth, classes)


def of_bottlenecks(
    x: Feature,
    repeats: tuple[int, ...],
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    groups: Size = 1,
    width_per_group: Size = 64,
) -> Feature:
    """(B, 3, H, W) → (B, classes): so many bottlenecks in conv2_x to conv5_x.

    Domain: width > 0, depth > 0, groups, width_per_group, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> for network in (resnet50, resnet101, resnet152):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    4089184256 25557032
    7801405440 44549160
    11513626624 60192808
    """

    def block(x: Feature, channels: Size, *, stride: int = 1) -> Feature:
        of_group = maximum(1, floor_div(channels * width_per_group, WIDTHS[0]))
        return bottleneck(x, 4 * channels, hidden=of_group * groups, groups=groups, stride=stride)

    return _resnet(x, repeats, block, width, depth, classes)


def _resnet(
    x: Feature,
    repeats: tuple[int, ...],
    block: Callable[..., Feature],
    width: Real,
    depth: Real,
    classes: Size,
) -> Feature:
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, round_filters(64, width), 7, stride=2, function=RE)
        x = max_pool2d(x, 3, stride=2, padding=1)
    for number, (c, n) in enumerate(zip(WIDTHS, repeats, strict=True), start=1):
        channels, blocks = round_filters(c, width), round_repeats(n, depth)
        first = partial(block, channels=channels, stride=1 if number == 1 else 2)
        x = stage(x, f"stage{number}", blocks, first, partial(block, channels=channels))
    with scope("head"):
        return linear(flatten(global_pool(x)), classes, name="classifier")


# Table 1: blocks of conv2_x to conv5_x.
resnet18 = partial(of_basic_blocks, repeats=(2, 2, 2, 2))
resnet34 = partial(of_basic_blocks, repeats=(3, 4, 6, 3))
resnet50 = partial(of_bottlenecks, repeats=(3, 4, 6, 3))
resnet101 = partial(of_bottlenecks, repeats=(3, 4, 23, 3))
resnet152 = partial(of_bottlenecks, repeats=(3, 8, 36, 3))
