"""The papers' blocks alone, at stride 1 and in sizes of their own.

A block is here if its family's class takes a row of a table or layers instead of sizes, or if it
has no norms and so is in no network.
"""

from torch import nn

from reference_models import efficientnet, efficientnetv2, mobilenetv3, regnet
from reference_models.ghostnet import GhostModule
from reference_models.layers import Classifier, SqueezeExcite


def separable_conv(channels: int, out: int, kernel: int) -> nn.Module:
    """Depthwise K×K, then pointwise 1×1: arXiv 1704.04861, section 3.1, without norms."""
    pad = (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel, 1, pad, groups=channels, bias=False),
        nn.Conv2d(channels, out, 1, bias=False),
    )


def classifier(channels: int, classes: int) -> nn.Module:
    """Global mean and a linear layer: arXiv 1312.4400, section 3.2."""
    return Classifier(nn.Sequential(), nn.Sequential(nn.Linear(channels, classes)))


def squeeze_excite(channels: int, squeezed: int) -> nn.Module:
    """MobileNetV3's gate: ReLU inside, a hard sigmoid at its end."""
    return SqueezeExcite(channels, squeezed, nn.ReLU(), nn.Hardsigmoid())


def mobilenetv3_block(channels: int, hidden: int, out: int, kernel: int) -> nn.Module:
    """MobileNetV3's block with squeeze-and-excite and h-swish."""
    row = mobilenetv3.Row(channels, kernel, hidden, out, True, nn.Hardswish, 1)
    return mobilenetv3.Bottleneck(channels, hidden, out, row, nn.BatchNorm2d)


def mbconv(channels: int, out: int, t: int, kernel: int, squeezed: int) -> nn.Module:
    """EfficientNet's block, squeezed to a given width."""
    stage = efficientnet.Stage(efficientnet.mbconv, t, kernel, 1, out, 1)
    return efficientnet.mbconv(channels, stage, 0.0, nn.BatchNorm2d, squeezed)


def fused_mbconv(channels: int, out: int, t: int, kernel: int) -> nn.Module:
    """EfficientNetV2's block."""
    stage = efficientnet.Stage(efficientnetv2.fused, t, kernel, 1, out, 1)
    return efficientnetv2.fused(channels, stage, 0.0, nn.BatchNorm2d)


def ghost_module(channels: int, out: int, kernel: int, ratio: int, cheap_kernel: int) -> nn.Module:
    """GhostNet's module with ReLU after both of its convolutions."""
    return GhostModule(channels, out, nn.ReLU, kernel, ratio, cheap_kernel)


def regnet_bottleneck(channels: int, group_width: int, squeezed: int | None = None) -> nn.Module:
    """RegNet's block of ratio 1, with squeeze-and-excite where a squeezed width is given."""
    return regnet.Block(channels, regnet.Stage(1, channels, group_width, 1), 1, squeezed)
