"""EfficientNetV2: arXiv 2104.00298, Table 4 (S), and the authors' configurations of S, M and L.

Agrees with torchvision's `efficientnet_v2_s`, `_m` and `_l`: state dict, logits, initial weights,
dropout, stochastic depth. The authors' code is google/automl efficientnetv2/effnetv2_configs.py and
effnetv2_model.py.

Width and depth coefficients are rounded as there: channels to the nearest multiple of 8, layers up.

Deviations:

* From the first version of the paper: the last stage of S has 256 channels, not 272, as in the
  final version and in every checkpoint.
* From Figure 2: no squeeze-and-excite in the fused blocks. The figure draws it, no implementation
  has it.
* From the authors' code, so that torchvision's checkpoint gives torchvision's logits: symmetric
  padding instead of SAME. The initial weights are torchvision's too.
"""

import math
from functools import partial

from torch import nn

from reference_models.efficientnet import Block, Norm, Stage, mbconv, network
from reference_models.layers import checked_classes, checked_depth, checked_width, conv_norm_act


def fused(channels: int, stage: Stage, dropped: float, norm: Norm) -> Block:
    """Expand k×k, project 1×1; for t = 1 one k×k with its activation: Figure 2."""
    layer = partial(conv_norm_act, norm=norm, act=nn.SiLU)
    if stage.t == 1:
        layers: list[nn.Module] = [layer(channels, stage.c, stage.k, stride=stage.s)]
    else:
        hidden = channels * stage.t
        layers = [
            layer(channels, hidden, stage.k, stride=stage.s),
            layer(hidden, stage.c, 1, act=None),
        ]
    return Block(layers, stage.s == 1 and channels == stage.c, dropped)


# Table 4.
S = (
    Stage(fused, t=1, k=3, s=1, c=24, n=2),
    Stage(fused, t=4, k=3, s=2, c=48, n=4),
    Stage(fused, t=4, k=3, s=2, c=64, n=4),
    Stage(mbconv, t=4, k=3, s=2, c=128, n=6),
    Stage(mbconv, t=6, k=3, s=1, c=160, n=9),
    Stage(mbconv, t=6, k=3, s=2, c=256, n=15),
)

# effnetv2_configs.py.
M = (
    Stage(fused, t=1, k=3, s=1, c=24, n=3),
    Stage(fused, t=4, k=3, s=2, c=48, n=5),
    Stage(fused, t=4, k=3, s=2, c=80, n=5),
    Stage(mbconv, t=4, k=3, s=2, c=160, n=7),
    Stage(mbconv, t=6, k=3, s=1, c=176, n=14),
    Stage(mbconv, t=6, k=3, s=2, c=304, n=18),
    Stage(mbconv, t=6, k=3, s=1, c=512, n=5),
)

# effnetv2_configs.py.
L = (
    Stage(fused, t=1, k=3, s=1, c=32, n=4),
    Stage(fused, t=4, k=3, s=2, c=64, n=7),
    Stage(fused, t=4, k=3, s=2, c=96, n=7),
    Stage(mbconv, t=4, k=3, s=2, c=192, n=10),
    Stage(mbconv, t=6, k=3, s=1, c=224, n=19),
    Stage(mbconv, t=6, k=3, s=2, c=384, n=25),
    Stage(mbconv, t=6, k=3, s=1, c=640, n=7),
)

HEAD = 1280


def round_filters(channels: int, width: float) -> int:
    """The nearest multiple of 8, at least 8; other than in EfficientNet it may be below 0.9."""
    return max(8, int(channels * width + 4) // 8 * 8)


def efficientnetv2(
    stages: tuple[Stage, ...],
    *,
    dropout: float,
    width: float = 1.0,
    depth: float = 1.0,
    classes: int = 1000,
) -> nn.Module:
    """A network of these stages at any positive coefficients, its stem as wide as the first.

    Raises ValueError for a coefficient that is not positive and finite, or classes below 1.
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    norm = partial(nn.BatchNorm2d, eps=1e-3)
    scaled = tuple(
        row._replace(c=round_filters(row.c, width), n=math.ceil(row.n * depth)) for row in stages
    )
    return network(scaled[0].c, scaled, round_filters(HEAD, width), dropout, norm, classes)


efficientnetv2_s = partial(efficientnetv2, S, dropout=0.2)
efficientnetv2_m = partial(efficientnetv2, M, dropout=0.3)
efficientnetv2_l = partial(efficientnetv2, L, dropout=0.4)
