"""MobileNetV4: arXiv 2404.10518, Tables 11 to 15 (appendix D); heads of attention from the authors'
code, tensorflow/models official/vision/modeling/backbones/mobilenet.py.

Agrees with timm's `mobilenetv4_conv_small`, `_conv_medium`, `_conv_large`, `_hybrid_medium`,
`_hybrid_large`, `_conv_aa_medium`, `_conv_aa_large` and `_conv_blur_medium`, and in the timm recipe
with their widths of 0.35, 0.5 and 0.75: state dict, logits, distribution of initial weights.

A depth coefficient repeats the blocks of a stage as timm does for other families, by `scaled_rows`;
the two 1×1 convolutions of the head stay one each.

Deviations of the paper recipe from the authors' code: timm's epsilon and momentum of norms, 1e-5
and 0.1, instead of 1e-3 and 0.01, and symmetric padding instead of SAME. Those of the blocks stand
in `mobilenetv4blocks`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    init_as_timm,
    make_divisible,
    scaled_rows,
)
from reference_models.mobilenetv4blocks import (
    Attention,
    Block,
    Blur,
    Conv,
    Fused,
    Mean,
    Mqa,
    Row,
    Shared,
    Uib,
    conv,
    fused,
    mobile_mqa,
    uib,
)


class Network(NamedTuple):
    """Stem, stages, activation; whether blocks have a layer scale."""

    stem: int
    stages: tuple[tuple[Row, ...], ...]
    act: type[nn.Module] = nn.ReLU
    scaled: bool = False


CONV_SMALL = Network(32, (
    (Conv(32, 3, 2), Conv(32, 1)),
    (Conv(96, 3, 2), Conv(64, 1)),
    (Uib(96, 5, 5, 3, 2), Uib(96, 0, 3, 2), Uib(96, 0, 3, 2), Uib(96, 0, 3, 2), Uib(96, 0, 3, 2),
     Uib(96, 3, 0)),
    (Uib(128, 3, 3, 6, 2), Uib(128, 5, 5), Uib(128, 0, 5), Uib(128, 0, 5, 3), Uib(128, 0, 3),
     Uib(128, 0, 3)),
))  # fmt: skip

CONV_MEDIUM = Network(32, (
    (Fused(48, 2),),
    (Uib(80, 3, 5, 4, 2), Uib(80, 3, 3, 2)),
    (Uib(160, 3, 5, 6, 2), Uib(160, 3, 3), Uib(160, 3, 3), Uib(160, 3, 5), Uib(160, 3, 3),
     Uib(160, 3, 0), Uib(160, 0, 0, 2), Uib(160, 3, 0)),
    (Uib(256, 5, 5, 6, 2), Uib(256, 5, 5), Uib(256, 3, 5), Uib(256, 3, 5), Uib(256, 0, 0),
     Uib(256, 3, 0), Uib(256, 3, 5, 2), Uib(256, 5, 5), Uib(256, 0, 0), Uib(256, 0, 0),
     Uib(256, 5, 0, 2)),
))  # fmt: skip

CONV_LARGE = Network(24, (
    (Fused(48, 2),),
    (Uib(96, 3, 5, 4, 2), Uib(96, 3, 3)),
    (Uib(192, 3, 5, 4, 2), Uib(192, 3, 3), Uib(192, 3, 3), Uib(192, 3, 3), Uib(192, 3, 5),
     Uib(192, 5, 3), Uib(192, 5, 3), Uib(192, 5, 3), Uib(192, 5, 3), Uib(192, 5, 3),
     Uib(192, 3, 0)),
    (Uib(512, 5, 5, 4, 2), Uib(512, 5, 5), Uib(512, 5, 5), Uib(512, 5, 5), Uib(512, 5, 0),
     Uib(512, 5, 3), Uib(512, 5, 0), Uib(512, 5, 0), Uib(512, 5, 3), Uib(512, 5, 5),
     Uib(512, 5, 0), Uib(512, 5, 0), Uib(512, 5, 0)),
))  # fmt: skip

HYBRID_MEDIUM = Network(32, (
    (Fused(48, 2),),
    (Uib(80, 3, 5, 4, 2), Uib(80, 3, 3, 2)),
    (Uib(160, 3, 5, 6, 2), Uib(160, 0, 0, 2), Uib(160, 3, 3), Uib(160, 3, 5),
     Mqa(160, 4, 64, 2), Uib(160, 3, 3), Mqa(160, 4, 64, 2), Uib(160, 3, 0),
     Mqa(160, 4, 64, 2), Uib(160, 3, 3), Mqa(160, 4, 64, 2), Uib(160, 3, 0)),
    (Uib(256, 5, 5, 6, 2), Uib(256, 5, 5), Uib(256, 3, 5), Uib(256, 3, 5), Uib(256, 0, 0, 2),
     Uib(256, 3, 5, 2), Uib(256, 0, 0, 2), Uib(256, 0, 0),
     Mqa(256, 4, 64), Uib(256, 3, 0), Mqa(256, 4, 64), Uib(256, 5, 5),
     Mqa(256, 4, 64), Uib(256, 5, 0), Mqa(256, 4, 64), Uib(256, 5, 0)),
), scaled=True)  # fmt: skip

HYBRID_LARGE = Network(24, (
    (Fused(48, 2),),
    (Uib(96, 3, 5, 4, 2), Uib(96, 3, 3)),
    (Uib(192, 3, 5, 4, 2), Uib(192, 3, 3), Uib(192, 3, 3), Uib(192, 3, 3), Uib(192, 3, 5),
     Uib(192, 5, 3), Uib(192, 5, 3),
     Mqa(192, 8, 48, 2), Uib(192, 5, 3), Mqa(192, 8, 48, 2), Uib(192, 5, 3),
     Mqa(192, 8, 48, 2), Uib(192, 5, 3), Mqa(192, 8, 48, 2), Uib(192, 3, 0)),
    (Uib(512, 5, 5, 4, 2), Uib(512, 5, 5), Uib(512, 5, 5), Uib(512, 5, 5), Uib(512, 5, 0),
     Uib(512, 5, 3), Uib(512, 5, 0), Uib(512, 5, 0), Uib(512, 5, 3), Uib(512, 5, 5),
     Mqa(512, 8, 64), Uib(512, 5, 0), Mqa(512, 8, 64), Uib(512, 5, 0),
     Mqa(512, 8, 64), Uib(512, 5, 0), Mqa(512, 8, 64), Uib(512, 5, 0)),
), act=nn.GELU, scaled=True)  # fmt: skip


def _block(channels: int, row: Row, shared: Shared) -> Block:
    match row:
        case Conv():
            return conv(channels, row, shared)
        case Fused():
            return fused(channels, row, shared)
        case Uib():
            return uib(channels, row, shared)
        case Mqa():
            return mobile_mqa(channels, row, shared)


def _again(row: Row) -> Row:
    return row if isinstance(row, Mqa) else row._replace(stride=1)


class MobileNetV4(nn.Module):
    """(B, 3, H, W) → (B, classes), of stages of rows; `last` and `head` are the channels of the 1×1
    convolutions before and after the mean."""

    def __init__(
        self, network: Network, last: int, head: int, classes: int, halve: type[nn.Module] | None
    ) -> None:
        super().__init__()
        shared, channels = Shared(network.act, network.scaled, halve), network.stem
        self.conv_stem = nn.Conv2d(3, channels, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        stages: list[nn.Module] = []
        for rows in network.stages:
            built = nn.Sequential()
            for row in rows:
                built.append(_block(channels, row, shared))
                channels = row.out
            stages.append(built)
        stages.append(nn.Sequential(conv(channels, Conv(last, 1), shared)))
        self.blocks = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = nn.Conv2d(last, head, 1, bias=False)
        self.norm_head = nn.BatchNorm2d(head)
        self.classifier = nn.Linear(head, classes)
        self.act = network.act()
        init_as_timm(self)
        for layer in self.modules():
            if isinstance(layer, Attention):
                layer.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.bn1(self.conv_stem(x)))
        x = self.pool(self.blocks(x))
        x = self.act(self.norm_head(self.conv_head(x)))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


def _stem_in_timm(channels: int, width: float) -> int:
    return channels if width < 1 else make_divisible(channels * width)


RECIPES: dict[str, tuple[Callable[[int, float], int], Callable[[int, float], int]]] = {
    "paper": (
        lambda stem, width: make_divisible(stem * width),
        lambda head, width: make_divisible(head * max(width, 1)),
    ),
    "timm": (_stem_in_timm, lambda head, width: head),
}
"""How the stem and the last 1×1 convolution scale."""


def mobilenetv4(
    network: Network,
    classes: int = 1000,
    *,
    width: float = 1.0,
    depth: float = 1.0,
    recipe: str = "paper",
    halve: type[nn.Module] | None = None,
) -> nn.Module:
    """The network of a table at any positive width and depth.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or a
    recipe other than "paper" and "timm".
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    stem, head = RECIPES[checked_recipe(recipe, RECIPES)]
    stages = tuple(
        tuple(
            row._replace(out=make_divisible(row.out * width))
            for row in scaled_rows(rows, _again, depth)
        )
        for rows in network.stages
    )
    scaled = network._replace(stem=stem(network.stem, width), stages=stages)
    return MobileNetV4(scaled, make_divisible(960 * width), head(1280, width), classes, halve)


# 3,774,024, 9,715,512, 32,590,864, 11,074,648 and 37,764,624 parameters at width 1 and depth 1.
mobilenetv4_conv_small = partial(mobilenetv4, CONV_SMALL)
mobilenetv4_conv_medium = partial(mobilenetv4, CONV_MEDIUM)
mobilenetv4_conv_large = partial(mobilenetv4, CONV_LARGE)
mobilenetv4_hybrid_medium = partial(mobilenetv4, HYBRID_MEDIUM)
mobilenetv4_hybrid_large = partial(mobilenetv4, HYBRID_LARGE)
mobilenetv4_conv_aa_medium = partial(mobilenetv4, CONV_MEDIUM, halve=Mean)
mobilenetv4_conv_aa_large = partial(mobilenetv4, CONV_LARGE, halve=Mean)
mobilenetv4_conv_blur_medium = partial(mobilenetv4, CONV_MEDIUM, halve=Blur)
