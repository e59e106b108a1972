"""EfficientNet: arXiv 1905.11946, Table 1, scaled by width and depth coefficients.

Agrees with torchvision's `efficientnet_b0` to `efficientnet_b7`: state dict, logits, initial
weights, dropout, stochastic depth. At other coefficients it has the widths and depths of timm's
`_gen_efficientnet` and of the authors' code, tensorflow/tpu models/official/efficientnet: the last
convolution has 1280 · w channels, rounded, where torchvision takes four times the last stage's.

Deviations from the authors' code, so that torchvision's checkpoint gives torchvision's logits:
symmetric padding instead of SAME, batch-norm epsilon 1e-5 instead of 1e-3 in B0 to B4. The initial
weights are torchvision's too; those of the classifier are the authors'.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    Classifier,
    SqueezeExcite,
    checked_classes,
    checked_depth,
    checked_width,
    conv_norm_act,
    init_as_timm,
    init_as_torchvision,
    make_divisible,
    stochastic_depth,
)

Norm = Callable[[int], nn.Module]

DROPPED = 0.2
"""The share of examples that a block leaves out in training rises linearly to this."""


class Block(nn.Module):
    """Layers, and the input added where the stride is 1 and the widths are equal."""

    def __init__(self, layers: list[nn.Module], shortcut: bool, dropped: float) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)
        self.shortcut = shortcut
        self.dropped = dropped

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return x + stochastic_depth(y, self.dropped, self.training) if self.shortcut else y


class Stage(NamedTuple):
    """Equal blocks, but that the first has the stride: a row of the papers' tables.

    What makes a block, expansion t, kernel k, stride s, output channels c, number of blocks n.
    """

    block: Callable[[int, "Stage", float, Norm], Block]
    t: int
    k: int
    s: int
    c: int
    n: int


def mbconv(
    channels: int, stage: Stage, dropped: float, norm: Norm, squeezed: int | None = None
) -> Block:
    """Expand 1×1 (unless t = 1), depthwise k×k, squeeze-and-excite, project 1×1.

    The squeezed width is a quarter of the block's input unless it is given.
    """
    squeezed = max(1, channels // 4) if squeezed is None else squeezed
    hidden = channels * stage.t
    layer = partial(conv_norm_act, norm=norm, act=nn.SiLU)
    layers: list[nn.Module] = []
    if stage.t != 1:
        layers.append(layer(channels, hidden, 1))
    layers += [
        layer(hidden, hidden, stage.k, stride=stage.s, groups=hidden),
        SqueezeExcite(hidden, squeezed, nn.SiLU(inplace=True), nn.Sigmoid()),
        layer(hidden, stage.c, 1, act=None),
    ]
    return Block(layers, stage.s == 1 and channels == stage.c, dropped)


def network(
    stem: int, stages: tuple[Stage, ...], head: int, dropout: float, norm: Norm, classes: int
) -> nn.Module:
    """Convolution 3×3 of stride 2, the stages, convolution 1×1, mean, classifier."""
    layer = partial(conv_norm_act, norm=norm, act=nn.SiLU)
    features: list[nn.Module] = [layer(3, stem, 3, stride=2)]
    channels, made, total = stem, 0, sum(stage.n for stage in stages)
    for stage in stages:
        blocks = []
        for repeat in range(stage.n):
            row = stage if repeat == 0 else stage._replace(s=1)
            blocks.append(stage.block(channels, row, DROPPED * made / total, norm))
            channels, made = stage.c, made + 1
        features.append(nn.Sequential(*blocks))
    features.append(layer(channels, head, 1))
    classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(head, classes))
    model = Classifier(nn.Sequential(*features), classifier)
    init_as_torchvision(model.features)
    init_as_timm(model.classifier)
    return model


STEM, HEAD = 32, 1280

# Table 1 between the first convolution and the last.
TABLE_1 = (
    Stage(mbconv, t=1, k=3, s=1, c=16, n=1),
    Stage(mbconv, t=6, k=3, s=2, c=24, n=2),
    Stage(mbconv, t=6, k=5, s=2, c=40, n=2),
    Stage(mbconv, t=6, k=3, s=2, c=80, n=3),
    Stage(mbconv, t=6, k=5, s=1, c=112, n=3),
    Stage(mbconv, t=6, k=5, s=2, c=192, n=4),
    Stage(mbconv, t=6, k=3, s=1, c=320, n=1),
)


def efficientnet(
    *, width: float, depth: float, dropout: float, norm: Norm = nn.BatchNorm2d, classes: int = 1000
) -> nn.Module:
    """Table 1 at any positive coefficients. Widths are rounded to multiples of 8, depths up.

    Raises ValueError for a coefficient that is not positive and finite, or classes below 1.
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    stages = tuple(
        row._replace(c=make_divisible(row.c * width), n=math.ceil(row.n * depth)) for row in TABLE_1
    )
    stem, head = make_divisible(STEM * width), make_divisible(HEAD * width)
    return network(stem, stages, head, dropout, norm, classes)


# The authors' settings; in torchvision B5 to B7 have them, B0 to B4 have PyTorch's.
TENSORFLOW_NORM = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)

efficientnet_b0 = partial(efficientnet, width=1.0, depth=1.0, dropout=0.2)
efficientnet_b1 = partial(efficientnet, width=1.0, depth=1.1, dropout=0.2)
efficientnet_b2 = partial(efficientnet, width=1.1, depth=1.2, dropout=0.3)
efficientnet_b3 = partial(efficientnet, width=1.2, depth=1.4, dropout=0.3)
efficientnet_b4 = partial(efficientnet, width=1.4, depth=1.8, dropout=0.4)
efficientnet_b5 = partial(efficientnet, width=1.6, depth=2.2, dropout=0.4, norm=TENSORFLOW_NORM)
efficientnet_b6 = partial(efficientnet, width=1.8, depth=2.6, dropout=0.5, norm=TENSORFLOW_NORM)
efficientnet_b7 = partial(efficientnet, width=2.0, depth=3.1, dropout=0.5, norm=TENSORFLOW_NORM)
